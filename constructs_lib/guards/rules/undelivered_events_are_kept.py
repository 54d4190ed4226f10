"""An event that cannot be delivered is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.assembly.value import Value
    from constructs_lib.guards.finding import Finding, Unknown

CONFIRMED = frozenset({"application", "email", "email-json", "sms"})  # protocols that take no dead-letter queue
KEEP = "the ARN of a queue that the service may send to"


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A target of a rule, a subscription and a schedule each have a dead-letter queue.

    Why it matters: when a permission is missing, a target is deleted or throttles for too long, the service gives the
    event up; without a queue it is gone before any function could see it.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html

    Refuses: a target of an EventBridge rule or a schedule without a `DeadLetterConfig`; a subscription of a topic
    without a `RedrivePolicy`, unless it is to a person.

    Accepts: a queue for each; subscriptions by mail, SMS and push.
    """
    for rule_ in assembly.of_type("AWS::Events::Rule"):
        targets = _items(rule_, "Targets")
        for index, target in enumerate(targets):
            if target.get("DeadLetterConfig") is None:
                name = str(target.get("Id", index))
                yield finding(
                    rule_,
                    problem=f"an event that cannot be delivered to target {name} is lost",
                    fix=f"set DeadLetterConfig.Arn of the target to {KEEP}",
                    at=("Targets", str(index), "DeadLetterConfig"),
                    detail=name if len(targets) > 1 else None,
                )
    for schedule in assembly.of_type("AWS::Scheduler::Schedule"):
        if schedule.lacks("Target", "DeadLetterConfig"):
            yield finding(
                schedule,
                problem="a run of the schedule that cannot be delivered is lost",
                fix=f"set DeadLetterConfig.Arn of the target to {KEEP}",
                at=("Target", "DeadLetterConfig"),
            )
    for subscription in assembly.of_type("AWS::SNS::Subscription"):
        if subscription.lacks("RedrivePolicy") and subscription.text("Protocol") not in CONFIRMED:
            yield finding(
                subscription,
                problem="a message that cannot be delivered to the subscriber is lost",
                fix=f"set RedrivePolicy.deadLetterTargetArn to {KEEP}",
                at=("RedrivePolicy",),
            )
    for topic in assembly.of_type("AWS::SNS::Topic"):
        inside = _items(topic, "Subscription")
        for index, each in enumerate(inside):
            protocol = each.get("Protocol")
            if isinstance(protocol, Text) and protocol.literal not in CONFIRMED:
                yield finding(
                    topic,
                    problem=f"a message that cannot be delivered to subscriber {index + 1} of the topic is lost",
                    fix=f"write it as an AWS::SNS::Subscription, with RedrivePolicy.deadLetterTargetArn set to {KEEP}",
                    at=("Subscription", str(index)),
                    detail=str(index) if len(inside) > 1 else None,
                )


def _items(resource: Resource, name: str) -> list[dict[str, Value]]:
    told = resource.value(name)
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
