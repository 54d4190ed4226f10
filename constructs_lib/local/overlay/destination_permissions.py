"""A destination of asynchronous invocations is refused where the role of the function may not tell it.

Stock asks no role. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
from typing import Any

from constructs_lib.local.overlay.authority import Role, here
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.delivery import ACTIONS, service_of
from constructs_lib.local.overlay.patching import Patch


def _wrap(stock: Any) -> Any:
    def put_event_invoke_config(func_name: str, qualifier: Any, data: Any) -> Any:
        problem = _problem(func_name, data.get("DestinationConfig") or {})
        if not problem:
            return stock(func_name, qualifier, data)
        told = {"__type": "InvalidParameterValueException", "Type": "User", "message": problem}
        headers = {"Content-Type": "application/json", "x-amzn-errortype": "InvalidParameterValueException"}
        return 400, headers, json.dumps(told).encode()

    return put_event_invoke_config


def _problem(name: str, destinations: Any) -> str:
    function = base("services.lambda_svc")._functions.get(name)
    if function is None:
        return ""
    role = Role(function["config"].get("Role") or "", "awslambda")
    _, region = here()
    for outcome in ("OnSuccess", "OnFailure"):
        target = (destinations.get(outcome) or {}).get("Destination") or ""
        action = ACTIONS.get(service_of(target), "")
        if action and (denial := role.denial(action, target, region=region, is_use=False)):
            verb = action.partition(":")[2]
            told = f"The function's execution role {role.arn} does not have permissions to call {verb} on {target}"
            return f"{told}: {denial}"
    return ""


PATCHES = (Patch("services.lambda_svc", "_put_event_invoke_config", ("func_name", "qualifier", "data"), _wrap),)
