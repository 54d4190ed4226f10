"""Dead letters of a FIFO queue go to a FIFO queue, those of a standard queue to a standard one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.guards.finding import Finding, Unknown

QUEUE = "AWS::SQS::Queue"
TARGET = ("RedrivePolicy", "deadLetterTargetArn")
KINDS = {True: "a FIFO queue", False: "a standard queue"}


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The dead-letter queue of a FIFO queue is a FIFO queue, and that of a standard queue is not.

    Why it matters: SQS refuses the pair, and the deployment fails.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html

    Refuses: a `RedrivePolicy` that leads from a FIFO queue to a standard one, or the other way round.

    Accepts: two of a kind; a queue elsewhere whose name is not known.
    """
    for source in assembly.of_type(QUEUE):
        dead = assembly.target(source.value(*TARGET), QUEUE)
        is_fifo, dead_is_fifo = source.is_true("FifoQueue"), _is_fifo(dead)
        if dead_is_fifo is not None and is_fifo is not dead_is_fifo:
            yield finding(
                source,
                problem=f"{KINDS[is_fifo]} has {KINDS[dead_is_fifo]} for its dead letters, {dead}: SQS refuses it",
                fix="set FifoQueue to true for both, or for neither",
                at=TARGET,
            )


def _is_fifo(queue: Node | None) -> bool | None:
    if isinstance(queue, Resource):
        return queue.is_true("FifoQueue")
    literal = None if queue is None else queue.name.literal
    return None if literal is None else literal.endswith(".fifo")
