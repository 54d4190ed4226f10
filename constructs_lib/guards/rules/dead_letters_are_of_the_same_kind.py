"""Dead letters go to a queue that takes them: of the right kind, and open to their source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.guards.finding import Finding, Unknown

QUEUE, TOPIC = "AWS::SQS::Queue", "AWS::SNS::Topic"
REDRIVE = ("RedrivePolicy", "deadLetterTargetArn")
KINDS = {True: "a FIFO queue", False: "a standard queue"}
# Who can only send to a standard queue.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
STANDARD = (
    ("AWS::Events::Rule", ("Targets", "*", "DeadLetterConfig", "Arn")),
    ("AWS::Lambda::EventInvokeConfig", ("DestinationConfig", "*", "Destination")),
    ("AWS::Lambda::EventSourceMapping", ("DestinationConfig", "OnFailure", "Destination")),
    ("AWS::Lambda::Function", ("DeadLetterConfig", "TargetArn")),
    ("AWS::Scheduler::Schedule", ("Target", "DeadLetterConfig", "Arn")),
)


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A dead-letter queue is of the kind its source can send to, and lets that source in.

    Why it matters: AWS refuses the pair, and the deployment fails.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html

    Refuses: a `RedrivePolicy` that leads from a FIFO queue to a standard one, or the other way round, likewise of a
    subscription and its topic; a FIFO queue for what a rule, a schedule or a function failed on; a `RedriveAllowPolicy`
    that does not let the source in.

    Accepts: two of a kind; a queue elsewhere whose name is not known.
    """
    for source in assembly.of_type(QUEUE):
        dead = assembly.target(source.value(*REDRIVE), QUEUE)
        if dead is not None:
            yield from _differing(source, dead, REDRIVE, is_fifo=source.is_true("FifoQueue"))
            if isinstance(dead, Resource) and _shuts_out(assembly, dead, source):
                yield finding(
                    source,
                    problem=f"{dead} takes no dead letters of this queue: its RedriveAllowPolicy leaves it out",
                    fix=f"name this queue in sourceQueueArns of {dead}, or remove its RedriveAllowPolicy",
                    at=REDRIVE,
                    through=(dead,),
                )
    for subscription in assembly.of_type("AWS::SNS::Subscription"):
        topic = assembly.target(subscription.value("TopicArn"), TOPIC)
        dead = assembly.target(subscription.value(*REDRIVE), QUEUE)
        if isinstance(topic, Resource) and dead is not None:
            yield from _differing(subscription, dead, REDRIVE, is_fifo=topic.is_true("FifoTopic"))
    for kind, at in STANDARD:
        for source in assembly.of_type(kind):
            for told in source.texts(*at):
                dead = assembly.target(told, QUEUE)
                if dead is not None:
                    yield from _differing(source, dead, at, is_fifo=False)


def _differing(source: Resource, dead: Node, at: tuple[str, ...], *, is_fifo: bool) -> Iterator[Finding]:
    dead_is_fifo = _is_fifo(dead)
    if dead_is_fifo is not None and dead_is_fifo is not is_fifo:
        yield finding(
            source,
            problem=f"{dead} is {KINDS[dead_is_fifo]}, and what failed here can only go to {KINDS[is_fifo]}: "
            "AWS refuses it",
            fix=f"{'set' if is_fifo else 'remove'} FifoQueue of {dead}, or name another queue",
            at=at,
        )


def _is_fifo(queue: Node) -> bool | None:
    """Whether a queue is a FIFO queue; none for one elsewhere that no name tells of."""
    if isinstance(queue, Resource):
        return queue.is_true("FifoQueue")
    literal = queue.name.literal
    return None if literal is None or ":" in literal else literal.endswith(".fifo")


def _shuts_out(assembly: Assembly, dead: Resource, source: Resource) -> bool:
    permission = dead.text("RedriveAllowPolicy", "redrivePermission")
    if permission != "byQueue":
        return permission == "denyAll"
    told = dead.texts("RedriveAllowPolicy", "sourceQueueArns", "*")
    let_in = [assembly.target(each, QUEUE) for each in told]
    return source not in let_in and all(isinstance(each, Resource) for each in let_in)
