"""Places an order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
from shared import money
from . import tax

try:
    import orjson
except ImportError:
    orjson = None

if TYPE_CHECKING:
    from types_for_the_editor import Context


def handler(event: dict, context: Context) -> dict:
    return {"total": money.total(event["amount"]) + tax.of(event["amount"]), "json": json.dumps({}), "fast": bool(orjson)}
