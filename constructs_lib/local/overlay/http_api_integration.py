"""An HTTP API calls its function as API Gateway does.

Stock answers 502 with the error and its stack trace where AWS answers 500 "Internal Server Error"; answers 200 for
malformed results, or fails; calls functions that never allowed it; waits without limit; hands invalid UTF-8 over as
text; leaves `cookies` out of the event and sends `null` for what is absent.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from constructs_lib.local.overlay import http_api_format_1, invoke_permission, reused_threads
from constructs_lib.local.overlay.authority import service_denial
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.gateway_call import current
from constructs_lib.local.overlay.http_api_event import Request, event_of
from constructs_lib.local.overlay.http_api_result import Response, internal_server_error, message, response_of
from constructs_lib.local.overlay.patching import Patch

DEFAULT_TIMEOUT_MS = 30_000
EVENT_LIMIT_BYTES = 6 * 1024 * 1024  # of Lambda; API Gateway itself takes 10 MB
_THROTTLED = 429
SERVICE = "apigateway.amazonaws.com"

_log = logging.getLogger("constructs_lib.local")


async def invoke(integration: Any, request: Request, *, owner: tuple[str, str]) -> Response:
    """Call the function of an integration and answer as the API would.

    Args:
        integration: The integration as the base stores it.
        request: The request.
        owner: Account and region of the API.
    """
    functions = base("services.lambda_svc")
    account, region = owner
    uri = integration.get("integrationUri", "")
    reference = base("services.apigateway")._extract_lambda_ref_from_integration_uri(uri)
    record, configuration, _ = functions._get_func_record_for_ref_in_scope(reference, account_id=account, region=region)
    if record is None or configuration is None:
        _log.warning("%s of API %s calls a function that does not exist: %s", request.route_key, request.api_id, uri)
        return internal_server_error()
    if not integration.get("credentialsArn"):
        source = source_of(owner, request.api_id, request.stage, request.method, request.route_key)
        policy = record.get("policy") or {}
        if service_denial(SERVICE, invoke_permission.ACTION, reference, source, account, policy=policy):
            _log.warning("%s may not be invoked by API Gateway from %s: it has no such permission", reference, source)
            return internal_server_error()
    is_first_format = integration.get("payloadFormatVersion") == http_api_format_1.VERSION
    event = http_api_format_1.event_of(request) if is_first_format else event_of(request)
    if len(json.dumps(event)) > EVENT_LIMIT_BYTES:
        return message(413, "Request Entity Too Large")
    execution = functions._execution_record_for_config(record, configuration)
    limit = int(integration.get("timeoutInMillis") or DEFAULT_TIMEOUT_MS) / 1000
    try:
        result = await reused_threads.run_within(limit, functions._execute_function_with_config_scope, execution, event)
    except reused_threads.LateError:
        return message(503, "Service Unavailable")  # the function goes on, as on AWS
    current().say({"integration.integrationStatus": 200, "integration.status": 200, "integrationStatus": 200})
    if result.get("throttle"):
        return message(_THROTTLED, "Too Many Requests")
    if result.get("error"):
        return internal_server_error()
    answer = http_api_format_1.response_to if is_first_format else response_of
    return answer(result.get("body"))


def source_of(owner: tuple[str, str], api_id: str, stage: str, method: str, route_key: str) -> str:
    """The ARN of what calls the function, which its policy has to let in."""
    account, region = owner
    route = route_key.partition(" ")[2] or "$default"
    path = route if route.startswith("/") else f"/{route}"
    return f"arn:aws:execute-api:{region}:{account}:{api_id}/{stage}/{method}{path}"


def _wrap(_stock: Any) -> Any:
    async def invoke_lambda_proxy(  # noqa: PLR0917 (the signature of the base)
        integration: Any,
        api_id: str,
        stage: str,
        path: str,
        method: str,
        headers: Any,
        body: bytes,
        query_params: Any,
        route_key: str = "$default",
        path_params: Any = None,
        *,
        authorizer_claims: Any = None,
        authorizer_scopes: Any = None,
        authorizer_lambda_context: Any = None,
        authorizer_iam: Any = None,
        owner_account_id: Any = None,
        owner_region: Any = None,
        raw_query_string: Any = None,
    ) -> Response:
        gateway, responses = base("services.apigateway"), base("core.responses")
        authorizer: dict[str, Any] | None = None
        if authorizer_claims is not None:
            claims = {name: gateway._jwt_claim_to_string(value) for name, value in authorizer_claims.items()}
            authorizer = {"jwt": {"claims": claims, "scopes": authorizer_scopes or None}}
        elif authorizer_lambda_context is not None:
            authorizer = {"lambda": authorizer_lambda_context}
        elif authorizer_iam is not None:
            authorizer = {"iam": authorizer_iam}
        request = Request(
            request_id=current().request_id,
            account_id=responses.get_account_id(),
            api_id=api_id,
            stage=stage,
            route_key=route_key,
            method=method.upper(),
            path=path,
            raw_query_string=gateway._raw_query_string(query_params, raw_query_string),
            headers=headers,
            query=query_params or {},
            body=body or b"",
            source_ip=responses.get_request_client_ip() or "127.0.0.1",
            path_parameters=path_params or {},
            stage_variables=gateway._get_stage_variables(api_id, stage),
            authorizer=authorizer,
        )
        return await invoke(integration, request, owner=(owner_account_id, owner_region))

    return invoke_lambda_proxy


PATCHES = (
    Patch(
        "services.apigateway",
        "_invoke_lambda_proxy",
        (
            "integration",
            "api_id",
            "stage",
            "path",
            "method",
            "headers",
            "body",
            "query_params",
            "route_key",
            "path_params",
            "authorizer_claims",
            "authorizer_scopes",
            "authorizer_lambda_context",
            "authorizer_iam",
            "owner_account_id",
            "owner_region",
            "raw_query_string",
        ),
        _wrap,
    ),
)
