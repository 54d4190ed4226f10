"""What a template says of a function's concurrency and loops, and what Lambda refuses of its variables.

Stock drops `ReservedConcurrentExecutions` and `RecursiveLoop` of a template, and takes variables of any size and name.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from constructs_lib.local.executor.variables import RESERVED
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

VARIABLES_LIMIT_BYTES = 4096
_TYPE = "_RESOURCE_HANDLERS/AWS::Lambda::Function"
# Lambda lets a function set these itself, though it sets them too.
_SETTABLE = frozenset({"AWS_LAMBDA_LOG_LEVEL", "LAMBDA_RUNTIME_DIR", "_X_AMZN_TRACE_ID"})


def _variables_problem(data: Mapping[str, Any]) -> str:
    """Why Lambda does not take the variables; empty when it does."""
    variables = (data.get("Environment") or {}).get("Variables") or {}
    told = (
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
    )
    reserved = [name for name in variables if name in RESERVED - _SETTABLE]
    if reserved:
        used = ", ".join(reserved)
        return (
            f"{told}contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {used}"
        )
    if sum(len(f"{name}{value}".encode()) for name, value in variables.items()) > VARIABLES_LIMIT_BYTES:
        measured = json.dumps(variables, separators=(",", ":"))
        return f"{told}exceeded the 4KB limit. String measured: {measured}"
    return ""


def _refusal(problem: str) -> tuple[int, dict[str, str], bytes]:
    told = {"Type": "User", "message": problem}
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "InvalidParameterValueException"}
    return 400, headers, json.dumps(told).encode()


def _apply(name: str, properties: Mapping[str, Any]) -> None:
    function = base("services.lambda_svc")._functions[name]
    reserved = properties.get("ReservedConcurrentExecutions")
    function["concurrency"] = None if reserved is None else int(reserved)
    function["recursive_loop"] = properties.get("RecursiveLoop") or "Terminate"


def _wrap_create(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        if problem := _variables_problem(props):
            raise ValueError(problem)
        physical_id, attributes = stock(logical_id, props, stack_name)
        _apply(physical_id, props)
        return physical_id, attributes

    return create


def _wrap_update(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Any:
        if problem := _variables_problem(new_props):
            raise ValueError(problem)
        new_id, attributes = stock(physical_id, old_props, new_props, stack_name, logical_id)
        _apply(new_id, new_props)
        return new_id, attributes

    return update


def _wrap_api_create(stock: Any) -> Any:
    def create_function(data: Any) -> Any:
        problem = _variables_problem(data)
        return _refusal(problem) if problem else stock(data)

    return create_function


def _wrap_api_update(stock: Any) -> Any:
    def update_config(name: str, data: Any) -> Any:
        problem = _variables_problem(data)
        return _refusal(problem) if problem else stock(name, data)

    return update_config


PATCHES = (
    Patch(
        "services.cloudformation.provisioners",
        f"{_TYPE}/create",
        ("logical_id", "props", "stack_name"),
        _wrap_create,
    ),
    Patch(
        "services.cloudformation.provisioners",
        f"{_TYPE}/update",
        ("physical_id", "old_props", "new_props", "stack_name", "logical_id"),
        _wrap_update,
    ),
    Patch("services.lambda_svc", "_create_function", ("data",), _wrap_api_create),
    Patch("services.lambda_svc", "_update_config", ("name", "data"), _wrap_api_update),
)
