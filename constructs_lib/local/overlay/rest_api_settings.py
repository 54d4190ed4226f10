"""The settings of REST APIs arrive from CloudFormation.

Stock makes no request validators and forgets the one of a method, the source of API keys, the access log of a stage,
the limits of single methods (of a stage and of a usage plan) and how the content of a request is converted.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGateway.html
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.http_api_settings import camel_case
from constructs_lib.local.overlay.patching import Patch

_MODULE = "services.cloudformation.provisioners"
_CREATE = ("logical_id", "props", "stack_name")
_UPDATE = ("physical_id", "old_props", "new_props", "stack_name")
Answer = tuple[str, dict[str, Any]]


def _gateway() -> Any:
    return base("services.apigateway_v1")


def _truth(value: Any) -> bool:
    return str(value).lower() == "true"


def _checked(answer: Any) -> dict[str, Any]:
    status, _, body = answer
    if status >= HTTPStatus.BAD_REQUEST:
        raise ValueError(json.loads(body).get("message", "refused"))
    found: dict[str, Any] = json.loads(body or "{}")
    return found


def _validator(props: Any) -> dict[str, Any]:
    return {
        "name": props.get("Name"),
        "validateRequestBody": _truth(props.get("ValidateRequestBody")),
        "validateRequestParameters": _truth(props.get("ValidateRequestParameters")),
    }


def _create_validator(_stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Answer:
        del logical_id, stack_name
        made = _checked(_gateway()._create_request_validator(props["RestApiId"], _validator(props)))
        return made["id"], {"RequestValidatorId": made["id"]}

    return create


def _update_validator(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str) -> Answer:
        held = _gateway()._request_validators.get(new_props["RestApiId"], {}).get(physical_id)
        if held is None or any(old_props.get(key) != new_props.get(key) for key in ("RestApiId", "Name")):
            answer: Answer = _create_validator(stock)(physical_id, new_props, stack_name)
            return answer
        held.update(_validator(new_props))
        return physical_id, {"RequestValidatorId": physical_id}

    return update


def _delete_validator(_stock: Any) -> Any:
    def delete(physical_id: str, props: Any) -> None:
        _gateway()._delete_request_validator(props.get("RestApiId", ""), physical_id)

    return delete


def _complete_method(props: Any) -> None:
    """Add to the method what stock leaves out."""
    resource = _gateway()._resources.get(props.get("RestApiId", ""), {}).get(props.get("ResourceId", "")) or {}
    method = resource.get("resourceMethods", {}).get(props.get("HttpMethod", "ANY"))
    if method is not None:
        method["requestValidatorId"] = props.get("RequestValidatorId")
        method["apiKeyRequired"] = _truth(props.get("ApiKeyRequired"))
        if method.get("methodIntegration"):
            method["methodIntegration"]["contentHandling"] = (props.get("Integration") or {}).get("ContentHandling")


def _create_method(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Answer:
        answer: Answer = stock(logical_id, props, stack_name)
        _complete_method(props)
        return answer

    return create


def _update_method(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str) -> Answer:
        answer: Answer = stock(physical_id, old_props, new_props, stack_name)
        _complete_method(new_props)
        return answer

    return update


def _complete_api(api_id: str, props: Any) -> None:
    api = _gateway()._rest_apis.get(api_id)
    if api is not None:
        api["apiKeySource"] = props.get("ApiKeySourceType") or "HEADER"
        api["endpointConfiguration"] = camel_case(props.get("EndpointConfiguration") or {"types": ["EDGE"]})
        api["disableExecuteApiEndpoint"] = _truth(props.get("DisableExecuteApiEndpoint"))


def _create_api(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Answer:
        physical_id, attributes = stock(logical_id, props, stack_name)
        _complete_api(physical_id, props)
        return physical_id, attributes

    return create


def _update_api(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Answer:
        new_id, attributes = stock(physical_id, old_props, new_props, stack_name, logical_id)
        _complete_api(new_id, new_props)
        return new_id, attributes

    return update


def method_settings(stock: Any) -> Any:
    """The settings of a method under the path it has; a template writes the slashes of the path as `~1`."""

    def settings(raw: Any) -> Any:
        return {key.removeprefix("/").replace("~1", "/"): value for key, value in stock(raw).items()}

    return settings


def _complete_stage(props: Any) -> None:
    stage = _gateway()._stages_v1.get(props.get("RestApiId", ""), {}).get(props.get("StageName", ""))
    if stage is not None:
        stage["accessLogSettings"] = camel_case(props.get("AccessLogSetting") or {})


def _create_stage(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Answer:
        answer: Answer = stock(logical_id, props, stack_name)
        _complete_stage(props)
        return answer

    return create


def _update_stage(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str) -> Answer:
        answer: Answer = stock(physical_id, old_props, new_props, stack_name)
        _complete_stage(new_props)
        return answer

    return update


def plan_body(stock: Any) -> Any:
    """A usage plan with the limits of single methods under the names of the API."""

    def body(props: Any) -> Any:
        found = stock(props)
        for stage in found["apiStages"]:
            limits = stage.get("throttle") or {}
            stage["throttle"] = {name: camel_case(each) for name, each in limits.items()}
        return found

    return body


def _handler(resource: str, action: str) -> str:
    return f"_RESOURCE_HANDLERS/AWS::ApiGateway::{resource}/{action}"


PATCHES = (
    Patch(_MODULE, _handler("RequestValidator", "create"), _CREATE, _create_validator),
    Patch(_MODULE, _handler("RequestValidator", "update"), _UPDATE, _update_validator),
    Patch(_MODULE, _handler("RequestValidator", "delete"), ("physical_id", "props"), _delete_validator),
    Patch(_MODULE, _handler("Method", "create"), _CREATE, _create_method),
    Patch(_MODULE, _handler("Method", "update"), _UPDATE, _update_method),
    Patch(_MODULE, _handler("RestApi", "create"), _CREATE, _create_api),
    Patch(_MODULE, _handler("RestApi", "update"), (*_UPDATE, "logical_id"), _update_api),
    Patch(_MODULE, _handler("Stage", "create"), _CREATE, _create_stage),
    Patch(_MODULE, _handler("Stage", "update"), _UPDATE, _update_stage),
    Patch(_MODULE, "_apigw_method_settings", ("raw",), method_settings),
    Patch(_MODULE, "_apigw_usage_plan_body", ("props",), plan_body),
)
