"""A bus of one's own: who may put what on it, who gets it, and an archive to play it again from.

The numbers, and why:

- 30 days of archive: long enough to notice that a consumer went wrong, mend it, and play its events again.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
- 24 hours and 185 tries for a delivery: EventBridge's own numbers, stated; then the event goes to the dead letters.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
"""

from __future__ import annotations

from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_events as events
from constructs import Construct

from constructs_lib.wiring.durations import check_duration
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.known_bus import ExistingBus, KnownBus
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import Waived, check_safeguards, record_waiver

RETENTION_DAYS = range(1, 2**31)


class EventBus(KnownBus):
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

        self.bus: events.EventBus = events.EventBus(self, "Bus")
        self.archive: events.CfnArchive | None = None
        if isinstance(archive, Waived):
            record_waiver(self.bus, "archive", archive)
        else:
            # The L2 asks for a pattern; without one an archive keeps every event.
            self.archive = events.CfnArchive(
                self, "Archive", source_arn=self.event_bus_arn, retention_days=retention.to_days()
            )

    @classmethod
    def from_existing(
        cls,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        bus: events.IEventBus,
    ) -> ExistingBus:
        """Stand for a bus that was made elsewhere, to grant on it and add rules to it as to one of this library.

        Args:
            scope: The stack, or a construct in it.
            id: Its id there.
            bus: The L2: `EventBus.from_event_bus_name(...)`, or `from_event_bus_arn`.

        Raises:
            PropError: It is in another account or region.
        """
        return ExistingBus(scope, id, bus=bus)
