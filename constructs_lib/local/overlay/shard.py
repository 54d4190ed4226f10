"""One shard of a stream, as an event source mapping reads it: the only one of a table, or one of a Kinesis stream."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Protocol

from constructs_lib.local.overlay.base import base

ONLY_SHARD = "shardId-00000000000000000000-00000000"  # of a table, here

Mapping = dict[str, Any]
Record = dict[str, Any]


class Shard(Protocol):
    """Where a mapping is in a shard, and what comes next."""

    name: str

    def span(self) -> tuple[int, int]:
        """The position of the first record the mapping has not handled, and the one after the last."""

    def records(self, start: int, count: int) -> list[Record]:
        """Records as the function sees them."""

    def advance(self, position: int) -> None:
        """Everything before the position is handled."""


class TableShard:
    """The stream of a table."""

    name = ONLY_SHARD

    def __init__(self, mapping: Mapping, table: str) -> None:
        """Read the stream of a table for a mapping."""
        self._mapping = mapping
        self._table = table

    def span(self) -> tuple[int, int]:
        """See `Shard`."""
        lambda_svc, tables = base("services.lambda_svc"), base("services.dynamodb")
        with lambda_svc._dynamodb_stream_positions_lock:
            known = lambda_svc._dynamodb_stream_positions.get(self._mapping["UUID"])
            if known is None:
                is_latest = self._mapping.get("StartingPosition", "LATEST") == "LATEST"
                known = tables.stream_end_position(self._table) if is_latest else 0
            position = max(int(known), int(tables.stream_start_position(self._table)))
            lambda_svc._dynamodb_stream_positions[self._mapping["UUID"]] = position
        return position, int(tables.stream_end_position(self._table))

    def records(self, start: int, count: int) -> list[Record]:
        """See `Shard`."""
        found: list[Record] = base("services.dynamodb").stream_records_since(self._table, start, count)
        return found

    def advance(self, position: int) -> None:
        """See `Shard`."""
        lambda_svc = base("services.lambda_svc")
        with lambda_svc._dynamodb_stream_positions_lock:
            lambda_svc._dynamodb_stream_positions[self._mapping["UUID"]] = position


class KinesisShard:
    """One shard of a Kinesis stream."""

    def __init__(self, mapping: Mapping, name: str, held: list[Record], region: str) -> None:
        """Read a shard for a mapping.

        Args:
            mapping: The mapping.
            name: The id of the shard.
            held: Its records as the base holds them.
            region: Where the stream is.
        """
        self.name = name
        self._mapping = mapping
        self._held = held
        self._region = region

    def span(self) -> tuple[int, int]:
        """See `Shard`."""
        positions = base("services.lambda_svc")._kinesis_positions.setdefault(self._mapping["UUID"], {})
        if self.name not in positions:
            positions[self.name] = 0 if self._mapping.get("StartingPosition") == "TRIM_HORIZON" else len(self._held)
        return min(int(positions[self.name]), len(self._held)), len(self._held)

    def records(self, start: int, count: int) -> list[Record]:
        """See `Shard`."""
        return [self._record(each) for each in self._held[start : start + count]]

    def advance(self, position: int) -> None:
        """See `Shard`."""
        base("services.lambda_svc")._kinesis_positions[self._mapping["UUID"]][self.name] = position

    def _record(self, record: Record) -> Record:
        data = record["Data"]
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": record["SequenceNumber"],
                "data": data if isinstance(data, str) else base64.b64encode(data).decode("ascii"),
                "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{self.name}:{record['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": self._mapping.get("Role", ""),
            "awsRegion": self._region,
            "eventSourceARN": self._mapping["EventSourceArn"],
        }


def shards_of(mapping: Mapping, region: str) -> Iterator[Shard]:
    """The shards of the stream of a mapping, as long as it is the stream the mapping was made for."""
    arn = mapping["EventSourceArn"]
    if ":dynamodb:" in arn:
        name = arn.partition(":table/")[2].partition("/")[0]
        table = base("services.dynamodb")._tables.get(name)
        if table is not None and table.get("LatestStreamArn") == arn:
            yield TableShard(mapping, name)
        return
    stream = base("services.kinesis")._streams.get(arn.partition(":stream/")[2])
    if stream is not None and stream.get("StreamARN") == arn:
        for shard_id, shard in stream["shards"].items():
            yield KinesisShard(mapping, shard_id, shard["records"], region)


def number_of(record: Record) -> str:
    """The sequence number of a record, by which a function reports it."""
    inner = record.get("kinesis")
    return str(inner["sequenceNumber"] if inner else record["dynamodb"]["SequenceNumber"])


def arrival_of(record: Record) -> float:
    """When a record came to the stream, in seconds."""
    inner = record.get("kinesis")
    return float(inner["approximateArrivalTimestamp"] if inner else record["dynamodb"]["ApproximateCreationDateTime"])
