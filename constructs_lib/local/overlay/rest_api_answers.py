"""Every answer of a REST API has the ids of its request, and says what kind of refusal it is, as API Gateway's do.

Stock gives the event another request id than the answer, answers a missing grant on an IAM method with the error of
another protocol and an exception of its own with its text, takes requests of any size, breaks off where no answer can
hold what a function returned, and leaves out some `x-amzn-ErrorType`.
https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.gateway_call import Call, current
from constructs_lib.local.overlay.http_api_result import Response
from constructs_lib.local.overlay.http_api_sendable import flaw
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.rest_api_integration import bad_gateway, failure

PAYLOAD_LIMIT_BYTES = 10 * 1024 * 1024
BAD_GATEWAY, BAD_GATEWAY_STATUS = "BAD_GATEWAY", 502
ERROR_TYPES = {
    "INVALID_API_KEY": "ForbiddenException",
    "QUOTA_EXCEEDED": "LimitExceededException",
    "UNSUPPORTED_MEDIA_TYPE": "UnsupportedMediaTypeException",
    "REQUEST_TOO_LARGE": "RequestTooLargeException",
    "INTEGRATION_TIMEOUT": "InternalServerErrorException",
    "INTEGRATION_FAILURE": "InternalServerErrorException",
}  # those stock leaves out
ACCOUNT_OF_ARN = re.compile(r"(arn:aws:execute-api:[^:]*:)\d{8}(\d{4}:)")  # its first digits are not shown
_GATEWAY = "services.apigateway_v1"
_log = logging.getLogger("constructs_lib.local")


async def answer(given: dict[str, Any]) -> Response:
    """Answer one request to a stage."""
    gateway, call = base(_GATEWAY), current()
    call.request = request = {**_request(given), "given": given}
    try:
        if len(given["body"] or b"") > PAYLOAD_LIMIT_BYTES:
            request["stage"] = gateway._stages_v1.get(given["api_id"], {}).get(given["stage_name"]) or {}
            found = failure("REQUEST_TOO_LARGE", "Request Too Long")
        else:
            found = await gateway._execute_in_scope(request, *given.values())
            if isinstance(found, tuple) and (what := flaw(found[0], found[1])):
                _log.error("%s %s of API %s has no answer: %s", *_names(given), what)
                found = bad_gateway()
    except Exception:
        _log.exception("%s %s of API %s failed", *_names(given))
        request["stage"] = request["stage"] or {}
        found = failure("DEFAULT_5XX", "Internal server error")
    call.say({"resourcePath": request["resource_path"] or None})
    status, headers, body = render(found, request) if isinstance(found, gateway._GatewayError) else found
    return status, _with_ids(headers, call), body


def _request(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a gateway response can be made of; the base fills in the rest on its way."""
    return {
        "api_id": given["api_id"],
        "stage_name": given["stage_name"],
        "stage": None,
        "headers": given["headers"] or {},
        "query_params": given["query_params"] or {},
        "path_params": {},
        "resource_path": "",
        "request_id": current().request_id,
    }


def render(error: Any, request: dict[str, Any]) -> Response:
    """What API Gateway answers by itself, by the gateway responses of the API."""
    gateway, call = base(_GATEWAY), current()
    kind = error.response_type
    call.say(
        {
            "error.message": error.message,
            "error.messageString": json.dumps(error.message),
            "error.responseType": "DEFAULT_5XX" if kind == BAD_GATEWAY else kind,
        }
    )
    error_type = error.error_type or ERROR_TYPES.get(kind)
    if kind != BAD_GATEWAY:
        return _rendered(gateway._GatewayError(kind, error.message, error_type), request)
    status, headers, body = _rendered(gateway._GatewayError("DEFAULT_5XX", error.message, error_type), request)
    return (status if _has_status_of_its_own(request, "DEFAULT_5XX") else BAD_GATEWAY_STATUS), headers, body


def _rendered(error: Any, request: dict[str, Any]) -> Response:
    found: Response = base(_GATEWAY)._gateway_error_response(error, request)
    return found


def _has_status_of_its_own(request: Mapping[str, Any], kind: str) -> bool:
    gateway = base(_GATEWAY)
    deployed = gateway._deployed_gateway_responses.get(request["api_id"], {})
    customized = deployed.get(request["stage"].get("deploymentId"))
    if customized is None:
        customized = gateway._gateway_responses.get(request["api_id"], {})
    return bool((customized.get(kind) or {}).get("statusCode"))


def _with_ids(headers: dict[str, Any], call: Call) -> dict[str, Any]:
    kept = {
        name: value for name, value in headers.items() if name.lower() not in {"x-amzn-requestid", "x-amz-apigw-id"}
    }
    return {**kept, "x-amzn-requestid": call.request_id, "x-amz-apigw-id": call.extended_id}


def _names(given: Mapping[str, Any]) -> tuple[str, str, str]:
    return given["method"], given["path"], given["api_id"]


def _wrap_enforce(stock: Any) -> Any:
    def enforce(  # noqa: PLR0917 (the signature of the base)
        api_id: str,
        stage: str,
        method: str,
        execute_path: str,
        headers: Any,
        query_params: Any,
        iam_action: str = "execute-api:Invoke",
    ) -> Any:
        refusal = stock(api_id, stage, method, execute_path, headers, query_params, iam_action=iam_action)
        scope = base(_GATEWAY).find_api_scope(api_id)
        if refusal is None or scope is None:
            return refusal
        told = json.loads(refusal[2])
        if "__type" in told:  # the error of another protocol
            request = _request(
                {"api_id": api_id, "stage_name": stage, "headers": headers, "query_params": query_params}
            )
            with base("core.responses").request_scope(*scope):
                request["stage"] = base(_GATEWAY).stages_for_api(api_id).get(stage) or {}
                shown = ACCOUNT_OF_ARN.sub(r"\1********\2", told["message"])
                refusal = render(failure("ACCESS_DENIED", shown), request)
        return refusal[0], _with_ids(refusal[1], current()), refusal[2]

    return enforce


def _wrap(_stock: Any) -> Any:
    async def execute(  # noqa: PLR0917 (the signature of the base)
        api_id: str,
        stage_name: str,
        method: str,
        path: str,
        headers: Any,
        body: bytes,
        query_params: Any,
        owner_account_id: str,
        owner_region: str,
    ) -> Response:
        return await answer(
            {
                "api_id": api_id,
                "stage_name": stage_name,
                "method": method,
                "path": path,
                "headers": headers,
                "body": body,
                "query_params": query_params,
                "owner_account_id": owner_account_id,
                "owner_region": owner_region,
            }
        )

    return execute


PATCHES = (
    Patch(
        "app",
        "_enforce_execute_api",
        ("api_id", "stage", "method", "execute_path", "headers", "query_params", "iam_action"),
        _wrap_enforce,
    ),
    Patch(
        _GATEWAY,
        "_handle_execute_in_scope",
        (
            "api_id",
            "stage_name",
            "method",
            "path",
            "headers",
            "body",
            "query_params",
            "owner_account_id",
            "owner_region",
        ),
        _wrap,
    ),
)
