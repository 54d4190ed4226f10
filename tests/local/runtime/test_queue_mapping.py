"""Messages that go through a function: what comes back, what is dead, what is handled once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.runtime.deployed import App
from tests.local.runtime.event_handlers import admitting, deploy, received, seen, until
from tests.local.runtime.test_gaps_mappings import NAMES, consumer, left, orders_of, send


@pytest.fixture(scope="module")
def made(mended: App) -> dict[str, str]:
    """A queue that wants TLS."""
    return deploy(mended, "Consumes", consumer() | admitting("Queue") | admitting("Dead"), *NAMES)


def all_orders(app: App, group: str) -> list[str]:
    return [order for batch in orders_of(app, group) for order in batch]


def test_poison_dies_and_its_batch_mates_are_handled_once(mended: App) -> None:
    # Hidden for longer than gathering, a cold start and the handler take together, or its batch-mates would come twice.
    hidden = {"visibility": 5}
    made = deploy(mended, "Poisoned", consumer(queue_properties=hidden, MaximumBatchingWindowInSeconds=1), *NAMES)
    send(mended, made["Queue"], "work", "report", "more")
    dead = until(lambda: received(mended, made["Dead"]))
    assert [json.loads(each["Body"])["do"] for each in dead] == ["report"]
    assert dead[0]["Attributes"]["DeadLetterQueueSourceArn"].endswith(made["Queue"].rsplit("/", 1)[-1])
    assert sorted(all_orders(mended, made["ConsumerLogs"])) == ["more", "report", "report", "work"]
    assert left(mended, made["Queue"]) == 0


def test_a_batch_comes_back_when_its_function_throws_or_exits_or_takes_too_long(mended: App) -> None:
    hidden = {"visibility": 6}
    made = deploy(mended, "ComesBack", consumer(queue_properties=hidden, BatchSize=1), *NAMES)
    send(mended, made["Queue"], "throw", "exit", "hang")
    dead: list[str] = []

    def bury() -> int:
        dead.extend(json.loads(each["Body"])["do"] for each in received(mended, made["Dead"]))
        return len(dead)

    until(bury, is_right=lambda count: count == 3)
    assert sorted(dead) == ["exit", "hang", "throw"]
    tried = until(lambda: all_orders(mended, made["ConsumerLogs"]), is_right=lambda found: len(found) >= 6)
    assert sorted(tried) == ["exit", "exit", "hang", "hang", "throw", "throw"]


def test_a_throttled_batch_is_tried_again_without_being_received_again(mended: App, made: dict[str, str]) -> None:
    functions = mended.aws.client("lambda")
    functions.put_function_concurrency(FunctionName=made["Consumer"], ReservedConcurrentExecutions=0)
    mapping = made["Mapping"]
    send(mended, made["Queue"], "throttled")
    until(lambda: left(mended, made["Queue"]), is_right=lambda count: count == 1)
    functions.delete_function_concurrency(FunctionName=made["Consumer"])

    def tries() -> list[Any]:
        found = [each.records[0] for each in seen(mended, made["ConsumerLogs"])]
        return [each for each in found if "throttled" in each["body"]]

    [record] = until(tries)
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert functions.get_event_source_mapping(UUID=mapping)["State"] == "Enabled"


def test_a_record_has_the_shape_of_lambda(mended: App, made: dict[str, str]) -> None:
    attributes = {"kind": {"DataType": "String", "StringValue": "gift"}}
    mended.aws.client("sqs").send_message(QueueUrl=made["Queue"], MessageBody="shape", MessageAttributes=attributes)

    def shaped() -> list[Any]:
        records = [each for batch in seen(mended, made["ConsumerLogs"]) for each in batch.records]
        return [each for each in records if each["body"] == "shape"]

    [record] = until(shaped)
    assert record["messageAttributes"] == {
        "kind": {"stringValue": "gift", "stringListValues": [], "binaryListValues": [], "dataType": "String"}
    }
    assert record["eventSource"] == "aws:sqs"
    assert set(record["attributes"]) == {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }


def test_no_more_batches_than_stated_are_in_flight(mended: App) -> None:
    made = deploy(mended, "AtMostTwo", consumer(BatchSize=1, ScalingConfig={"MaximumConcurrency": 2}), *NAMES)
    send(mended, made["Queue"], *["nap"] * 5)
    until(lambda: left(mended, made["Queue"]), is_right=lambda count: count == 0)
    starts = {each.id: each.at for each in seen(mended, made["ConsumerLogs"])}
    ends = {each.id: each.at for each in seen(mended, made["ConsumerLogs"], "DONE")}
    moments = sorted([(at, 1) for at in starts.values()] + [(at, -1) for at in ends.values()])
    running, most = 0, 0
    for _, change in moments:
        running += change
        most = max(most, running)
    assert (len(ends), most) == (5, 2)
