"""The event source mappings of an assembly: what each one polls, and which function gets the batches."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from constructs_lib.assembly.arn import Arn
from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.remembered import remembered
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly, Node

MAPPING, FUNCTION, QUEUE = "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function", "AWS::SQS::Queue"
PIPE = "AWS::Pipes::Pipe"
STREAM_PARAMETERS = tuple(("SourceParameters", f"{kind}StreamParameters") for kind in ("Kinesis", "DynamoDB"))
ON_FAILURE = ("DestinationConfig", "OnFailure", "Destination")
STREAMS = ("AWS::Kinesis::Stream", "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")


class SourceKind(Enum):
    """What kind of thing a mapping polls."""

    QUEUE = "queue"  # of SQS
    STREAM = "stream"  # of Kinesis or DynamoDB
    OTHER = "other"  # Kafka, MQ, DocumentDB


SERVICES = {"sqs": SourceKind.QUEUE, "kinesis": SourceKind.STREAM, "dynamodb": SourceKind.STREAM}
OTHERS = ("Topics", "Queues", "SelfManagedEventSource", "DocumentDBEventSourceConfig")  # what only those have


@frozen
class EventSource:
    """One event source mapping.

    Args:
        mapping: The mapping itself.
        kind: What kind of thing it polls.
        source: What it polls; none when that is not among the stacks.
        function: The function it calls; none when that is not among the stacks.
    """

    mapping: Resource
    kind: SourceKind
    source: Resource | None
    function: Resource | None


@remembered
def event_sources(assembly: Assembly) -> tuple[EventSource, ...]:
    """Return every event source mapping of an assembly.

    Example:
        >>> [(each.source.path, each.function.path) for each in event_sources(assembly)]
        [('Orders/Intake/Queue', 'Orders/Intake/Function')]
    """
    return tuple(_event_sources(assembly))


def _event_sources(assembly: Assembly) -> Iterator[EventSource]:
    for mapping in assembly.of_type(MAPPING):
        source = _among(assembly.target(mapping.value("EventSourceArn"), QUEUE, *STREAMS))
        function = _among(assembly.target(mapping.value("FunctionName"), FUNCTION))
        yield EventSource(mapping, _kind(mapping, source), source, function)


@frozen
class StreamReader:
    """An event source mapping or a pipe that reads a stream.

    Args:
        resource: The mapping or the pipe.
        worker: Who works on the records: the function, or the pipe.
        options: Where among its properties it says how often it tries.
        failures: Where among its properties it says what becomes of what failed.
    """

    resource: Resource
    worker: str
    options: tuple[str, ...]
    failures: tuple[str, ...]


def stream_readers(assembly: Assembly) -> Iterator[StreamReader]:
    """Yield every mapping and every pipe that reads a stream of Kinesis or DynamoDB."""
    for each in event_sources(assembly):
        if each.kind is SourceKind.STREAM:
            yield StreamReader(each.mapping, str(each.function or "the function"), (), ON_FAILURE)
    for pipe in assembly.of_type(PIPE):
        for name in STREAM_PARAMETERS:
            if not pipe.lacks(*name):
                yield StreamReader(pipe, str(pipe), name, (*name, "DeadLetterConfig", "Arn"))


def piped_queues(assembly: Assembly) -> Iterator[tuple[Resource, Resource]]:
    """Yield every EventBridge pipe that drains a queue of the stacks, and the queue."""
    for pipe in assembly.of_type(PIPE):
        queue = _among(assembly.target(pipe.value("Source"), QUEUE))
        if queue is not None and queue.type == QUEUE:
            yield pipe, queue


def _kind(mapping: Resource, source: Resource | None) -> SourceKind:
    if source is not None:
        return SourceKind.QUEUE if source.type == QUEUE else SourceKind.STREAM
    told = mapping.value("EventSourceArn")
    arn = Arn.parse(told) if isinstance(told, Text) else None
    if arn is not None and arn.service.literal is not None:
        return SERVICES.get(arn.service.literal, SourceKind.OTHER)
    if any(not mapping.lacks(each) for each in OTHERS) or mapping.lacks("EventSourceArn"):
        return SourceKind.OTHER
    return SourceKind.QUEUE if mapping.lacks("StartingPosition") else SourceKind.STREAM  # only queues need none


def _among(node: Node | None) -> Resource | None:
    return node if isinstance(node, Resource) else None
