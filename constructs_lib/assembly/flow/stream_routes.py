"""Where records go on to: from a table to a stream, from a stream to a delivery stream, and from there to a bucket.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds.html
https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.addressed import TABLES, node_at
from constructs_lib.assembly.flow.message import Message, Objects, Passage
from constructs_lib.assembly.flow.route import Route, everything_as_something_else
from constructs_lib.assembly.text_set import Extent, TextSet
from constructs_lib.assembly.value import Symbol, Text, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource

FIREHOSE, STREAM, BUCKET = "AWS::KinesisFirehose::DeliveryStream", "AWS::Kinesis::Stream", "AWS::S3::Bucket"
S3_DESTINATIONS = ("ExtendedS3DestinationConfiguration", "S3DestinationConfiguration")
BACKUPS = ("S3BackupConfiguration", "S3Configuration")
PUT = frozenset({"ObjectCreated:Put"})
EXPRESSION = "!{"  # begins what Firehose fills in


def stream_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways that begin at tables and streams, save those to functions."""
    for table in assembly.of_type(*TABLES):
        stream = assembly.target(table.value("KinesisStreamSpecification", "StreamArn"), STREAM)
        if stream is not None:
            yield Route(table, stream, table, "sends its changes to", everything_as_something_else)
    for delivery in assembly.of_type(FIREHOSE):
        source = assembly.target(delivery.value("KinesisStreamSourceConfiguration", "KinesisStreamARN"), STREAM)
        if source is not None:
            yield Route(source, delivery, delivery, "is read by", everything_as_something_else)
        yield from _deliveries(assembly, delivery)


def _deliveries(assembly: Assembly, delivery: Resource) -> Iterator[Route]:
    for name in delivery.raw:
        if not name.endswith("DestinationConfiguration"):
            continue
        yield from _transformations(assembly, delivery, name)
        told = delivery.value(name)
        if not isinstance(told, dict):
            continue
        places = [told] if name in S3_DESTINATIONS else []
        places += [place for key in BACKUPS if isinstance(place := told.get(key), dict)]
        for place in places:
            yield from _objects(assembly, delivery, place)
        endpoint = told.get("EndpointConfiguration")
        api = node_at(assembly, endpoint.get("Url")) if isinstance(endpoint, dict) else None
        if api is not None:
            yield Route(delivery, api, delivery, "calls", everything_as_something_else)


def _objects(assembly: Assembly, delivery: Resource, place: Mapping[str, Value]) -> Iterator[Route]:
    bucket = assembly.target(place.get("BucketARN"), BUCKET)
    if bucket is None:
        return
    keys = _keys(place.get("Prefix"))
    if "ErrorOutputPrefix" in place:
        keys |= _keys(place.get("ErrorOutputPrefix"))
    written = Message(objects=Objects(PUT, PUT, keys))
    yield Route(delivery, bucket, delivery, "writes objects to", lambda _: Passage(Extent.ALL, message=written))


def _keys(prefix: Value) -> TextSet:
    """The keys below a prefix, as far as it is fixed."""
    if not isinstance(prefix, Text):
        return TextSet.any()
    fixed: list[str | Symbol] = []
    for part in prefix.parts:
        known, begins, _ = part.partition(EXPRESSION) if isinstance(part, str) else (part, "", "")
        fixed.append(known)
        if begins:
            break
    return TextSet.prefix(Text.of(*fixed))


def _transformations(assembly: Assembly, delivery: Resource, name: str) -> Iterator[Route]:
    for told in delivery.values(name, "ProcessingConfiguration", "Processors", "*", "Parameters", "*"):
        if isinstance(told, dict) and str(told.get("ParameterName")) == "LambdaArn":
            function = assembly.target(told.get("ParameterValue"), "AWS::Lambda::Function")
            if function is not None:
                yield Route(delivery, function, delivery, "has its records changed by", everything_as_something_else)
