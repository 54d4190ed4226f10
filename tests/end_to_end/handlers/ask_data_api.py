"""Asks the database who it is, over HTTPS."""

from __future__ import annotations

import os
from typing import Any

import boto3

client = boto3.client("rds-data")


def handler(event: dict[str, Any], _context: object) -> str:
    answered = client.execute_statement(
        resourceArn=os.environ["DATABASE_CLUSTER"],
        secretArn=event.get("secret") or os.environ["DATABASE_SECRET"],
        database=os.environ["DATABASE_NAME"],
        sql="SELECT current_user::text",
    )
    return str(answered["records"][0][0]["stringValue"])
