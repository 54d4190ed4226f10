"""An event bus, whoever made it: who may put events on it, and who gets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from constructs_lib.wiring.environments import check_same_environment
from constructs_lib.wiring.event_pattern import check_input_path, check_pattern, check_source
from constructs_lib.wiring.event_rule import EventRule
from constructs_lib.wiring.existing import check_existing
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.kinds import check_id, checks_kinds
from constructs_lib.wiring.receiver import Receiver, check_receiver
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.variables import check_takes_variable, set_variable
from constructs_lib.wiring.waiver import Waived


class KnownBus(Construct):
    """Stand for an event bus: `EventBus` for one of ours, `ExistingBus` for any other.

    Attributes:
        bus: The L2.
    """

    bus: events.IEventBus

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        guard(self)

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


class ExistingBus(KnownBus):
    """Stand for an event bus that was made elsewhere; see `EventBus.from_existing`.

    Args:
        bus: The L2.

    Raises:
        PropError: It is in another account or region.
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        bus: events.IEventBus,
    ) -> None:
        super().__init__(scope, id)
        check_existing("bus", bus, bus.event_bus_arn, self)
        self.bus = bus


def _are_names(value: object) -> bool:
    """Whether something is a list of strings, one at least."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return False
    return bool(value) and all(isinstance(each, str) for each in value)
