"""A record of a stream that was given up is kept somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.event_sources import SourceKind, event_sources
from constructs_lib.guards.amounts import amount
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

RETRIES, AGE = "MaximumRetryAttempts", "MaximumRecordAgeInSeconds"
DESTINATION = ("DestinationConfig", "OnFailure", "Destination")
ENDLESS = -1


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A mapping of a stream that gives records up says where they go.

    Why it matters: a record that is given up without a destination is gone; nobody learns which one it was.
    https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html

    Refuses: a mapping of a Kinesis or DynamoDB stream with a number of tries or an age, and without
    `DestinationConfig.OnFailure`.

    Accepts: any destination; a mapping that never gives up, which `stream-retries-end` speaks of.
    """
    for each in event_sources(assembly):
        if each.kind is not SourceKind.STREAM or not each.mapping.lacks(*DESTINATION):
            continue
        limits = [name for name in (RETRIES, AGE) if amount(each.mapping, name, default=ENDLESS) != ENDLESS]
        if limits:
            yield finding(
                each.mapping,
                problem=f"records that {each.function or 'the function'} cannot handle are given up "
                f"({', '.join(limits)}) and kept nowhere",
                fix="set DestinationConfig.OnFailure to the ARN of a queue, and let the function's role send to it",
                at=DESTINATION,
            )
