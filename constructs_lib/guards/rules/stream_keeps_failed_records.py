"""A record of a stream that was given up is kept somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.event_sources import stream_readers
from constructs_lib.guards.amounts import amount
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

RETRIES, AGE = "MaximumRetryAttempts", "MaximumRecordAgeInSeconds"
ENDLESS = -1


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A mapping or a pipe of a stream that gives records up says where they go.

    Why it matters: a record that is given up without a destination is gone; nobody learns which one it was.
    https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html

    Refuses: a mapping of a Kinesis or DynamoDB stream with a number of tries or an age, and without
    `DestinationConfig.OnFailure`; likewise a pipe without a `DeadLetterConfig`.

    Accepts: any destination; a mapping that never gives up, which `stream-retries-end` speaks of.
    """
    for each in stream_readers(assembly):
        limits = [
            name for name in (RETRIES, AGE) if amount(each.resource, *each.options, name, default=ENDLESS) != ENDLESS
        ]
        if limits and each.resource.lacks(*each.failures):
            yield finding(
                each.resource,
                problem=f"records that {each.worker} cannot handle are given up ({', '.join(limits)}) and kept nowhere",
                fix=f"set {'.'.join(each.failures)} to the ARN of a queue, and let the role send to it",
                at=each.failures,
            )
