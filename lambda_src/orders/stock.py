"""The warehouse: how many of each thing there are, and who has taken some."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypedDict

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef, UpdateTypeDef

# What stood on the shelves when the shop opened; from its first order on, the table says how many of a thing are left.
FIRST_DELIVERY = {"teapot": 1_000_000, "teacup": 1_000_000}

# Made once per execution environment. botocore waits a minute by default, longer than the function has.
dynamodb = boto3.client("dynamodb", config=Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard"}))
ORDERS_TABLE = os.environ["ORDERS_TABLE"]
STOCK_TABLE = os.environ["STOCK_TABLE"]

Outcome = Literal["moved", "moved before", "not enough"]


class Line(TypedDict):
    """So many of one thing."""

    sku: str
    quantity: int


class Order(TypedDict):
    """What the warehouse reads of an order."""

    id: str
    items: Sequence[Line]


class StockContended(Exception):  # noqa: N818 - the name that the workflow retries on
    """Another order took from the same shelf in the same moment; nothing was moved."""


def take(order: Order) -> Outcome:
    """Take everything an order needs from the shelves and note it in the order: all of it once, or nothing."""
    note = _noted(
        order["id"],
        "SET stock_taken = :yes",
        "attribute_exists(id) AND attribute_not_exists(stock_taken)",
        {":yes": {"BOOL": True}},
    )
    return _move([note, *(_taken(line) for line in order["items"])])


def put_back(order: Order) -> Outcome:
    """Put back what an order has taken, once."""
    note = _noted(order["id"], "REMOVE stock_taken", "attribute_exists(stock_taken)", {})
    return _move([note, *(_returned(line) for line in order["items"])])


def _move(writes: Sequence[TransactWriteItemTypeDef]) -> Outcome:
    try:
        dynamodb.transact_write_items(TransactItems=writes)
    except dynamodb.exceptions.TransactionCanceledException as error:
        reasons = [each.get("Code") for each in error.response.get("CancellationReasons", [])]
        if reasons[0] == "ConditionalCheckFailed":
            return "moved before"
        if "ConditionalCheckFailed" in reasons:
            return "not enough"
        raise StockContended(f"the transaction was cancelled: {', '.join(str(each) for each in reasons)}") from error
    return "moved"


def _noted(
    order_id: str, update: str, condition: str, values: dict[str, AttributeValueTypeDef]
) -> TransactWriteItemTypeDef:
    noted: UpdateTypeDef = {
        "TableName": ORDERS_TABLE,
        "Key": {"id": {"S": order_id}},
        "UpdateExpression": update,
        "ConditionExpression": condition,
    }
    if values:  # DynamoDB takes no empty ones
        noted["ExpressionAttributeValues"] = values
    return {"Update": noted}


def _taken(line: Line) -> TransactWriteItemTypeDef:
    delivered = FIRST_DELIVERY.get(line["sku"], 0)
    never_taken = " OR attribute_not_exists(pieces)" if delivered >= line["quantity"] else ""
    return {
        "Update": {
            "TableName": STOCK_TABLE,
            "Key": {"sku": {"S": line["sku"]}},
            "UpdateExpression": "SET pieces = if_not_exists(pieces, :delivered) - :quantity",
            "ConditionExpression": f"pieces >= :quantity{never_taken}",
            "ExpressionAttributeValues": {
                ":delivered": {"N": str(delivered)},
                ":quantity": {"N": str(line["quantity"])},
            },
        }
    }


def _returned(line: Line) -> TransactWriteItemTypeDef:
    return {
        "Update": {
            "TableName": STOCK_TABLE,
            "Key": {"sku": {"S": line["sku"]}},
            "UpdateExpression": "SET pieces = pieces + :quantity",
            "ExpressionAttributeValues": {":quantity": {"N": str(line["quantity"])}},
        }
    }
