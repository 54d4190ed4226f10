"""A message gets more than one chance before it is put away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.amounts import count
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule
from constructs_lib.guards.waivers import is_waived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

RECEIVES = ("RedrivePolicy", "maxReceiveCount")


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A queue delivers a message more than once before it takes it for a dead letter.

    Why it matters: a delivery counts although the function was throttled, timed out or never started, so with a
    `maxReceiveCount` of 1 good messages end among the dead ones at the first hiccup. AWS recommends 5 for queues that
    a function drains. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html

    Refuses: a `maxReceiveCount` of 1.

    Accepts: 2 or more; one that was waived with a reason (`retries=Waived(...)`).
    """
    for queue in assembly.of_type("AWS::SQS::Queue"):
        receives = queue.number(*RECEIVES)
        if receives is None:
            if not queue.lacks(*RECEIVES):
                reason = f"maxReceiveCount is {queue.value(*RECEIVES)}, known at deploy only"
                yield unknown(queue, what="how often a message is tried", reason=reason)
        elif receives <= 1 and not is_waived(queue, "retries"):
            yield finding(
                queue,
                problem=f"maxReceiveCount is {count(receives)}: a message that was throttled once is put away untried",
                fix="set maxReceiveCount to 5, or to 2 at least",
                at=RECEIVES,
            )
