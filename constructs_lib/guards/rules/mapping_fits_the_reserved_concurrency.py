"""A queue is not drained faster than its function may run."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from constructs_lib.assembly.event_sources import SourceKind, event_sources
from constructs_lib.guards.amounts import count
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown

RESERVED = "ReservedConcurrentExecutions"
AT_FIRST = 5  # invocations that Lambda begins a queue with
MOST = ("ScalingConfig", "MaximumConcurrency")


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The queues of a function together ask for no more concurrency than is reserved for it.

    Why it matters: what goes beyond is throttled, each throttled delivery counts, and good messages end among the dead
    letters. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html

    Refuses: a `MaximumConcurrency` of the mappings that comes to more than `ReservedConcurrentExecutions`; a function
    with less than 5 reserved and a queue without a `MaximumConcurrency`, as Lambda begins with 5 at once.

    Accepts: functions with nothing reserved; mappings that stay below what is; FIFO queues, whose groups limit it.
    """
    mapped: dict[Resource, list[Resource]] = defaultdict(list)
    for each in event_sources(assembly):
        is_fifo = each.source is not None and each.source.is_true("FifoQueue")
        if each.kind is SourceKind.QUEUE and each.function is not None and not is_fifo:
            mapped[each.function].append(each.mapping)
    for function, mappings in mapped.items():
        reserved = function.number(RESERVED)
        if reserved is None or reserved == 0:
            continue
        asked = sum(mapping.number(*MOST) or AT_FIRST for mapping in mappings)
        if asked > reserved:
            names = ", ".join(str(mapping) for mapping in mappings)
            yield finding(
                function,
                problem=f"{RESERVED} is {count(reserved)} and its queues ask for {count(asked)} at once: what is "
                "throttled counts as a delivery, and ends as a dead letter",
                fix=f"reserve {count(asked)} or more, or lower MaximumConcurrency of {names}",
                at=(RESERVED,),
                through=mappings,
            )
