"""Answer with what came through the gateway."""

import json
from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Tell the body and the path."""
    told = {"path": event["path"], "body": json.loads(event["body"] or "null"), "variables": event["pathParameters"]}
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "access-control-allow-origin": "https://app.example.com"},
        "body": json.dumps(told),
    }
