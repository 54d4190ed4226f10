"""What a template says of a function's concurrency and loops; and settings that Lambda refuses are refused.

Stock drops `ReservedConcurrentExecutions` and `RecursiveLoop` of a template, and takes any name, timeout, memory,
runtime, variable and reserve, and aliases of versions that are not there.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.function_limits import Refusal, refusal_of, reserved_refusal
from constructs_lib.local.overlay.patching import Patch

_PROVISIONERS = "services.cloudformation.provisioners"
_FUNCTION, _ALIAS = "_RESOURCE_HANDLERS/AWS::Lambda::Function", "_RESOURCE_HANDLERS/AWS::Lambda::Alias"


def _refuse(properties: Mapping[str, Any], name: str) -> None:
    refused = refusal_of(properties) or reserved_refusal(name, properties.get("ReservedConcurrentExecutions"))
    if refused is not None:
        raise ValueError(refused.message)


def _apply(name: str, properties: Mapping[str, Any]) -> None:
    function = base("services.lambda_svc")._functions[name]
    reserved = properties.get("ReservedConcurrentExecutions")
    function["concurrency"] = None if reserved is None else int(reserved)
    function["recursive_loop"] = properties.get("RecursiveLoop") or "Terminate"


def _wrap_create(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        _refuse(props, "")
        physical_id, attributes = stock(logical_id, props, stack_name)
        _apply(physical_id, props)
        return physical_id, attributes

    return create


def _wrap_update(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Any:
        _refuse(new_props, physical_id)
        new_id, attributes = stock(physical_id, old_props, new_props, stack_name, logical_id)
        _apply(new_id, new_props)
        return new_id, attributes

    return update


def _wrap_alias(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        function, _, _ = base("services.lambda_svc")._get_base_func_record_for_ref(props.get("FunctionName", ""))
        weights = (props.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or []
        others = [each.get("FunctionVersion") for each in weights if isinstance(each, dict)]
        missing = _missing_version(function, [props.get("FunctionVersion"), *others])
        if missing is not None:
            raise ValueError(missing.message)
        return stock(logical_id, props, stack_name)

    return create


def _wrap_api_create(stock: Any) -> Any:
    def create_function(data: Any) -> Any:
        refused = refusal_of(data)
        return stock(data) if refused is None else refused.answer()

    return create_function


def _wrap_api_update(stock: Any) -> Any:
    def update_config(name: str, data: Any) -> Any:
        refused = refusal_of({key: value for key, value in data.items() if key != "FunctionName"})
        return stock(name, data) if refused is None else refused.answer()

    return update_config


def _wrap_api_reserve(stock: Any) -> Any:
    def put_function_concurrency(func_name: str, data: Any) -> Any:
        refused = reserved_refusal(func_name, data.get("ReservedConcurrentExecutions"))
        return stock(func_name, data) if refused is None else refused.answer()

    return put_function_concurrency


def _wrap_api_alias(stock: Any) -> Any:
    def create_alias(func_name: str, data: Any) -> Any:
        return _alias_refusal(func_name, data) or stock(func_name, data)

    return create_alias


def _wrap_api_alias_update(stock: Any) -> Any:
    def update_alias(func_name: str, alias_name: str, data: Any) -> Any:
        return _alias_refusal(func_name, data) or stock(func_name, alias_name, data)

    return update_alias


def _alias_refusal(name: str, data: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes] | None:
    weights = (data.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    function = base("services.lambda_svc")._functions.get(name)
    missing = _missing_version(function, [data.get("FunctionVersion"), *weights])
    if missing is None:
        return None
    _, headers, body = missing.answer()
    return 404, headers, body


def _missing_version(function: Any, versions: list[Any]) -> Refusal | None:
    if function is None:
        return None
    for version in versions:
        if version is not None and str(version) != "$LATEST" and str(version) not in function["versions"]:
            arn = function["config"]["FunctionArn"]
            return Refusal(f"Function not found: {arn}:{version}", "ResourceNotFoundException")
    return None


PATCHES = (
    Patch(_PROVISIONERS, f"{_FUNCTION}/create", ("logical_id", "props", "stack_name"), _wrap_create),
    Patch(
        _PROVISIONERS,
        f"{_FUNCTION}/update",
        ("physical_id", "old_props", "new_props", "stack_name", "logical_id"),
        _wrap_update,
    ),
    Patch(_PROVISIONERS, f"{_ALIAS}/create", ("logical_id", "props", "stack_name"), _wrap_alias),
    Patch("services.lambda_svc", "_create_function", ("data",), _wrap_api_create),
    Patch("services.lambda_svc", "_update_config", ("name", "data"), _wrap_api_update),
    Patch("services.lambda_svc", "_put_function_concurrency", ("func_name", "data"), _wrap_api_reserve),
    Patch("services.lambda_svc", "_create_alias", ("func_name", "data"), _wrap_api_alias),
    Patch("services.lambda_svc", "_update_alias", ("func_name", "alias_name", "data"), _wrap_api_alias_update),
)
