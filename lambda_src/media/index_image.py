"""An image changed in the table: make it findable by its words. Calls dynamodb:PutItem and dynamodb:DeleteItem.

An image's words are those of its key and stay the same for its whole life: a change is written over what is there.
Doing so twice, or removing twice, has the effect of once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from constructs_lib.runtime import Change, Record, stream_worker

from .words import words_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

dynamodb: DynamoDBClient = boto3.client(
    "dynamodb", config=Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard"})
)
SEARCH_TABLE = os.environ["SEARCH_TABLE"]


@stream_worker
def handler(record: Record[Any]) -> None:
    """Index one change."""
    index(record.body)


def index(change: Change) -> None:
    """Write one entry for each word of the image, or remove them with the image."""
    key = str(change.keys["key"])
    for word in words_of(key):
        entry = {"word": {"S": word}, "key": {"S": key}}
        if change.kind == "REMOVE":
            dynamodb.delete_item(TableName=SEARCH_TABLE, Key=entry)
        else:
            dynamodb.put_item(TableName=SEARCH_TABLE, Item={**entry, "thumbnail": {"S": str(change.new["thumbnail"])}})
