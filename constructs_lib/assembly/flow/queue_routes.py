"""Where the messages of a queue go: to the functions that are mapped to it, and in the end to its dead letters.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.addressed import node_at
from constructs_lib.assembly.flow.described import below, kept_objects
from constructs_lib.assembly.flow.matching import matched_by_criteria, unchanged
from constructs_lib.assembly.flow.message import Message, Passage
from constructs_lib.assembly.flow.route import Filter, Route
from constructs_lib.assembly.text_set import Extent
from constructs_lib.assembly.value import Text, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly, Node

MAPPING, FUNCTION, QUEUE = "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function", "AWS::SQS::Queue"
AFTER_FAILURES = "each message that fails often enough"


def mapping_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways from queues and streams to the functions mapped to them, and where failed batches go."""
    for mapping in assembly.of_type(MAPPING):
        source = node_at(assembly, mapping.value("EventSourceArn"))
        function = assembly.target(mapping.value("FunctionName"), FUNCTION)
        if source is None or function is None or str(mapping.value("Enabled")).lower() == "false":
            continue
        criteria = mapping.value("FilterCriteria")
        wrapper = "body" if source.type == QUEUE else "data" if source.type == "AWS::Kinesis::Stream" else ""
        yield Route(source, function, mapping, "feeds", _filter(criteria, wrapper))
        failed = node_at(assembly, mapping.value("DestinationConfig", "OnFailure", "Destination"))
        if failed is not None:
            yield Route(function, failed, mapping, "leaves failed batches in", _failures(failed))


def redrive_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways from queues to their dead-letter queues."""
    for queue in assembly.of_type(QUEUE):
        for policy in queue.values("RedrivePolicy"):
            target = dead_letters(assembly, policy)
            if target is not None:
                yield Route(
                    queue, target, queue, "moves to", lambda message: Passage(Extent.ALL, AFTER_FAILURES, message)
                )


def dead_letters(assembly: Assembly, policy: Value) -> Node | None:
    """Return the queue that a redrive policy names, written as an object or as text."""
    if isinstance(policy, Text) and policy.literal is not None:
        try:
            told = json.loads(policy.literal)
        except (ValueError, RecursionError):
            return None
        arn = told.get("deadLetterTargetArn") if isinstance(told, dict) else None
        policy = {"deadLetterTargetArn": Text.of(arn)} if isinstance(arn, str) else {}
    arn = policy.get("deadLetterTargetArn") if isinstance(policy, dict) else None
    return assembly.target(arn, QUEUE) if arn is not None else None


def _filter(criteria: Value, wrapper: str) -> Filter:
    whole = partial(below, wrapper) if wrapper else unchanged  # the record, of which the message is a part
    return lambda message: matched_by_criteria(criteria, message, whole, whole)


def _failures(target: Node) -> Filter:
    message = kept_objects("aws/lambda/") if target.type == "AWS::S3::Bucket" else Message()
    return lambda _: Passage(Extent.ALL, "each batch that fails for good", message)
