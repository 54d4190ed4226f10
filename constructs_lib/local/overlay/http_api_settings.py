"""The CORS settings of an HTTP API and the route settings of its stage arrive from CloudFormation.

Stock stores them under CloudFormation's names (`AllowOrigins`) and reads them under the API's (`allowOrigins`), so that
every preflight is refused and the throttling of a stage is lost.
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.patching import Patch

_MODULE = "services.cloudformation.provisioners"
_API = "_RESOURCE_HANDLERS/AWS::ApiGatewayV2::Api"


def camel_case(value: Any) -> Any:
    """The same settings under the names of the API."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: each for name, each in value.items()}
    return value


def _with_cors(props: Any) -> Any:
    cors = camel_case(props.get("CorsConfiguration"))
    if not cors:
        return props
    if "maxAge" in cors:
        cors["maxAge"] = int(cors["maxAge"])
    if "allowCredentials" in cors:
        cors["allowCredentials"] = str(cors["allowCredentials"]).lower() == "true"
    return {**props, "CorsConfiguration": cors}


def _wrap_create(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        return stock(logical_id, _with_cors(props), stack_name)

    return create


def _wrap_update(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Any:
        return stock(physical_id, _with_cors(old_props), _with_cors(new_props), stack_name, logical_id)

    return update


def _wrap_stage(stock: Any) -> Any:
    def stage_props(props: Any) -> Any:
        stage = stock(props)
        stage["defaultRouteSettings"] = camel_case(stage["defaultRouteSettings"])
        stage["routeSettings"] = {route: camel_case(each) for route, each in (stage["routeSettings"] or {}).items()}
        return stage

    return stage_props


PATCHES = (
    Patch(_MODULE, f"{_API}/create", ("logical_id", "props", "stack_name"), _wrap_create),
    Patch(
        _MODULE, f"{_API}/update", ("physical_id", "old_props", "new_props", "stack_name", "logical_id"), _wrap_update
    ),
    Patch(_MODULE, "_apigw_v2_stage_props", ("props",), _wrap_stage),
)
