"""Rotates the key of a service whose one accepted key is an item of a table: `change` needs the one before."""

import os
from typing import Any

import boto3

from constructs_lib.runtime import rotation

TABLE = os.environ["SERVICE_TABLE"]
service: Any = boto3.client("dynamodb")


class RefusedError(Exception):
    """The service does not know this key."""


def test(key: str) -> None:
    """Log in."""
    item = service.get_item(TableName=TABLE, Key={"id": {"S": "key"}}, ConsistentRead=True).get("Item", {})
    if item.get("accepted", {}).get("S") != key:
        raise RefusedError


def change(new: str, current: str) -> None:
    """Log in with the current key, and set the new one; a service that knows no key yet takes any."""
    service.put_item(
        TableName=TABLE,
        Item={"id": {"S": "key"}, "accepted": {"S": new}},
        ConditionExpression="attribute_not_exists(id) OR accepted = :current",
        ExpressionAttributeValues={":current": {"S": current}},
    )


handler = rotation(change=change, test=test)
