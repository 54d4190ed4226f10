"""What a service delivers, and what has to let it: the policy of a queue or topic, or the role that it comes in as.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from constructs_lib.assembly.arn import Arn
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.value import Value

QUEUE, TOPIC, RULE = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Events::Rule"
SUBSCRIPTION, BUCKET, ALARM = "AWS::SNS::Subscription", "AWS::S3::Bucket", "AWS::CloudWatch::Alarm"
EVENTS = "events.amazonaws.com"
ACTIONS = {QUEUE: "sqs:SendMessage", TOPIC: "sns:Publish"}
STARTS = {  # what a role has to allow for a target; a pipe runs a state machine to its end, others only start it
    QUEUE: ("sqs:SendMessage",),
    TOPIC: ("sns:Publish",),
    "AWS::Lambda::Function": ("lambda:InvokeFunction",),
    "AWS::StepFunctions::StateMachine": ("states:StartExecution", "states:StartSyncExecution"),
    "AWS::Events::EventBus": ("events:PutEvents",),
    "AWS::Kinesis::Stream": ("kinesis:PutRecord", "kinesis:PutRecords"),
    "AWS::KinesisFirehose::DeliveryStream": ("firehose:PutRecord", "firehose:PutRecordBatch"),
}
# Of each type: who delivers, and where it names queues and topics.
PLACES: Mapping[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    BUCKET: (
        "s3.amazonaws.com",
        (
            ("NotificationConfiguration", "QueueConfigurations", "*", "Queue"),
            ("NotificationConfiguration", "TopicConfigurations", "*", "Topic"),
        ),
    ),
    SUBSCRIPTION: ("sns.amazonaws.com", (("Endpoint",), ("RedrivePolicy", "deadLetterTargetArn"))),
    ALARM: (
        "cloudwatch.amazonaws.com",
        (("AlarmActions", "*"), ("OKActions", "*"), ("InsufficientDataActions", "*")),
    ),
}

_Sender: TypeAlias = tuple[Resource, tuple[str, ...], str, Text]  # the first four of a delivery


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that a service delivers.

    Args:
        by: What says so: a rule, a subscription, a bucket, an alarm.
        at: Where among its properties.
        principal: The service that comes in.
        source: The ARN that the service says it comes from.
        to: The queue or topic.
    """

    by: Resource
    at: tuple[str, ...]
    principal: str
    source: Text
    to: Resource

    @property
    def action(self) -> str:
        """What it has to be allowed."""
        return ACTIONS[self.to.type]


def deliveries_of(assembly: Assembly) -> Iterator[Delivery]:
    """Yield what is delivered into the queues and topics of an assembly."""
    for kind, (principal, places) in PLACES.items():
        for by in assembly.of_type(kind):
            source = assembly.arn_of(by.value("TopicArn"), TOPIC) if kind == SUBSCRIPTION else by.arn
            for at in places:
                for value in by.values(*at):
                    yield from _to(assembly, value, (by, at, principal, source))
    for rule in assembly.of_type(RULE):
        for target in rule.values("Targets", "*"):
            if isinstance(target, dict):
                if "RoleArn" not in target:
                    at = ("Targets", "*", "Arn")
                    yield from _to(assembly, target.get("Arn"), (rule, at, EVENTS, rule.arn))
                kept = target.get("DeadLetterConfig")
                if isinstance(kept, dict):
                    at = ("Targets", "*", "DeadLetterConfig", "Arn")
                    yield from _to(assembly, kept.get("Arn"), (rule, at, EVENTS, rule.arn))


def _to(assembly: Assembly, value: Value, delivery: _Sender) -> Iterator[Delivery]:
    for kind in (QUEUE, TOPIC) if isinstance(value, Text) else ():
        node = assembly.target(value, kind)
        if isinstance(node, Resource) and node.type == kind and value in {node.arn, node.reference, node.name}:
            yield Delivery(*delivery, node)


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that a service does as a role that it is given for that.

    Args:
        by: What says so: a schedule, a rule, a pipe.
        at: Where among its properties.
        role: The role.
        to: What it calls, starts or sends to.
        arn: Its ARN as the role is asked for it: with the version or alias that is called.
        actions: What the role has to allow; of several any one will do.
    """

    by: Resource
    at: tuple[str, ...]
    role: Value
    to: Resource
    arn: Text
    actions: tuple[str, ...]


def errands_of(assembly: Assembly) -> Iterator[Errand]:
    """Yield what schedules, rules and pipes do as roles."""
    for schedule in assembly.of_type("AWS::Scheduler::Schedule"):
        told = schedule.value("Target", "Arn"), schedule.value("Target", "RoleArn")
        yield from _errand(assembly, schedule, ("Target", "Arn"), *told)
    for rule in assembly.of_type(RULE):
        for target in rule.values("Targets", "*"):
            if isinstance(target, dict) and "RoleArn" in target:
                yield from _errand(assembly, rule, ("Targets", "*", "Arn"), target.get("Arn"), target["RoleArn"])
    for pipe in assembly.of_type("AWS::Pipes::Pipe"):
        for key in ("Target", "Enrichment"):
            yield from _errand(assembly, pipe, (key,), pipe.value(key), pipe.value("RoleArn"))


def _errand(assembly: Assembly, by: Resource, at: tuple[str, ...], value: Value, role: Value) -> Iterator[Errand]:
    for kind, actions in STARTS.items() if isinstance(value, Text) and Arn.parse(value) is not None else ():
        node = assembly.target(value, kind)
        if isinstance(value, Text) and isinstance(node, Resource) and node.type == kind:
            yield Errand(by, at, role, node, value, actions)
