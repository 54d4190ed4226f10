"""Each action that makes something run, alone: what it does runs who may do it.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from collections.abc import Iterator
from typing import Any

from tests.guards.recursion.parts import (
    Resources,
    allow,
    att,
    bucket,
    bus,
    function,
    machine,
    mapping,
    notifying,
    objects,
    queue,
    ref,
    resource,
    rule,
    stream,
    subscribed,
    table,
    task,
    topic,
    writer,
)
from tests.guards.recursion.topology import Topology, guarded, loop, silent

# What happens to objects, by the action that alone is needed for it.
HAPPENS = {
    "s3:DeleteObject": "ObjectRemoved:Delete",
    "s3:DeleteObjectTagging": "ObjectTagging:Delete",
    "s3:DeleteObjectVersion": "ObjectRemoved:Delete",
    "s3:DeleteObjectVersionTagging": "ObjectTagging:Delete",
    "s3:PutObject": "ObjectCreated:Put",
    "s3:PutObjectAcl": "ObjectAcl:Put",
    "s3:PutObjectTagging": "ObjectTagging:Put",
    "s3:PutObjectVersionAcl": "ObjectAcl:Put",
    "s3:PutObjectVersionTagging": "ObjectTagging:Put",
    "s3:RestoreObject": "ObjectRestore:Post",
}
RECORDED = {
    "dynamodb:BatchWriteItem": ("INSERT", "MODIFY", "REMOVE"),
    "dynamodb:DeleteItem": ("REMOVE",),
    "dynamodb:PartiQLDelete": ("REMOVE",),
    "dynamodb:PartiQLInsert": ("INSERT",),
    "dynamodb:PartiQLUpdate": ("MODIFY",),
    "dynamodb:PutItem": ("INSERT", "MODIFY"),
    "dynamodb:UpdateItem": ("INSERT", "MODIFY"),
}
# What changes nothing that anybody is told of.
HARMLESS = ("dynamodb:UpdateTable", "dynamodb:ConditionCheckItem", "dynamodb:Scan")


def on_objects(action: str, event: str) -> Resources:
    told = notifying("Lambda", att("Writer"), f"s3:{event}")
    return writer(allow(action, objects())) | bucket(NotificationConfiguration=told)


def on_items(action: str, *names: str) -> Resources:
    patterns = [{"eventName": list(names)}] if names else []
    return writer(allow(action, att("Table"))) | table() | mapping(att("Table", "StreamArn"), "Writer", *patterns)


def sent(action: str) -> tuple[Resources, tuple[str, ...]]:
    """A system in which an action runs who may do it, and what all it runs."""
    service = action.split(":", maxsplit=1)[0]
    may = (allow(action, PLACES[service]),)
    alone, both = ("Writer",), ("Machine", "Writer")
    match service:
        case "sqs":
            return writer(*may) | queue() | mapping(att("Queue")), alone
        case "sns":
            return writer(*may) | topic() | subscribed("lambda", att("Writer")), alone
        case "kinesis":
            return writer(*may) | stream() | mapping(att("Stream")), alone
        case "firehose":
            to = {"BucketARN": att("Bucket"), "RoleARN": "arn:aws:iam::111111111111:role/r"}
            delivery = resource("AWS::KinesisFirehose::DeliveryStream", ExtendedS3DestinationConfiguration=to)
            told = bucket(NotificationConfiguration=notifying("Lambda", att("Writer")))
            return writer(*may) | {"Delivery": delivery} | told, alone
        case "events":
            return writer(*may) | bus() | rule(att("Writer"), {"source": [{"prefix": ""}]}, on=ref("Bus")), alone
        case "states":
            kind = "EXPRESS" if "Sync" in action else "STANDARD"
            return machine(task("${Writer.Arn}"), StateMachineType=kind) | function("Writer", *may), both
        case "logs":
            told = {"LogGroupName": ref("Group"), "FilterPattern": "", "DestinationArn": att("Writer")}
            group = {"Group": resource("AWS::Logs::LogGroup", LogGroupName="shop")}
            return writer(*may) | group | {"Filter": resource("AWS::Logs::SubscriptionFilter", **told)}, alone
    urls = {
        f"{each}Url": resource("AWS::Lambda::Url", TargetFunctionArn=att(each), AuthType="AWS_IAM")
        for each in ("Other", "Writer")
        if action == "lambda:InvokeFunctionUrl"
    }
    calling = function("Writer", allow(action, att("Other"))) | function("Other", allow(action, att("Writer")))
    return calling | urls, ("Other", "Writer")


PLACES: dict[str, Any] = {
    "sqs": att("Queue"),
    "sns": ref("Topic"),
    "kinesis": att("Stream"),
    "firehose": att("Delivery"),
    "events": att("Bus"),
    "states": ref("Machine"),
    "logs": att("Group"),
    "lambda": att("Writer"),
}
SENT = (
    "events:PutEvents",
    "firehose:PutRecord",
    "firehose:PutRecordBatch",
    "kinesis:PutRecord",
    "kinesis:PutRecords",
    "lambda:InvokeAsync",
    "lambda:InvokeFunction",
    "lambda:InvokeFunctionUrl",
    "logs:PutLogEvents",
    "sns:Publish",
    "sqs:SendMessage",
    "states:RedriveExecution",
    "states:StartExecution",
    "states:StartSyncExecution",
)
READ = ("kinesis:GetRecords", "lambda:GetFunction", "logs:GetLogEvents", "sns:GetTopicAttributes", "sqs:ReceiveMessage")


def _all() -> Iterator[Topology]:
    for action, event in HAPPENS.items():
        yield loop(f"{action} is {event}", on_objects(action, event))
        other = "ObjectCreated:*" if "Created" not in event else "ObjectRemoved:*"
        yield guarded(f"{action} is not {other}", on_objects(action, other))
    for action, names in RECORDED.items():
        yield loop(f"{action} is all that it does", on_items(action, *names))
        rest = {"INSERT", "MODIFY", "REMOVE"}.difference(names)
        if rest:
            yield guarded(f"{action} is nothing else", on_items(action, *sorted(rest)))
    for action in HARMLESS:
        yield silent(action, on_items(action))
    for action in SENT:
        yield loop(action, *sent(action))
    for action in READ:
        yield silent(action, sent(action)[0])


TOPOLOGIES = tuple(_all())
