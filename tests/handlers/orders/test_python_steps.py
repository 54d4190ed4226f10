"""The workflow's steps in Python: what they write, and what they make of a refusal."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.handlers.orders.answering_dynamodb import AnsweringDynamoDb

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_MAX_ATTEMPTS": "1",
    "POWERTOOLS_SERVICE_NAME": "orders",
    "ORDERS_TABLE": "orders",
    "OUTBOX_TABLE": "outbox",
    "STOCK_TABLE": "stock",
}
ORDER = {
    "id": "order-1",
    "items": [{"sku": "teapot", "quantity": 1}, {"sku": "samovar", "quantity": 2}],
    "email": "ada@example.com",
    "amount_cents": 5_305,
}
OK, FAILED = "None", "ConditionalCheckFailed"


@dataclass
class Context:
    aws_request_id: str = "7e0b6f6c-5a1e-4a63-9d3c-0c7f6f1f9a52"
    function_name: str = "function"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:function"


@pytest.fixture(scope="module")
def server() -> Iterator[AnsweringDynamoDb]:
    fake = AnsweringDynamoDb()
    yield fake
    fake.stop()


@pytest.fixture(scope="module")
def modules(server: AnsweringDynamoDb) -> Iterator[dict[str, Any]]:
    """Load the handlers as Lambda does: once, with their environment in place."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL_DYNAMODB": server.url}.items():
            patch.setenv(name, value)
        names = ("take_stock", "put_back_stock", "send_email", "stock")
        loaded: dict[str, Any] = {name: importlib.import_module(f"lambda_src.orders.{name}") for name in names}
        yield loaded
        for name in ("send_email", "stock"):
            loaded[name].dynamodb.close()


@pytest.fixture
def dynamodb(server: AnsweringDynamoDb) -> AnsweringDynamoDb:
    server.reset()
    return server


def written(dynamodb: AnsweringDynamoDb) -> list[dict[str, Any]]:
    [(action, sent)] = dynamodb.calls
    assert action == "TransactWriteItems"
    return [item["Update"] for item in sent["TransactItems"]]


class TestTakingStock:
    def test_takes_everything_and_notes_it_in_one_transaction(
        self, modules: dict[str, Any], dynamodb: AnsweringDynamoDb
    ) -> None:
        assert modules["take_stock"].handler(ORDER, Context()) == {"taken": True}
        assert written(dynamodb) == [
            {
                "TableName": "orders",
                "Key": {"id": {"S": "order-1"}},
                "UpdateExpression": "SET stock_taken = :yes",
                "ConditionExpression": "attribute_exists(id) AND attribute_not_exists(stock_taken)",
                "ExpressionAttributeValues": {":yes": {"BOOL": True}},
            },
            {
                "TableName": "stock",
                "Key": {"sku": {"S": "teapot"}},
                "UpdateExpression": "SET pieces = if_not_exists(pieces, :delivered) - :quantity",
                "ConditionExpression": "pieces >= :quantity OR attribute_not_exists(pieces)",
                "ExpressionAttributeValues": {":delivered": {"N": "1000000"}, ":quantity": {"N": "1"}},
            },
            {
                "TableName": "stock",
                "Key": {"sku": {"S": "samovar"}},
                "UpdateExpression": "SET pieces = if_not_exists(pieces, :delivered) - :quantity",
                "ConditionExpression": "pieces >= :quantity",  # none was ever delivered
                "ExpressionAttributeValues": {":delivered": {"N": "0"}, ":quantity": {"N": "2"}},
            },
        ]

    @pytest.mark.parametrize(
        ("codes", "taken"),
        [
            ((OK, OK, FAILED), False),
            ((OK, FAILED, FAILED), False),
            ((FAILED, OK, OK), True),  # by an attempt whose answer was lost
            ((FAILED, OK, FAILED), True),  # likewise, and it took the last
        ],
    )
    def test_answers_whether_the_order_has_its_stock(
        self, modules: dict[str, Any], dynamodb: AnsweringDynamoDb, codes: tuple[str, ...], taken: bool
    ) -> None:
        dynamodb.cancel(*codes)
        assert modules["take_stock"].handler(ORDER, Context()) == {"taken": taken}

    @pytest.mark.parametrize(
        ("codes", "counted"),
        [
            ((), [(1, 3)]),
            ((OK, OK, FAILED), [(0, 0)]),
            ((FAILED, OK, OK), []),  # its first attempt counted it
        ],
    )
    def test_each_order_is_counted_once(
        self,
        modules: dict[str, Any],
        dynamodb: AnsweringDynamoDb,
        capsys: pytest.CaptureFixture[str],
        codes: tuple[str, ...],
        counted: list[tuple[int, int]],
    ) -> None:
        if codes:
            dynamodb.cancel(*codes)
        modules["take_stock"].handler(ORDER, Context())
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
        assert [(line["OrdersInStock"][0], line["PiecesSold"][0]) for line in lines] == counted
        for line in lines:
            assert line["service"] == "orders"
            assert [each["Namespace"] for each in line["_aws"]["CloudWatchMetrics"]] == ["Shop"]

    def test_raises_what_the_workflow_retries_when_another_order_is_at_the_shelf(
        self, modules: dict[str, Any], dynamodb: AnsweringDynamoDb
    ) -> None:
        dynamodb.cancel(OK, "TransactionConflict", OK)
        with pytest.raises(Exception, match="cancelled: None, TransactionConflict, None") as caught:
            modules["take_stock"].handler(ORDER, Context())
        assert type(caught.value).__name__ == "StockContended"

    def test_raises_when_it_is_denied(self, modules: dict[str, Any], dynamodb: AnsweringDynamoDb) -> None:
        dynamodb.refuse("AccessDeniedException")
        with pytest.raises(Exception, match="AccessDeniedException"):
            modules["take_stock"].handler(ORDER, Context())


