"""What is kept is encrypted where it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import is_false
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

QUEUE, TOPIC, STREAM = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Kinesis::Stream"
TABLE, FILES = "AWS::DynamoDB::Table", "AWS::EFS::FileSystem"
KEY, KINESIS = ("KmsMasterKeyId",), ("StreamEncryption",)


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """Messages, records and files are encrypted where they lie.

    Why it matters: most services encrypt unless told otherwise, so that what is left out here was either switched off
    or is one of the few that do not. Auditors ask for all of it.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html

    Refuses: a queue with `SqsManagedSseEnabled: false` and no key; a Kinesis stream without `StreamEncryption`; a topic
    without `KmsMasterKeyId`; a file system without `Encrypted`; a table with `SSEEnabled: false`. As an information, a
    topic that alarms tell: they cannot write under the key that AWS keeps for topics, only under one of your own.

    Accepts: what AWS encrypts by itself, such as queues and buckets of which nothing is said; keys of either kind.
    """
    for queue in assembly.of_type(QUEUE):
        if _is_off(queue, "SqsManagedSseEnabled") and queue.lacks(*KEY):
            yield _open(queue, ("SqsManagedSseEnabled",), "messages", "leave SqsManagedSseEnabled out, or set it true")
    for stream in assembly.of_type(STREAM):
        if stream.lacks(*KINESIS) or stream.text(*KINESIS, "EncryptionType") == "NONE":
            fix = "set StreamEncryption to EncryptionType KMS and KeyId alias/aws/kinesis"
            yield _open(stream, KINESIS, "records", fix)
    told = {
        topic
        for alarm in assembly.of_type("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        for key in ("AlarmActions", "OKActions", "InsufficientDataActions")
        for topic in map(assembly.target, alarm.values(key, "*"))
    }
    for topic in assembly.of_type(TOPIC):
        if topic.lacks(*KEY):
            is_of_alarms = topic in told
            fix = "set KmsMasterKeyId to the key of a policy that lets its publishers use it"
            yield _open(topic, KEY, "messages", fix, Severity.INFO if is_of_alarms else None)
    for files in assembly.of_type(FILES):
        if files.lacks("Encrypted") or _is_off(files, "Encrypted"):
            yield _open(files, ("Encrypted",), "files", "set Encrypted to true; it cannot be changed later")
    for table in assembly.of_type(TABLE):
        at = ("SSESpecification", "SSEEnabled")
        if _is_off(table, *at):
            yield _open(table, at, "items (under a key of the account)", "set SSEEnabled to true")


def _is_off(resource: Resource, *at: str) -> bool:
    return is_false(resource.value(*at))


def _open(resource: Resource, at: tuple[str, ...], what: str, fix: str, severity: Severity | None = None) -> Finding:
    problem = f"its {what} are not encrypted where they lie"
    return finding(resource, problem=problem, fix=fix, at=at, severity=severity)
