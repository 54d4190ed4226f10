"""A bus of one's own: who may put what on it, who gets it, and an archive to play it again from.

The numbers, and why:

- 30 days of archive: long enough to notice that a consumer went wrong, mend it, and play its events again.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
- 24 hours and 185 tries for a delivery: EventBridge's own numbers, stated; then the event goes to the dead letters.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.wiring.delivery import (
    LONGEST_AGE,
    REACH,
    REACH_FIX,
    check_delivery,
    check_description,
    check_message_group,
)
from constructs_lib.wiring.delivery_alarms import AlarmsOfDelivery, DeliveryAlarms
from constructs_lib.wiring.durations import check_duration
from constructs_lib.wiring.environments import check_same_environment
from constructs_lib.wiring.event_pattern import check_input_path, check_pattern, check_source
from constructs_lib.wiring.event_rule import EventRule
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.kinds import check_id, checks_kinds
from constructs_lib.wiring.receiver import Receiver, check_receiver
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.variables import check_takes_variable, set_variable
from constructs_lib.wiring.waiver import Waived, check_safeguards, record_waiver

RETENTION_DAYS = range(1, 2**31)


class EventBus(Construct):
    """Define an event bus and an archive of everything that was put on it.

    EventBridge encrypts both, under keys of its own. Nobody may put events until you say so with `grant_put_events`,
    and nobody receives any before `add_rule`. To play a day again, once a consumer is mended:

        aws events start-replay --replay-name <name> --event-source-arn <ARN of the archive>
            --event-start-time <time> --event-end-time <time> --destination '{"Arn": "<ARN of the bus>"}'

    Args:
        archive_retention: How long events can be played again, in whole days. Default: 30 days.
        archive: `Waived(reason)` keeps none.

    Raises:
        PropError: The retention is not a number of days.

    Example:
        >>> shop = EventBus(stack, "Shop")
        >>> _ = shop.add_rule("OrderPlaced", {"source": ["orders"], "detail-type": ["placed"]}, worker)
        >>> _ = shop.grant_put_events(greet, sources=["orders"], env="SHOP_BUS")
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        archive_retention: cdk.Duration | None = None,
        archive: Literal[True] | Waived = True,
    ) -> None:
        super().__init__(scope, id)
        guard(self)
        retention = cdk.Duration.days(30) if archive_retention is None else archive_retention
        refusals = Refusals(self)
        check_safeguards({"archive": archive}, refusals)
        check_duration(
            "archive_retention",
            retention,
            RETENTION_DAYS,
            refusals,
            unit="days",
            wanted="is not a whole number of days",
            fix="use Duration.days(30)",
        )
        refusals.stop_if_any()

        self.bus = events.EventBus(self, "Bus")
        self.archive: events.CfnArchive | None = None
        if isinstance(archive, Waived):
            record_waiver(self.bus, "archive", archive)
        else:
            # The L2 asks for a pattern; without one an archive keeps every event.
            self.archive = events.CfnArchive(
                self, "Archive", source_arn=self.event_bus_arn, retention_days=retention.to_days()
            )

    @property
    def event_bus_arn(self) -> str:
        """The ARN of the bus."""
        return self.bus.event_bus_arn

    @property
    def event_bus_name(self) -> str:
        """The name of the bus."""
        return self.bus.event_bus_name

    @checks_kinds(except_for=("id", "target"))
    def add_rule(
        self,
        id: str,  # noqa: A002 - CDK's name
        pattern: Mapping[str, object],
        target: Receiver,
        *,
        input_path: str | None = None,
        message_group: str | None = None,
        retry_attempts: int = 185,
        max_event_age: cdk.Duration | None = None,
        description: str | None = None,
        alarms: DeliveryAlarms | Waived | None = None,
    ) -> EventRule:
        """Deliver the events that match a pattern to one target, which from then on may be reached by this rule alone.

        The rule belongs to the target, so that the target's stack depends on the bus's and never the other way.

        Args:
            id: Name of the rule below the target.
            pattern: What to deliver, as EventBridge documents it: `{"source": ["orders"], "detail-type": ["placed"]}`.
                https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
            target: A `QueueWorker`, a `SecureFunction` or a `Workflow`.
            input_path: The part of the event to deliver, `$.detail`. Default: all of it.
            message_group: The message group, for a FIFO queue.
            retry_attempts: How often a failed delivery is tried again, 0 to 185.
            max_event_age: How long it is tried, 1 minute to 24 hours. Default: 24 hours.
            description: Shown in the console.
            alarms: Other thresholds than those of `DeliveryAlarms`, or `Waived(reason)` for one or all of them.

        Raises:
            PropError: The pattern matches everything or cannot match, or the target cannot take events, has a rule of
                that name or is deployed elsewhere.
        """
        refusals = Refusals(self)
        check_pattern(pattern, refusals)
        check_input_path(input_path, refusals)
        check_description(description, refusals)
        check_receiver("target", target, refusals)
        if isinstance(target, Construct):
            check_id(target, id, refusals, fix="choose another id for this rule")
            check_same_environment(self, target, refusals, why=REACH, fix=REACH_FIX)
        age = LONGEST_AGE if max_event_age is None else max_event_age
        check_delivery(retry_attempts, age, refusals)
        check_message_group(target, message_group, refusals)
        AlarmsOfDelivery(alarms).check(refusals)
        refusals.stop_if_any()
        return EventRule(
            target,
            id,
            bus=self.bus,
            pattern=pattern,
            input_path=input_path,
            message_group=message_group,
            retry_attempts=retry_attempts,
            max_event_age=age,
            description=description,
            alarms=alarms,
        )

    @checks_kinds(except_for=("sources", "detail_types"))
    def grant_put_events(
        self,
        grantee: iam.IGrantable,
        *,
        sources: Sequence[str],
        detail_types: Sequence[str] | None = None,
        env: str | None = None,
    ) -> iam.Grant:
        """Let somebody put events of these sources on the bus: exactly `events:PutEvents`, under that condition.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html

        Args:
            grantee: A function, or anything else with a role.
            sources: What it may call itself in `source`; one at least.
            detail_types: What it may say in `detail-type`. Default: anything.
            env: Also set this variable of the function to the name of the bus.

        Raises:
            PropError: There is no source, one belongs to AWS, or there is no function to set the variable on.
        """
        refusals = Refusals(self)
        check_takes_variable(grantee, env, refusals)
        if not _are_names(sources):
            refusals.refuse(
                f"sources is {sources!r}: a grantee must say who it may speak for", fix='name them: sources=["orders"]'
            )
        else:
            for source in sources:
                check_source(source, refusals)
        if detail_types is not None and not _are_names(detail_types):
            refusals.refuse(
                f"detail_types is {detail_types!r}, wanted a list of one at least",
                fix='write ["OrderPlaced"], or leave it out',
            )
        refusals.stop_if_any()
        # All events of a call must satisfy it, and a call without a source must not slip through.
        wanted = {"events:source": list(sources)}
        if detail_types is not None:
            wanted["events:detail-type"] = list(detail_types)
        conditions: dict[str, dict[str, object]] = {
            "ForAllValues:StringEquals": dict(wanted),
            "Null": dict.fromkeys(wanted, "false"),
        }
        granted = grant_exactly(self, grantee, ["events:PutEvents"], self.event_bus_arn, conditions=conditions)
        set_variable(grantee, env, self.event_bus_name)
        return granted


def _are_names(value: object) -> bool:
    """Whether something is a list of strings, one at least."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return False
    return bool(value) and all(isinstance(each, str) for each in value)
