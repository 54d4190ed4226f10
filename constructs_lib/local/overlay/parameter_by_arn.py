"""`ssm:GetParameter` is authorized on the parameter that is read, also when it is named by its ARN.

Stock appends the whole ARN to `parameter/`, and looks at no name at all for `GetParameters` and at no path for
`GetParametersByPath`, so that a grant on exactly that denies all three. `further_checks.py` asks for the other names.
"""

from __future__ import annotations

import json
from typing import Any

from constructs_lib.local.overlay.patching import Patch

NAME = "arn:aws:ssm:{region}:{account}:parameter/{name}"


def _wrap(stock: Any) -> Any:
    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        _, region, account_id = rest
        arns = parameter_arns(body, region, account_id) if service == "ssm" else []
        found: str = arns[0] if arns else stock(service, method, path, headers, body, *rest)
        return found

    return extract_resource_arn


def parameter_arns(body: bytes, region: str, account: str) -> list[str]:
    """The ARN of every parameter, or of the path, that a request names."""
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return []
    if not isinstance(told, dict):
        return []
    names = told.get("Names")
    named = names if isinstance(names, list) else [told.get("Name") or told.get("Path")]
    return [_arn(each, region, account) for each in named if isinstance(each, str) and each]


def _arn(name: str, region: str, account: str) -> str:
    if name.startswith("arn:"):
        return ":".join(name.split(":")[:6])  # a version or label after the ARN is no part of it
    return NAME.format(region=region, account=account, name=name.partition(":")[0].lstrip("/"))


PATCHES = (
    Patch(
        "core.iam_actions",
        "extract_resource_arn",
        ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
        _wrap,
    ),
)
