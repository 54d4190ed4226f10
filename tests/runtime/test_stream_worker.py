"""Batches of DynamoDB and Kinesis streams: order is kept by stopping at the first failure."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.exactly_once.memory_table import MemoryTable
from constructs_lib.runtime import Change, Record, stream_worker
from tests.runtime.batches import Context, batch, failed, kinesis_datum, table_change


def test_hands_over_a_change_of_a_table() -> None:
    seen: list[Record[Change]] = []
    assert failed(stream_worker(seen.append)(batch(table_change("1")), Context())) == []
    assert seen[0].body == Change(kind="INSERT", keys={"id": "1"}, new={"id": "1", "name": "Ada"}, old={})
    assert seen[0].id == "1"


def test_hands_over_the_json_of_a_kinesis_record() -> None:
    seen: list[Record[Any]] = []
    assert failed(stream_worker(seen.append)(batch(kinesis_datum("7", b'{"page": "/"}')), Context())) == []
    assert (seen[0].body, seen[0].group) == ({"page": "/"}, "p1")


def test_stops_at_the_first_failure_so_that_order_is_kept() -> None:
    started: list[str] = []

    @stream_worker
    def handler(record: Record[Any]) -> None:
        started.append(record.id)
        if record.id == "2":
            raise ValueError

    assert failed(handler(batch(*map(table_change, "1234")), Context())) == ["2", "3", "4"]
    assert started == ["1", "2"]
    started.clear()
    assert failed(handler(batch(table_change("3")), Context())) == []


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe"])
def test_an_unreadable_record_stops_the_stream_and_not_the_function(data: bytes) -> None:
    started: list[str] = []
    handler = stream_worker(lambda record: started.append(record.id))
    records = [kinesis_datum("1", b"1"), kinesis_datum("2", data), kinesis_datum("3", b"3")]
    assert failed(handler(batch(*records), Context())) == ["2", "3"]
    assert started == ["1"]


@pytest.mark.usefixtures("has_table")
def test_what_was_handled_before_the_failure_is_not_handled_again(table: MemoryTable) -> None:
    started: list[str] = []

    @stream_worker(dynamodb=table)
    def handler(record: Record[Any]) -> None:
        started.append(record.id)
        if started.count("2") == 1 and record.id == "2":
            raise ValueError

    records = batch(*map(table_change, "123"))
    assert failed(handler(records, Context())) == ["2", "3"]
    assert failed(handler(records, Context())) == []
    assert started == ["1", "2", "2", "3"]