class TestPuttingStockBack:
    def test_puts_back_what_the_order_has_taken(self, modules: dict[str, Any], dynamodb: AnsweringDynamoDb) -> None:
        modules["put_back_stock"].handler({"input": ORDER, "result": {"taken": True}}, Context())
        note, teapot, samovar = written(dynamodb)
        assert note == {
            "TableName": "orders",
            "Key": {"id": {"S": "order-1"}},
            "UpdateExpression": "REMOVE stock_taken",
            "ConditionExpression": "attribute_exists(stock_taken)",
        }
        for line, quantity in ((teapot, "1"), (samovar, "2")):
            assert line["UpdateExpression"] == "SET pieces = pieces + :quantity"
            assert line["ExpressionAttributeValues"] == {":quantity": {"N": quantity}}

    def test_leaves_an_order_alone_that_has_nothing(self, modules: dict[str, Any], dynamodb: AnsweringDynamoDb) -> None:
        dynamodb.cancel(FAILED, OK, OK)
        modules["put_back_stock"].handler({"input": ORDER, "result": {"taken": False}}, Context())
        assert len(dynamodb.calls) == 1


class TestSendingEmail:
    def test_puts_a_mail_with_the_amount_into_the_outbox(
        self, modules: dict[str, Any], dynamodb: AnsweringDynamoDb
    ) -> None:
        modules["send_email"].handler(ORDER, Context())
        [(action, sent)] = dynamodb.calls
        assert action == "PutItem"
        assert sent == {
            "TableName": "outbox",
            "Item": {
                "id": {"S": "order-1#confirmation"},
                "to": {"S": "ada@example.com"},
                "subject": {"S": "Your order order-1"},
                "text": {"S": "Thank you for your order. We have charged 53.05 to your card."},
            },
        }

    @pytest.mark.parametrize("email", ["ada@nowhere.invalid", "ada@NOWHERE.INVALID"])
    def test_refuses_an_address_that_cannot_exist(
        self, modules: dict[str, Any], dynamodb: AnsweringDynamoDb, email: str
    ) -> None:
        with pytest.raises(Exception, match="the domain of the address does not exist") as caught:
            modules["send_email"].handler({**ORDER, "email": email}, Context())
        assert type(caught.value).__name__ == "AddressRefused"
        assert dynamodb.calls == []
