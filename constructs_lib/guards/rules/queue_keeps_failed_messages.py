"""A queue that a function drains puts away what fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.event_sources import SourceKind, event_sources, piped_queues
from constructs_lib.guards.amounts import amount, seconds
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown

KEPT = 345_600  # seconds a queue keeps messages, when a template says nothing


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A queue that a function or a pipe drains has a dead-letter queue.

    Why it matters: a message that always fails is delivered again until the queue forgets it; until then it costs
    invocations and blocks a FIFO group, and then it is lost without a word.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html

    Refuses: a queue with an event source mapping or a pipe, and without a `RedrivePolicy`.

    Accepts: any `RedrivePolicy`; a dead-letter queue of other queues, which a function may drain to put things right.
    """
    dead = {
        target.id
        for queue in assembly.of_type("AWS::SQS::Queue")
        if (target := assembly.target(queue.value("RedrivePolicy", "deadLetterTargetArn"), "AWS::SQS::Queue"))
    }
    drained: dict[Resource, tuple[Resource, str]] = {}
    for each in event_sources(assembly):
        if each.kind is SourceKind.QUEUE and each.source is not None:
            drained.setdefault(each.source, (each.mapping, str(each.function or "its function")))
        elif each.kind is SourceKind.QUEUE:
            reason = "it is in no given stack"
            yield unknown(each.mapping, what="whether the queue keeps failed messages", reason=reason)
    for pipe, queue in piped_queues(assembly):
        drained.setdefault(queue, (pipe, str(pipe)))
    for queue, (by, name) in drained.items():
        if queue.lacks("RedrivePolicy") and queue.id not in dead:
            kept = amount(queue, "MessageRetentionPeriod", default=KEPT)
            until = "" if kept is None else f" for {seconds(kept)}"
            yield finding(
                queue,
                problem=f"the queue has no dead-letter queue: a message that {name} cannot handle is tried "
                f"again{until} and then lost",
                fix="give it a RedrivePolicy with the ARN of a second queue and a maxReceiveCount of 5 or so",
                at=("RedrivePolicy",),
                through=(by,),
            )
