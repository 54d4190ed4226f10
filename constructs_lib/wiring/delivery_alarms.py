"""When what was to be delivered is lost: what could not be delivered is kept, and this is where even that failed.

What is kept in a dead-letter queue is told by the alarm of that queue; here are the failures that no queue saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib.wiring.alarms import FIVE_MINUTES, Thresholds, Watch
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import Waived
from constructs_lib.wiring.weak_references import weakened


class TopicAlarms(TypedDict, total=False):
    """The alarms of a topic, and from what on they go off; `Waived(reason)` for one that should not be.

    - `failed`: deliveries given up within five minutes, of all subscriptions, also those that have no dead letters.
      Default: 1.
    """

    failed: int | Waived


class SubscriptionAlarms(TypedDict, total=False):
    """The alarm of a subscription, and from what on it goes off; `Waived(reason)` for none.

    - `dead_letters`: messages that could not be delivered, and were kept. Default: 1.
    """

    dead_letters: int | Waived


class DeliveryAlarms(TypedDict, total=False):
    """The alarms of a rule or schedule, and from what on they go off; `Waived(reason)` for one that should not be.

    - `lost`: events that could not be delivered and could not be kept either, within five minutes. Default: 1.
    - `dead_letters`: events that could not be delivered, and were kept. Default: 1.
    """

    lost: int | Waived
    dead_letters: int | Waived


class AlarmsOfTopic:
    """The alarm of one topic.

    Args:
        asked: The argument `alarms`.
    """

    def __init__(self, asked: Mapping[str, object] | Waived | None) -> None:
        self._thresholds = Thresholds(asked, {"failed": 1})

    def check(self, refusals: Refusals) -> None:
        """Note alarms there are not, and thresholds that are none."""
        self._thresholds.check(refusals)

    def raise_for(self, bearer: Construct, topic: sns.Topic) -> list[cloudwatch.Alarm]:
        """Define the alarm, unless it is waived."""
        return self._thresholds.raise_on(bearer, topic, lambda: _of_topic(topic), kind="Topics")


class AlarmsOfDelivery:
    """The alarm of one rule or schedule.

    Args:
        asked: The argument `alarms`.
    """

    def __init__(self, asked: Mapping[str, object] | Waived | None) -> None:
        self._thresholds = Thresholds(asked, {"lost": 1}, elsewhere=("dead_letters",))

    def check(self, refusals: Refusals) -> None:
        """Note alarms there are not, and thresholds that are none."""
        self._thresholds.check(refusals)

    def raise_for_rule(
        self, bearer: Construct, rule: events.CfnRule, bus: events.IEventBus | None
    ) -> list[cloudwatch.Alarm]:
        """Define the alarm of a rule, unless it is waived."""
        return self._thresholds.raise_on(bearer, rule, lambda: _of_rule(rule, bus), kind="Rules and schedules")

    def raise_for_group(
        self, bearer: Construct, schedule: scheduler.Schedule, group: scheduler.ScheduleGroup
    ) -> list[cloudwatch.Alarm]:
        """Define the alarm of a schedule that has a group for itself, unless it is waived."""
        return self._thresholds.raise_on(bearer, schedule, lambda: _of_group(group), kind="Rules and schedules")


def check_subscription_alarms(asked: Mapping[str, object] | Waived | None, refusals: Refusals) -> None:
    """Note alarms a subscription does not have, and thresholds that are none."""
    Thresholds(asked, {"dead_letters": 1}).check(refusals)


def _of_topic(topic: sns.Topic) -> Iterator[Watch]:
    yield Watch(name="published", metric=topic.metric_number_of_messages_published(period=FIVE_MINUTES))
    yield Watch(
        name="failed",
        metric=topic.metric_number_of_notifications_failed(period=FIVE_MINUTES),
        article="topic-delivery-failed",
        description="SNS gave up delivering messages of this topic",
    )


def _of_rule(rule: events.CfnRule, bus: events.IEventBus | None) -> Iterator[Watch]:
    # Rules of the default bus are measured under their own name alone.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    of_bus = {} if bus is None else {"EventBusName": bus.event_bus_name}
    yield Watch(
        name="lost",
        metric=cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name="InvocationsFailedToBeSentToDlq",
            # Ref of a rule on a bus of its own is not its name; its ARN ends in it: rule/<bus>/<rule>.
            dimensions_map={
                **of_bus,
                "RuleName": cdk.Fn.select(1 if bus is None else 2, cdk.Fn.split("/", weakened(rule.attr_arn))),
            },
            period=FIVE_MINUTES,
            statistic="Sum",
        ).attach_to(rule),
        article="events-are-lost",
        description="events could not be delivered by this rule, nor kept in its dead-letter queue",
    )


def _of_group(group: scheduler.ScheduleGroup) -> Iterator[Watch]:
    yield Watch(
        name="lost",
        metric=group.metric("InvocationsFailedToBeSentToDeadLetterCount", period=FIVE_MINUTES, statistic="Sum"),
        article="events-are-lost",
        description="what was due could not be delivered by this schedule, nor kept in its dead-letter queue",
    )
