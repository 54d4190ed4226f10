"""Messages of a queue stay hidden while the function that got them still works on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.event_sources import SourceKind, event_sources
from constructs_lib.guards.amounts import amount, seconds
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

HIDDEN, TIMEOUT = 30, 3  # seconds, when a template says nothing
TIMEOUTS = 6  # how many of them a message stays hidden


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A message stays hidden for six times as long as its function may take.

    Why it matters: a message that comes back while it is still being worked on is worked on twice. Lambda needs the
    time beyond one timeout to try again when it is throttled, so that a message is not put away as failed though it
    never was tried. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html

    Refuses: a `VisibilityTimeout` under six timeouts of the function plus the batching window of the mapping; as an
    error, one under a single timeout, which Lambda does not accept.

    Accepts: six timeouts and the window, or more.
    """
    for each in event_sources(assembly):
        if each.kind is not SourceKind.QUEUE or each.function is None:
            continue
        if each.source is None:
            yield unknown(each.mapping, what="how long messages stay hidden", reason="the queue is in no given stack")
            continue
        hidden = amount(each.source, "VisibilityTimeout", default=HIDDEN)
        timeout = amount(each.function, "Timeout", default=TIMEOUT)
        window = amount(each.mapping, "MaximumBatchingWindowInSeconds", default=0)
        if hidden is None or timeout is None or window is None:
            reason = "the visibility timeout, the timeout or the batching window is known at deploy only"
            yield unknown(each.source, what=f"whether messages stay hidden while {each.function} works", reason=reason)
            continue
        wanted = TIMEOUTS * timeout + window
        if hidden >= wanted:
            continue
        refused = hidden < timeout
        also = f" and the batching window ({seconds(window)})" if window and not refused else ""
        measure = "" if refused else f"{TIMEOUTS} times "
        why = "Lambda refuses the mapping" if refused else "messages can be delivered twice, or put away untried"
        yield finding(
            each.source,
            problem=f"VisibilityTimeout ({seconds(hidden)}) is shorter than {measure}the timeout of its function "
            f"{each.function} ({seconds(timeout)}){also}: {why}",
            fix=f"set VisibilityTimeout to {seconds(wanted)}, or lower the timeout of the function",
            at=("VisibilityTimeout",),
            severity=Severity.ERROR if refused else None,
            through=(each.mapping, each.function),
        )
