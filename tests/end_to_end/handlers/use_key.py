"""Logs in at a service whose one accepted key is an item of a table, with a key that is rotated meanwhile."""

import os
from typing import Any

import boto3

from constructs_lib.runtime import parameters_below, secret_value, with_secret

TABLE = os.environ["SERVICE_TABLE"]
service: Any = boto3.client("dynamodb")


class RefusedError(Exception):
    """The service does not know this key."""


def log_in(key: str) -> str:
    """Be let in, or refused."""
    item = service.get_item(TableName=TABLE, Key={"id": {"S": "key"}}, ConsistentRead=True).get("Item", {})
    if item.get("accepted", {}).get("S") != key:
        raise RefusedError
    return key[:4]


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Tell how the key begins that was accepted, and what else was wired."""
    return {
        "accepted": with_secret("SERVICE_KEY", log_in, refused=RefusedError),
        "user": secret_value("DB_USER"),
        "config": parameters_below("CONFIG"),
    }
