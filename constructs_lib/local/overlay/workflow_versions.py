"""Workflows list the versions of a function, and remove them.

Stock's tasks call a few operations of Lambda, these not among them.
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

FUNCTIONS = "/2015-03-31/functions/"
OPERATIONS = {"listVersionsByFunction": ("GET", "/versions"), "deleteFunction": ("DELETE", "")}
OF_THE_PATH = "FunctionName"


def _wrap(stock: Any) -> Any:
    def dispatch(service_info: Any, service_name: str, action: str, input_data: Any) -> Any:
        if action not in OPERATIONS:
            return stock(service_info, service_name, action, input_data)
        method, below = OPERATIONS[action]
        path = f"{FUNCTIONS}{quote(str(input_data.get(OF_THE_PATH, '')), safe=':')}{below}"
        asked = {name: [str(value)] for name, value in input_data.items() if name != OF_THE_PATH}
        app, workflows = base("app"), base("services.stepfunctions")
        handler = app.SERVICE_HANDLERS["lambda"]
        # As stock does: the account of the execution, where the base looks for it.
        account, region = base("core.responses").get_account_id(), base("core.responses").get_region()
        credential = f"AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/lambda/aws4_request"
        status, _, body = app.call_service_handler_sync(
            handler, method, path, {"authorization": credential}, b"", asked
        )
        told = json.loads(body) if body else {}
        if status >= 400:  # noqa: PLR2004 - it is refused
            raise workflows._ExecutionError(
                workflows._prefix_sdk_error(service_name, told.get("__type") or "ServiceException"),
                told.get("message") or told.get("Message") or "",
            )
        return told

    return dispatch


PATCHES = (
    Patch(
        "services.stepfunctions",
        "_dispatch_aws_sdk_lambda_rest",
        ("service_info", "service_name", "action", "input_data"),
        _wrap,
    ),
)
