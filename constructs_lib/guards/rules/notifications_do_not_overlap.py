"""A bucket tells each event to one, and by a name that S3 knows."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from constructs_lib.assembly.value import Text, texts
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.assembly.value import Value
    from constructs_lib.guards.finding import Finding, Unknown

AT = "NotificationConfiguration"
KINDS = {"LambdaConfigurations": "Function", "QueueConfigurations": "Queue", "TopicConfigurations": "Topic"}
WHOLE = ":*"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
EVENTS = {
    "s3:IntelligentTiering": (), "s3:LifecycleExpiration": ("Delete", "DeleteMarkerCreated"),
    "s3:LifecycleTransition": (), "s3:ObjectAcl": ("Put",),
    "s3:ObjectCreated": ("CompleteMultipartUpload", "Copy", "Post", "Put"),
    "s3:ObjectRemoved": ("Delete", "DeleteMarkerCreated"), "s3:ObjectRestore": ("Completed", "Delete", "Post"),
    "s3:ObjectTagging": ("Delete", "Put"), "s3:ReducedRedundancyLostObject": (),
    "s3:Replication": (
        "OperationFailedReplication", "OperationMissedThreshold", "OperationNotTracked",
        "OperationReplicatedAfterThreshold",
    ),
}  # fmt: skip
SUGGESTED = "s3:ObjectCreated:*"


class _Told(NamedTuple):
    at: tuple[str, ...]
    event: str
    prefix: str
    suffix: str


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The notifications of a bucket are of events that S3 has, and no two ask for the same of the same objects.

    Why it matters: S3 refuses the configuration, and the deployment fails.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html

    Refuses: an event that S3 does not have, such as `s3:ObjectCreated` without `:*`; two notifications of one event
    whose prefixes and suffixes may both fit one object.

    Accepts: prefixes or suffixes that exclude each other; several who listen, by way of EventBridge or of a topic.
    """
    for bucket in assembly.of_type("AWS::S3::Bucket"):
        told = list(_told(bucket))
        for each in told:
            if not _is_known(each.event):
                yield finding(
                    bucket,
                    problem=f"S3 has no event {each.event}",
                    fix=f"write {each.event}{WHOLE}" if each.event in EVENTS else f"write {SUGGESTED}, or another one",
                    at=each.at,
                    detail=each.event,
                )
        for one, other in combinations(told, 2):
            if _overlap(one, other):
                yield finding(
                    bucket,
                    problem=f"two notifications ask for {one.event} of the same objects, and S3 refuses that",
                    fix="give them prefixes or suffixes that exclude each other, or send the events by EventBridge",
                    at=other.at,
                    detail=".".join(other.at),
                )


def _told(bucket: Resource) -> Iterator[_Told]:
    """What each notification asks for, as far as a template tells."""
    for kind in KINDS:
        several = bucket.value(AT, kind)
        for index, each in enumerate(several if isinstance(several, list) else ()):
            filtered = _filter(each.get("Filter")) if isinstance(each, dict) else None
            for event in texts([each.get("Event")]) if isinstance(each, dict) else ():
                if filtered is not None and event.literal is not None:
                    yield _Told((AT, kind, str(index)), event.literal, *filtered)


def _filter(told: Value) -> tuple[str, str] | None:
    """The prefix and the suffix; none where a deployment decides."""
    if told is None:
        return "", ""
    rules = told.get("S3Key") if isinstance(told, dict) else None
    listed = rules.get("Rules") if isinstance(rules, dict) else None
    if not isinstance(listed, list):
        return None
    found = {"prefix": "", "suffix": ""}
    for each in listed:
        name, value = (each.get("Name"), each.get("Value")) if isinstance(each, dict) else (None, None)
        if not isinstance(name, Text) or not isinstance(value, Text) or value.literal is None:
            return None
        found[(name.literal or "").lower()] = value.literal
    return found["prefix"], found["suffix"]


def _is_known(event: str) -> bool:
    if event in EVENTS and not EVENTS[event]:
        return True
    group, _, last = event.rpartition(":")
    return group in EVENTS and (last == "*" or last in EVENTS[group])


def _overlap(one: _Told, other: _Told) -> bool:
    first, second = one.event.removesuffix("*"), other.event.removesuffix("*")
    same = one.event == other.event or (one.event != first and second.startswith(first))
    same = same or (other.event != second and first.startswith(second))
    prefixes = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    return same and prefixes and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))
