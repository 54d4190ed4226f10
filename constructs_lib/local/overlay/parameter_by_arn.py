"""`ssm:GetParameter` is authorized on the parameter that is read, also when it is named by its ARN.

Stock appends the whole ARN to `parameter/`, and looks at no name at all for `GetParameters`, so that a grant on exactly
that parameter denies both. (Of several names in one `GetParameters` the first is the one that is checked.)
"""

from __future__ import annotations

import json
from typing import Any

from constructs_lib.local.overlay.patching import Patch

NAME = "arn:aws:ssm:{region}:{account}:parameter/{name}"


def _wrap(stock: Any) -> Any:
    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        _, region, account_id = rest
        name = _parameter_name(body) if service == "ssm" else ""
        if name.startswith("arn:"):
            return ":".join(name.split(":")[:6])  # a version or label after the ARN is no part of it
        if name:
            return NAME.format(region=region, account=account_id, name=name.partition(":")[0].lstrip("/"))
        found: str = stock(service, method, path, headers, body, *rest)
        return found

    return extract_resource_arn


def _parameter_name(body: bytes) -> str:
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    names = told.get("Names")
    name = names[0] if isinstance(names, list) and names else told.get("Name")
    return name if isinstance(name, str) else ""


PATCHES = (
    Patch(
        "core.iam_actions",
        "extract_resource_arn",
        ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
        _wrap,
    ),
)
