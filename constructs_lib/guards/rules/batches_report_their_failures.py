"""A batch of which one message fails is not worked on again as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.event_sources import SourceKind, event_sources
from constructs_lib.assembly.value import Text
from constructs_lib.guards.amounts import amount, count
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

BATCH = {SourceKind.QUEUE: 10, SourceKind.STREAM: 100}  # messages, when a template says nothing
REPORTED = "ReportBatchItemFailures"
THINGS = {SourceKind.QUEUE: "messages", SourceKind.STREAM: "records"}


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function says which messages of a batch failed, so that the others are not delivered again.

    Why it matters: without it one bad message brings all of its batch back, again and again, and whatever the others
    did is done once more. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html

    Refuses: a mapping of a queue or a stream without `ReportBatchItemFailures` in its `FunctionResponseTypes`.

    Accepts: batches of one; `ReportBatchItemFailures`; for a stream also `BisectBatchOnFunctionError`, which finds the
    bad record by halves.
    """
    for each in event_sources(assembly):
        if each.kind is SourceKind.OTHER:
            continue
        size = amount(each.mapping, "BatchSize", default=BATCH[each.kind])
        said = each.mapping.value("FunctionResponseTypes")
        told = [item.literal for item in said if isinstance(item, Text)] if isinstance(said, list) else []
        halved = each.kind is SourceKind.STREAM and each.mapping.is_true("BisectBatchOnFunctionError")
        if size == 1 or halved or REPORTED in told:
            continue
        if size is None or None in told or not (said is None or isinstance(said, list)):
            reason = "BatchSize or FunctionResponseTypes is known at deploy only"
            yield unknown(each.mapping, what="whether one failed message brings its batch back", reason=reason)
            continue
        called = "its function" if each.function is None else str(each.function)
        yield finding(
            each.mapping,
            problem=f"{called} gets up to {count(size)} {THINGS[each.kind]} at once and cannot say which of them "
            "failed: one failure brings all of them back",
            fix=f'set FunctionResponseTypes to ["{REPORTED}"] and return batchItemFailures, or BatchSize to 1',
            at=("FunctionResponseTypes",),
        )
