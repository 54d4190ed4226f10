"""An order in a hardened stage: everything under a key, and every right to use it as exact as the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest

from constructs_lib import Defaults
from constructs_lib.local import LocalAws
from examples.orders import Orders
from tests.end_to_end.deployed_queue import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.conftest import Synthesize

ORDER = {
    "id": "order-1",
    "items": [{"sku": "teapot", "quantity": 1}, {"sku": "teacup", "quantity": 2}],
    "email": "ada@example.com",
    "card": "tok_visa",
}


def fill(app: cdk.App) -> None:
    Orders(Defaults.prod(hardened=True).apply(cdk.Stage(app, "prod")), "Orders")


@pytest.fixture(scope="module")
def hardened(synthesize: Synthesize) -> Iterator[LocalAws]:
    with LocalAws.from_assembly(synthesize(fill)) as aws:
        yield aws


def test_an_order_passes_api_queue_workflow_and_bus(hardened: LocalAws) -> None:
    assert hardened.call("POST", "/orders", json=ORDER, signed=True).status == 202

    def status() -> str:
        return str(hardened.call("GET", "/orders/order-1", signed=True).json()["status"])

    assert eventually(status, lambda now: now == "fulfilled") == "fulfilled"
    decided = hardened.journal("authorization")
    assert len(decided) > 10
    assert [each for each in decided if not each["allowed"]] == []


def test_what_it_stored_is_under_the_key_of_the_stack(hardened: LocalAws) -> None:
    [key] = [each["KeyId"] for each in hardened.client("kms").list_keys()["Keys"]]
    tables = hardened.client("dynamodb").list_tables()["TableNames"]
    described = [hardened.client("dynamodb").describe_table(TableName=each)["Table"] for each in tables]
    assert len(described) > 5
    assert all(key in each["SSEDescription"]["KMSMasterKeyArn"] for each in described)
