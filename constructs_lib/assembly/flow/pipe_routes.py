"""Where a pipe takes what its source has: through its filter and enrichment, to its target.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes.html
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.addressed import node_at
from constructs_lib.assembly.flow.described import below, event
from constructs_lib.assembly.flow.matching import matched_by_criteria, unchanged
from constructs_lib.assembly.flow.message import Message, Passage
from constructs_lib.assembly.flow.route import Filter, Route
from constructs_lib.assembly.text_set import Extent, TextSet
from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.flow.message import Document
    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.resource import Resource

PIPE = "AWS::Pipes::Pipe"
WRAPPERS = {"AWS::SQS::Queue": "body", "AWS::Kinesis::Stream": "data"}
BUS = "AWS::Events::EventBus"
STREAMS = ("DynamoDBStreamParameters", "KinesisStreamParameters")


def pipe_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways that pipes make."""
    for pipe in assembly.of_type(PIPE):
        source = node_at(assembly, pipe.value("Source"))
        target = node_at(assembly, pipe.value("Target"))
        if source is None or str(pipe.value("DesiredState")) == "STOPPED":
            continue
        enrichment = node_at(assembly, pipe.value("Enrichment"))
        if enrichment is not None:
            yield Route(source, enrichment, pipe, "is enriched by", _filter(pipe, source, None))
        if target is not None:
            waits = str(pipe.value("TargetParameters", "LambdaFunctionParameters", "InvocationType"))
            yield Route(
                source,
                target,
                pipe,
                "is piped to",
                _filter(pipe, source, target),
                is_asynchronous=waits == "FIRE_AND_FORGET",
            )
        for name in STREAMS:
            failed = node_at(assembly, pipe.value("SourceParameters", name, "DeadLetterConfig", "Arn"))
            if failed is not None:
                yield Route(
                    source, failed, pipe, "leaves failed batches in", lambda _: Passage(Extent.ALL, "each failure")
                )


def _filter(pipe: Resource, source: Node, target: Node | None) -> Filter:
    criteria = pipe.value("SourceParameters", "FilterCriteria")
    wrapper = WRAPPERS.get(source.type, "")
    whole = partial(below, wrapper) if wrapper else unchanged  # the record, of which the message is a part
    changes = not pipe.lacks("Enrichment") or not pipe.lacks("TargetParameters", "InputTemplate")

    def passes(message: Message) -> Passage:
        passage = matched_by_criteria(criteria, message, whole, whole)
        if target is not None and target.type == BUS:
            return passage.carrying(Message(body=_on_bus(pipe, target)))
        return passage.carrying(Message()) if changes or target is None else passage

    return passes


def _on_bus(pipe: Resource, bus: Node) -> Document:
    """What a pipe puts on a bus: in its own name, unless it is told another."""
    at = ("TargetParameters", "EventBridgeEventBusParameters")
    source, detail_type = pipe.value(*at, "Source"), pipe.value(*at, "DetailType")
    named = source if isinstance(source, Text) else Text.of("Pipe ", pipe.name)
    detail_types = TextSet.exactly(detail_type) if isinstance(detail_type, Text) else None
    return event(TextSet.exactly(named), detail_types, bus)
