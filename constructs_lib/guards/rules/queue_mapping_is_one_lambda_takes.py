"""The options of a queue's mapping are ones that Lambda accepts together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.event_sources import SourceKind, event_sources
from constructs_lib.guards.amounts import amount, count
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown

SIZE, WINDOW, CONCURRENCY = "BatchSize", "MaximumBatchingWindowInSeconds", "ScalingConfig"
AT_ONCE = 10  # messages one receive brings
FEWEST, MOST = 2, 1000  # concurrent invocations of one mapping


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A mapping of a queue has no options that Lambda refuses.

    Why it matters: the deployment fails after everything else was made.
    https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html

    Refuses: a batching window, or more than 10 messages in a batch, for a FIFO queue; more than 10 messages without a
    batching window; a `MaximumConcurrency` outside of 2 to 1,000.

    Accepts: everything else.
    """
    for each in event_sources(assembly):
        if each.kind is not SourceKind.QUEUE:
            continue
        is_fifo = each.source is not None and each.source.is_true("FifoQueue")
        for at, problem, fix in _wrong(each.mapping, is_fifo=is_fifo):
            yield finding(each.mapping, problem=problem, fix=fix, at=at)


def _wrong(mapping: Resource, *, is_fifo: bool) -> Iterator[tuple[tuple[str, ...], str, str]]:
    size = amount(mapping, SIZE, default=AT_ONCE) or 0
    window = amount(mapping, WINDOW, default=0)  # none when nobody can tell
    most = mapping.number(CONCURRENCY, "MaximumConcurrency")
    if is_fifo and window:
        yield (WINDOW,), f"{WINDOW} is {count(window)} s, and a FIFO queue takes none", f"remove {WINDOW}"
    if is_fifo and size > AT_ONCE:
        problem = f"{SIZE} is {count(size)}, and a FIFO queue gives {AT_ONCE} messages at most"
        yield (SIZE,), problem, f"set {SIZE} to {AT_ONCE} or less"
    elif size > AT_ONCE and window == 0:
        problem = f"{SIZE} is {count(size)} without a batching window, and more than {AT_ONCE} need one"
        yield (SIZE,), problem, f"set {WINDOW} to 1 or more, or {SIZE} to {AT_ONCE} or less"
    if most is not None and not FEWEST <= most <= MOST:
        problem = f"MaximumConcurrency is {count(most)}, and Lambda takes {FEWEST} to {MOST:,}"
        fix = f"set it to {FEWEST} or more; ReservedConcurrentExecutions of 1 lets one run alone"
        yield (CONCURRENCY, "MaximumConcurrency"), problem, fix
