"""A record that always fails does not hold up its shard for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.event_sources import stream_readers
from constructs_lib.guards.amounts import DAY, amount, seconds
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

RETRIES, AGE = "MaximumRetryAttempts", "MaximumRecordAgeInSeconds"
ENDLESS = -1


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A mapping or a pipe of a stream gives a record up after some tries, or after less than a day.

    Why it matters: by default Lambda tries a failing batch of a stream until its records expire. Until then nothing
    else of that shard is worked on, and what expires meanwhile is lost.
    https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html

    Refuses: a mapping or a pipe of a Kinesis or DynamoDB stream without `MaximumRetryAttempts`, or with -1, whose
    `MaximumRecordAgeInSeconds` does not end it within the day that a stream keeps its records.

    Accepts: a number of tries; an age below a day.
    """
    for each in stream_readers(assembly):
        tries = amount(each.resource, *each.options, RETRIES, default=ENDLESS)
        age = amount(each.resource, *each.options, AGE, default=ENDLESS)
        if (tries is not None and tries > ENDLESS) or (age is not None and ENDLESS < age < DAY):
            continue
        if tries is None or age is None:
            reason = f"{RETRIES} or {AGE} is known at deploy only"
            yield unknown(each.resource, what="when a failing record is given up", reason=reason)
            continue
        until = "until it expires" if age == ENDLESS else f"until it is {seconds(age)} old"
        yield finding(
            each.resource,
            problem=f"a record that {each.worker} cannot handle is tried again {until}, and nothing else of its shard "
            "is worked on meanwhile",
            fix=f"set {RETRIES} to 3 or so, and {'.'.join(each.failures[len(each.options) :])} to the ARN of a queue",
            at=(*each.options, RETRIES),
        )
