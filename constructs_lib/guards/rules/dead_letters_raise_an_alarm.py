"""Somebody is told when a message ends among the dead ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.event_sources import QUEUE, event_sources, piped_queues
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text, is_false, texts
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule
from constructs_lib.guards.waivers import is_waived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

ALARM, METRIC = "AWS::CloudWatch::Alarm", "ApproximateNumberOfMessagesVisible"
METRICS = frozenset({METRIC, "ApproximateAgeOfOldestMessage"})  # sending to it counts no message that SQS moved there
# What says that messages end in a queue because something failed.
DEAD = (
    ("AWS::Events::Rule", ("Targets", "*", "DeadLetterConfig", "Arn")),
    ("AWS::Lambda::EventInvokeConfig", ("DestinationConfig", "OnFailure", "Destination")),
    ("AWS::Lambda::EventSourceMapping", ("DestinationConfig", "OnFailure", "Destination")),
    ("AWS::Lambda::Function", ("DeadLetterConfig", "TargetArn")),
    ("AWS::Pipes::Pipe", ("SourceParameters", "*", "DeadLetterConfig", "Arn")),
    ("AWS::SNS::Subscription", ("RedrivePolicy", "deadLetterTargetArn")),
    ("AWS::SQS::Queue", ("RedrivePolicy", "deadLetterTargetArn")),
    ("AWS::Scheduler::Schedule", ("Target", "DeadLetterConfig", "Arn")),
)


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A dead-letter queue has an alarm on the messages in it.

    Why it matters: a dead-letter queue that nobody looks at loses its messages too, only later.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html

    Refuses: a queue for what failed, without a CloudWatch alarm on `ApproximateNumberOfMessagesVisible` or
    `ApproximateAgeOfOldestMessage` of that queue; an alarm whose actions are switched off, or that waits for fewer
    messages, is none.

    Accepts: an alarm in any of the stacks; a function or a pipe that drains the queue; an alarm that one of our
    constructs was told to leave out, with a reason.
    """
    settled = {queue for alarm in assembly.of_type(ALARM) for queue in _watched(assembly, alarm)}
    settled.update(each.source for each in event_sources(assembly) if each.source is not None)
    settled.update(queue for _, queue in piped_queues(assembly))
    for kind, at in DEAD:
        for source in assembly.of_type(kind):
            for arn in source.texts(*at):
                queue = assembly.target(arn, QUEUE)
                if not isinstance(queue, Resource) or queue in settled or is_waived(queue, "dead_letters_alarm"):
                    continue
                settled.add(queue)
                yield finding(
                    queue,
                    problem=f"messages end here when something failed ({source}), and no alarm tells anybody",
                    fix=f"add an AWS::CloudWatch::Alarm on {METRIC} of this queue, above 0",
                    through=(source,),
                )


def _watched(assembly: Assembly, alarm: Resource) -> Iterator[Resource]:
    if is_false(alarm.value("ActionsEnabled")) or (alarm.text("ComparisonOperator") or "").startswith("Less"):
        return
    for metric, dimensions in (
        (("MetricName",), ("Dimensions", "*")),
        (
            ("Metrics", "*", "MetricStat", "Metric", "MetricName"),
            ("Metrics", "*", "MetricStat", "Metric", "Dimensions", "*"),
        ),
    ):
        names = {each.literal for each in texts(alarm.values(*metric))}
        if not names & METRICS:
            continue
        for dimension in alarm.values(*dimensions):
            named = dimension.get("Value") if isinstance(dimension, dict) else None
            queue = assembly.target(named, QUEUE) if isinstance(named, Text) else None
            if isinstance(queue, Resource):
                yield queue
