"""Calls of CloudWatch Logs are authorized on `log-group:NAME:log-stream:STREAM`.

What concerns the whole group has nothing behind the last colon. Stock authorizes them on `log-group:NAME`, so that the
usual grant on `NAME:*` denies a function its own log group.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from constructs_lib.local.overlay.patching import Patch

GROUP = re.compile(r"arn:[^:]+:logs:[^:]+:[^:]+:log-group:[^:]+")
ABOUT_TAGS = {"TagResource", "UntagResource", "ListTagsForResource"}  # these name a group by its bare ARN


def _wrap(stock: Any) -> Any:
    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        found: str = stock(service, method, path, headers, body, *rest)
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if service != "logs" or action in ABOUT_TAGS or GROUP.fullmatch(found) is None:
            return found
        return f"{found}:log-stream:{_stream(body)}"

    return extract_resource_arn


def _wrap_context(stock: Any) -> Any:
    def logs_service_context(action: str, body: bytes, resource_arn: str, region: str, account_id: str) -> Any:
        return stock(action, body, resource_arn.partition(":log-stream:")[0], region, account_id)  # groups have tags

    return logs_service_context


def _stream(body: bytes) -> str:
    """The stream a call names; the base has read the body as an object already."""
    name = json.loads(body).get("logStreamName")
    return name if isinstance(name, str) else ""


PATCHES = (
    Patch(
        "core.iam_actions",
        "extract_resource_arn",
        ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
        _wrap,
    ),
    Patch(
        "core.iam_actions",
        "logs_service_context",
        ("action", "body", "resource_arn", "region", "account_id"),
        _wrap_context,
    ),
)
