"""What is sent to a FIFO queue comes from where a FIFO queue takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.value import Value
    from constructs_lib.guards.finding import Finding, Unknown

QUEUE, TOPIC, FUNCTION = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Lambda::Function"
NOTIFIED = ("NotificationConfiguration", "QueueConfigurations", "*", "Queue")
GROUP = ("SqsParameters", "MessageGroupId")


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A bucket, a topic, a rule and a schedule send to a queue of a kind they can send to.

    Why it matters: AWS refuses the deployment, or takes it and delivers nothing: a FIFO queue wants a message group,
    which S3 and standard topics do not have.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
    https://docs.aws.amazon.com/sns/latest/dg/fifo-topic-message-delivery.html

    Refuses: notifications of a bucket to a FIFO queue; a subscription of a FIFO queue to a standard topic, or of a
    function to a FIFO topic; a FIFO queue as target of a rule or schedule without a `MessageGroupId`.

    Accepts: standard queues for all of these; FIFO topics with queues of both kinds; targets with a `MessageGroupId`.
    """
    for bucket in assembly.of_type("AWS::S3::Bucket"):
        for told in bucket.texts(*NOTIFIED):
            queue = _fifo(assembly, told)
            if queue is not None:
                problem = f"the bucket notifies {queue}, and S3 sends to no FIFO queue"
                fix = "notify a standard queue, or send the events over EventBridge with a MessageGroupId"
                yield finding(bucket, problem=problem, fix=fix, at=NOTIFIED[:2], through=(queue,))
    for subscription in assembly.of_type("AWS::SNS::Subscription"):
        topic = assembly.target(subscription.value("TopicArn"), TOPIC)
        if not isinstance(topic, Resource):
            continue
        queue = _fifo(assembly, subscription.value("Endpoint"))
        if queue is not None and not topic.is_true("FifoTopic"):
            problem = f"{queue} is a FIFO queue and {topic} is a standard topic: SNS refuses the subscription"
            fix = "set FifoTopic of the topic, or subscribe a standard queue"
            yield finding(subscription, problem=problem, fix=fix, at=("Endpoint",), through=(topic, queue))
        if topic.is_true("FifoTopic") and subscription.text("Protocol") == "lambda":
            problem = f"{topic} is a FIFO topic, which delivers to queues only: SNS refuses the subscription"
            fix = "subscribe a FIFO queue, and let the function drain it"
            yield finding(subscription, problem=problem, fix=fix, at=("Protocol",), through=(topic,))
    for sender, at, target in _targets(assembly):
        queue = _fifo(assembly, target.get("Arn"))
        group = target.get(GROUP[0])
        if queue is not None and not (isinstance(group, dict) and group.get(GROUP[1]) is not None):
            problem = f"the target {queue} is a FIFO queue, and there is no MessageGroupId: nothing would be delivered"
            yield finding(
                sender, problem=problem, fix=f"set {'.'.join(GROUP)} of the target", at=(*at, *GROUP), through=(queue,)
            )


def _targets(assembly: Assembly) -> Iterator[tuple[Resource, tuple[str, ...], dict[str, Value]]]:
    for each in assembly.of_type("AWS::Events::Rule"):
        told = each.value("Targets")
        for index, target in enumerate(told if isinstance(told, list) else ()):
            if isinstance(target, dict):
                yield each, ("Targets", str(index)), target
    for each in assembly.of_type("AWS::Scheduler::Schedule"):
        target = each.value("Target")
        if isinstance(target, dict):
            yield each, ("Target",), target


def _fifo(assembly: Assembly, told: Value) -> Resource | None:
    """The FIFO queue among the stacks that a text names."""
    queue = assembly.target(told, QUEUE) if isinstance(told, Text) else None
    return queue if isinstance(queue, Resource) and queue.is_true("FifoQueue") else None
