"""Where a batch comes from: a queue, a FIFO queue, a stream of a table, or a Kinesis stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, SqsFifoPartialProcessor
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What the wrapper needs of a record, wherever it is from.

    Args:
        id: What Lambda calls the record in a report of failures.
        once: What tells it from every other record of its source.
        content: Its unparsed body, or a change of a table as it is.
    """

    id: str
    once: str
    content: Any
    delivery: int
    group: str | None
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a table's item.

    Args:
        kind: INSERT, MODIFY or REMOVE.
        keys: The item's key.
        new: The item afterwards, if the stream holds it.
        old: The item before, if the stream holds it.
    """

    kind: str
    keys: dict[str, Any]
    new: dict[str, Any]
    old: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How to read the records of one batch, and how they depend on each other.

    Args:
        is_ordered: Whether a failure holds up what comes after it.
        is_stream: Whether it holds up everything, not only its message group.
    """

    processor: Callable[[], BatchProcessor]
    arrival: Callable[[Any], Arrival]
    is_ordered: bool
    is_stream: bool


def source_of(records: list[dict[str, Any]]) -> Source:
    """Return where these records come from.

    Raises:
        ValueError: Not from a source this library knows.
    """
    first = records[0]
    name, arn = first.get("eventSource"), str(first.get("eventSourceARN", ""))
    if name == "aws:sqs":
        return FIFO_QUEUE if arn.endswith(".fifo") else QUEUE
    if name == "aws:dynamodb":
        return TABLE_STREAM
    if name == "aws:kinesis":
        return KINESIS_STREAM
    raise ValueError(f"a batch from {name!r}, wanted one from SQS, a DynamoDB stream or Kinesis")


def delivery_of(record: dict[str, Any]) -> int:
    """Return how often a message has been delivered."""
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", "1"))


def _message(record: SQSRecord) -> Arrival:
    return Arrival(
        id=record.message_id,
        once=record.message_id,
        content=record.body,
        delivery=delivery_of(record.raw_event),
        group=record.raw_event.get("attributes", {}).get("MessageGroupId"),
        attributes={
            name: str(value.get("stringValue") or "")
            for name, value in record.raw_event.get("messageAttributes", {}).items()
        },
    )


def _change(record: DynamoDBRecord) -> Arrival:
    change = record.dynamodb
    if change is None or change.sequence_number is None:
        raise ValueError("a stream record without its change")
    return Arrival(
        id=change.sequence_number,
        once=record.event_id or change.sequence_number,
        content=Change(
            kind=record.raw_event.get("eventName", ""),
            keys=change.keys or {},
            new=change.new_image or {},
            old=change.old_image or {},
        ),
        delivery=1,
        group=None,
        attributes={},
    )


def _datum(record: KinesisStreamRecord) -> Arrival:
    return Arrival(
        id=record.kinesis.sequence_number,
        once=record.event_id,
        content=record.kinesis.data_as_text(),
        delivery=1,
        group=record.kinesis.partition_key,
        attributes={},
    )


def _reporting(event_type: EventType) -> Callable[[], BatchProcessor]:
    return lambda: BatchProcessor(event_type=event_type, raise_on_entire_batch_failure=False)


def _fifo_processor() -> BatchProcessor:
    processor = SqsFifoPartialProcessor(skip_group_on_error=True)
    processor.raise_on_entire_batch_failure = False  # its constructor does not take it
    return processor


QUEUE = Source(processor=_reporting(EventType.SQS), arrival=_message, is_ordered=False, is_stream=False)
FIFO_QUEUE = Source(processor=_fifo_processor, arrival=_message, is_ordered=True, is_stream=False)
TABLE_STREAM = Source(processor=_reporting(EventType.DynamoDBStreams), arrival=_change, is_ordered=True, is_stream=True)
KINESIS_STREAM = Source(
    processor=_reporting(EventType.KinesisDataStreams), arrival=_datum, is_ordered=True, is_stream=True
)
