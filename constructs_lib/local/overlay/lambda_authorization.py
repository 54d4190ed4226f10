"""Calls of Lambda's API are authorized under their own action, and invocations of a qualifier on that qualifier.

Stock asks nobody for InvokeWithResponseStream and DeleteEventSourceMapping, asks for `lambda:ListAliases` where an
alias is changed and for `lambda:UpdateFunctionCode` where provisioned concurrency is; and lets a grant on the function
alone invoke any version by the parameter `Qualifier`.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
"""

from __future__ import annotations

import re
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

# Whose action has another name than the operation.
ACTIONS = {
    "Invoke": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
    "GetLayerVersionByArn": "GetLayerVersion",
}
_INVOCATION = re.compile(r"/[0-9-]+/functions/[^/]+/(?:response-streaming-)?invocations/?")
_QUALIFIED_PARTS = 8  # of the ARN of a function with a qualifier


def _wrap_action(stock: Any) -> Any:
    def extract_iam_action(  # noqa: PLR0917 (the signature of the base)
        service: str, method: str, path: str, headers: Any, body: bytes, query_params: Any
    ) -> Any:
        if service == "lambda":
            if _INVOCATION.fullmatch(path):  # the most frequent by far
                return "lambda:InvokeFunction"
            actions = base("core.iam_actions")
            actions._BOTOCORE_SERVICE_MAP.setdefault("lambda", ["lambda"])
            operation = actions._match_rest_action("lambda", method, path, query_params)
            if operation is not None:
                return f"lambda:{ACTIONS.get(operation, operation)}"
        return stock(service, method, path, headers, body, query_params)

    return extract_iam_action


def _wrap_resource(stock: Any) -> Any:
    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        found: str = stock(service, method, path, headers, body, *rest)
        if service == "lambda" and _INVOCATION.fullmatch(path) and len(found.split(":")) < _QUALIFIED_PARTS:
            qualifier = base("services.lambda_svc")._qp_first(rest[0] or {}, "Qualifier")
            return f"{found}:{qualifier}" if qualifier else found
        return found

    return extract_resource_arn


_REQUEST = ("service", "method", "path", "headers", "body", "query_params")
PATCHES = (
    Patch("core.iam_actions", "extract_iam_action", _REQUEST, _wrap_action),
    Patch("core.iam_actions", "extract_resource_arn", (*_REQUEST, "region", "account_id"), _wrap_resource),
)
