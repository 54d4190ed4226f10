"""The end of a task, and its heartbeat, are authorized on the state machine whose execution waits for them.

Stock knows no resource for `SendTaskSuccess`, `SendTaskFailure` and `SendTaskHeartbeat`, so that a grant on exactly
that state machine denies them. AWS's denials name the state machine, though its list of actions has no resource there.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
"""

from __future__ import annotations

import json
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch


def _wrap(stock: Any) -> Any:
    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        found: str = stock(service, method, path, headers, body, *rest)
        if service != "states" or ".SendTask" not in headers.get("x-amz-target", ""):
            return found
        _, region, account_id = rest
        waiting = base("services.stepfunctions")._task_tokens.get_scoped(account_id, region, _token(body)) or {}
        return str(waiting.get("machine") or found)

    return extract_resource_arn


def _token(body: bytes) -> str:
    """The token a call sends; the base has read the body as an object already."""
    token = json.loads(body).get("taskToken")
    return token if isinstance(token, str) else ""


PATCHES = (
    Patch(
        "core.iam_actions",
        "extract_resource_arn",
        ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
        _wrap,
    ),
)
