"""What a pipe reads: a queue, the stream of a table, or a Kinesis stream.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-source.html
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from constructs_lib.local.overlay.authority import Role
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.mapping_filter import filter_of
from constructs_lib.local.overlay.queue_mapping import Source as QueueMapping
from constructs_lib.local.overlay.queue_mapping import record_of

Pipe = dict[str, Any]
Record = dict[str, Any]
QUEUE_BATCH, STREAM_BATCH = 10, 100
READING = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    "kinesis": ("kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator"),
}
PARAMETERS = {
    "sqs": "SqsQueueParameters",
    "dynamodb": "DynamoDBStreamParameters",
    "kinesis": "KinesisStreamParameters",
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Records a pipe has taken.

    Args:
        records: All of them, in order, also those the filter drops.
        wanted: Those that pass.
        end: Called with the identifiers of those that failed; the others are over.
        key: What tells the batch from others, to count the tries it takes.
    """

    records: list[Record]
    wanted: list[Record]
    end: Callable[[set[str]], None]
    key: str


class Taker(Protocol):
    """Takes the next batch of a source; none when there is nothing."""

    def __call__(self, pipe: Pipe, region: str) -> Batch | None:
        """Take it."""


def service_of_source(pipe: Pipe) -> str:
    """The service a pipe reads from."""
    found: str = pipe["Source"].split(":")[2] if pipe["Source"].count(":") > 1 else ""
    return found


def parameters(pipe: Pipe) -> dict[str, Any]:
    """What the pipe says of its source."""
    told: dict[str, Any] = (pipe.get("SourceParameters") or {}).get(PARAMETERS.get(service_of_source(pipe), "")) or {}
    return told


def problem(role: Role, pipe: Pipe, region: str) -> str:
    """Why the role of a pipe cannot read for it; empty when it can."""
    for action in READING.get(service_of_source(pipe), ()):
        if denial := role.denial(action, pipe["Source"], region=region):
            return denial
    return ""


def identifier(record: Record) -> str:
    """What a record is reported by when it failed."""
    inner = record.get("dynamodb") or {}
    return str(record.get("messageId") or record.get("sequenceNumber") or inner.get("SequenceNumber"))


def take_messages(pipe: Pipe, region: str) -> Batch | None:
    """Messages of a queue; those that fail come back when their visibility timeout is over."""
    sqs = base("services.sqs")
    queue = sqs._queue_by_arn(pipe["Source"])
    if queue is None:
        return None
    messages = sqs._receive_messages_for_esm(queue["url"], min(_size(pipe, QUEUE_BATCH), 10))
    if not messages:
        return None
    source = QueueMapping({"EventSourceArn": pipe["Source"], "UUID": pipe["Arn"]}, {}, queue, region)
    records = [record_of(source, each) for each in messages]
    handles = {each["id"]: each["receipt_handle"] for each in messages}

    def end(failed: set[str]) -> None:
        sqs._delete_messages_for_esm(queue["url"], {handle for name, handle in handles.items() if name not in failed})

    return Batch(records, _wanted(pipe, records), end, "")


def take_changes(pipe: Pipe, region: str) -> Batch | None:
    """Changes of a table."""
    del region
    tables, positions = base("services.dynamodb"), base("services.pipes")._positions
    name = pipe["Source"].partition(":table/")[2].partition("/")[0]
    if (tables._tables.get(name) or {}).get("LatestStreamArn") != pipe["Source"]:
        return None
    start = max(int(positions.get(pipe["Arn"], 0)), int(tables.stream_start_position(name)))
    records = tables.stream_records_since(name, start, _size(pipe, STREAM_BATCH))
    if not records:
        return None

    def end(failed: set[str]) -> None:
        positions[pipe["Arn"]] = start + _handled(records, failed)

    return Batch(records, _wanted(pipe, records), end, str(start))


def take_records(pipe: Pipe, region: str) -> Batch | None:
    """Records of a Kinesis stream, from the first shard that has some."""
    stream = base("services.kinesis")._streams.get(pipe["Source"].partition(":stream/")[2])
    if stream is None:
        return None
    read = pipe.setdefault("Shards", {})
    for shard_id, shard in stream["shards"].items():
        last = int(read.get(shard_id) or -1)
        found = [each for each in shard["records"] if int(each["SequenceNumber"]) > last][: _size(pipe, STREAM_BATCH)]
        if found:
            return _of_shard(pipe, shard_id, [_kinesis_record(pipe, shard_id, each, region) for each in found])
    return None


def _of_shard(pipe: Pipe, shard_id: str, records: list[Record]) -> Batch:
    def end(failed: set[str]) -> None:
        handled = _handled(records, failed)
        if handled:
            pipe["Shards"][shard_id] = records[handled - 1]["sequenceNumber"]

    return Batch(records, _wanted(pipe, records), end, records[0]["sequenceNumber"])


def begin(pipe: Pipe) -> None:
    """Set a new pipe to where its stream begins for it."""
    start = parameters(pipe).get("StartingPosition", "LATEST")
    pipe["StartingPosition"] = start
    if service_of_source(pipe) == "kinesis":
        stream = base("services.kinesis")._streams.get(pipe["Source"].partition(":stream/")[2]) or {"shards": {}}
        last = {name: shard["records"][-1:] if start == "LATEST" else [] for name, shard in stream["shards"].items()}
        pipe["Shards"] = {name: each[0]["SequenceNumber"] for name, each in last.items() if each}
    else:
        base("services.pipes")._positions[pipe["Arn"]] = base("services.pipes")._initial_position(pipe)


TAKERS: dict[str, Taker] = {"sqs": take_messages, "dynamodb": take_changes, "kinesis": take_records}


def _size(pipe: Pipe, default: int) -> int:
    return int(parameters(pipe).get("BatchSize") or default)


def _handled(records: list[Record], failed: set[str]) -> int:
    """How many records of a stream are over: those before the first that failed."""
    names = [identifier(each) for each in records]
    return min((names.index(each) for each in failed if each in names), default=len(records))


def _wanted(pipe: Pipe, records: list[Record]) -> list[Record]:
    lets_through = filter_of(pipe.get("SourceParameters") or {})
    return [each for each in records if lets_through(_as_filters_see_it(each))]


def _as_filters_see_it(record: Record) -> Record:
    """The data of a Kinesis record is JSON to a filter and to a template, if it is JSON."""
    if "data" not in record:
        return record
    try:
        return {**record, "data": json.loads(base64.b64decode(record["data"]))}
    except (binascii.Error, ValueError):
        return record


def parsed(record: Record) -> Record:
    """A record with its body or data as what it says, as templates see it."""
    seen = _as_filters_see_it(record)
    if isinstance(seen.get("body"), str):
        try:
            return {**seen, "body": json.loads(seen["body"])}
        except ValueError:
            return seen
    return seen


def _kinesis_record(pipe: Pipe, shard_id: str, record: dict[str, Any], region: str) -> Record:
    data = record["Data"]
    content = data if isinstance(data, str) else base64.b64encode(data).decode("ascii")
    return {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": record["PartitionKey"],
        "sequenceNumber": record["SequenceNumber"],
        "data": content,
        "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": pipe.get("RoleArn", ""),
        "awsRegion": region,
        "eventSourceARN": pipe["Source"],
    }
