"""What the table in memory says of conditions and transactions, DynamoDB's own protocol says too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from constructs_lib.local.aws_clients import AwsClients
from constructs_lib.local.emulator import Emulator, Settings
from constructs_lib.runtime import ClaimLost, Record, queue_worker
from tests.runtime.batches import Context, batch, failed, message

pytestmark = pytest.mark.usefixtures("has_table")


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    with Emulator.start(Settings(iam="off")) as emulator:
        client = AwsClients(emulator.endpoint, "us-east-1").client("dynamodb")
        for name in ("handled", "orders"):
            client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            )
        yield client


def lapse(dynamodb: Any) -> None:
    for item in dynamodb.scan(TableName="handled")["Items"]:
        item["in_progress_expiration"] = {"N": "1"}
        dynamodb.put_item(TableName="handled", Item=item)


def orders(dynamodb: Any) -> set[str]:
    return {item["id"]["S"] for item in dynamodb.scan(TableName="orders")["Items"]}


def put(order: str) -> Any:
    return {"Put": {"TableName": "orders", "Item": {"id": {"S": order}}}}


def test_a_key_is_handled_once(dynamodb: Any) -> None:
    seen: list[str] = []
    handler = queue_worker(dynamodb=dynamodb)(lambda record: seen.append(record.id))
    for _ in range(2):
        assert failed(handler(batch(message("plain")), Context())) == []
    assert seen == ["plain"]


def test_a_failed_key_is_handled_again(dynamodb: Any) -> None:
    outcomes: list[Exception | None] = [ValueError("no"), None]

    @queue_worker(dynamodb=dynamodb)
    def handler(_: Record[Any]) -> None:
        if (error := outcomes.pop(0)) is not None:
            raise error

    assert failed(handler(batch(message("again")), Context())) == ["again"]
    assert failed(handler(batch(message("again")), Context())) == []


def test_a_commit_writes_effect_and_completion_together_or_not_at_all(dynamodb: Any) -> None:
    successor = queue_worker(dynamodb=dynamodb)(lambda record: record.commit(put("by the successor")))

    @queue_worker(dynamodb=dynamodb)
    def slow(record: Record[Any]) -> None:
        lapse(dynamodb)
        assert failed(successor(batch(message("shared")), Context())) == []
        with pytest.raises(ClaimLost):
            record.commit(put("by the late one"))
        raise ValueError("late")

    assert failed(slow(batch(message("shared")), Context())) == ["shared"]
    assert orders(dynamodb) == {"by the successor"}
    again = queue_worker(dynamodb=dynamodb)(lambda _: pytest.fail("handled again"))
    assert failed(again(batch(message("shared")), Context())) == []
