"""Tables on the page: their items, a page of them at a time."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from constructs_lib.local.page.asked import text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs_lib.local.page.asked import Asked
    from constructs_lib.local.page.clients import PageClients

MOST_ITEMS = 100
CELL_CHARACTERS = 120


def items(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Return a page of a table's items, each with its cells as texts and whole as JSON."""
    dynamodb, name = clients.client("dynamodb", text(asked, "region")), text(asked, "table")
    schema = dynamodb.describe_table(TableName=name)["Table"]
    told: dict[str, Any] = {"TableName": name, "Limit": whole(asked, "limit", default=50, most=MOST_ITEMS)}
    start = text(asked, "start", default="")
    if start:
        told["ExclusiveStartKey"] = json.loads(start)
    found = dynamodb.scan(**told)
    last = found.get("LastEvaluatedKey")
    return {
        "keys": [
            each["AttributeName"] for each in sorted(schema["KeySchema"], key=lambda each: each["KeyType"] != "HASH")
        ],
        "items": [_item(each) for each in found["Items"]],
        "next": json.dumps(last, default=_binary) if last else "",
    }


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: plain(value) for name, value in sorted(item.items())}
    cells = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return {
        "cells": {name: cell[:CELL_CHARACTERS] for name, cell in cells.items()},
        "json": json.dumps(values, indent=2, ensure_ascii=False),
    }


def plain(value: Mapping[str, Any]) -> Any:
    """Return the value of an attribute as JSON has it; a number that JSON would round stays a text."""
    [(kind, told)] = value.items()
    match kind:
        case "N":
            return _number(told)
        case "M":
            return {name: plain(each) for name, each in told.items()}
        case "L":
            return [plain(each) for each in told]
        case "NS":
            return sorted((_number(each) for each in told), key=str)
        case "SS":
            return sorted(told)
        case "B":
            return _binary(told)
        case "BS":
            return sorted(_binary(each) for each in told)
        case "NULL":
            return None
    return told


def _number(told: str) -> int | float | str:
    if told.lstrip("-").isdecimal():
        return int(told)
    return float(told) if repr(float(told)) == told else told


def _binary(told: object) -> str:
    content = told if isinstance(told, bytes) else bytes(getattr(told, "value", b""))
    return f"base64:{base64.b64encode(content).decode()}"
