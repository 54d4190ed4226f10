"""What failed can still be looked at when somebody comes to look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.amounts import amount, seconds
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

QUEUE, RETENTION = "AWS::SQS::Queue", "MessageRetentionPeriod"
KEPT = 345_600  # seconds a queue keeps messages, when a template says nothing
LONGEST = 1_209_600


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A dead-letter queue keeps messages for longer than the queue they come from.

    Why it matters: a message of a standard queue keeps the time it was first sent at when it moves, so a dead-letter
    queue that keeps messages for a shorter time may delete one the moment it arrives.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html

    Refuses: a `MessageRetentionPeriod` of a dead-letter queue that is shorter than that of a queue it serves.

    Accepts: the same or longer; FIFO queues, where the time starts again.
    """
    for source in assembly.of_type(QUEUE):
        dead = assembly.target(source.value("RedrivePolicy", "deadLetterTargetArn"), QUEUE)
        if not isinstance(dead, Resource) or source.is_true("FifoQueue"):
            continue
        kept, dead_kept = (amount(each, RETENTION, default=KEPT) for each in (source, dead))
        if kept is None or dead_kept is None:
            reason = f"{RETENTION} of one of them is known at deploy only"
            yield unknown(dead, what=f"whether dead letters of {source} are kept for long enough", reason=reason)
        elif dead_kept < kept:
            yield finding(
                dead,
                problem=f"{RETENTION} ({seconds(dead_kept)}) is shorter than that of {source} ({seconds(kept)}): "
                "a dead letter can be gone before anybody sees it",
                fix=f"set {RETENTION} to {seconds(LONGEST)}, the longest there is",
                at=(RETENTION,),
                through=(source,),
            )
