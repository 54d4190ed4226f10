"""A REST API calls its function as API Gateway does.

Stock answers the error of a function with its text, takes any result for an answer, calls functions that never allowed
it and waits without limit. The event has `version`, the first value of repeated parameters, no identity but the address
a header claims, and the names of headers in lower case.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from constructs_lib.local.overlay import invoke_permission, reused_threads
from constructs_lib.local.overlay.authority import is_enforced, service_denial
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.gateway_call import current
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.rest_api_event import Request, event_of
from constructs_lib.local.overlay.rest_api_result import MalformedError, response_of

DEFAULT_TIMEOUT_MS = 29_000
EVENT_LIMIT_BYTES = 6 * 1024 * 1024  # of Lambda; API Gateway itself takes 10 MB
SERVICE = "apigateway.amazonaws.com"
_GATEWAY = "services.apigateway_v1"
_PARAMETERS = (
    "integration",
    "api_id",
    "stage_name",
    "stage",
    "resource",
    "request_path",
    "method",
    "headers",
    "body",
    "query_params",
    "path_params",
    "owner_account_id",
    "owner_region",
    "binary_media_types",
    "authorizer_context",
    "caller_identity",
)
_log = logging.getLogger("constructs_lib.local")


def failure(response_type: str, message: str | None) -> Any:
    """What API Gateway answers by itself; the gateway responses of the API decide how."""
    return base(_GATEWAY)._GatewayError(response_type, message)


def bad_gateway() -> Any:
    """The answer to a function that failed or that returned no answer."""
    return base(_GATEWAY)._GatewayError("BAD_GATEWAY", "Internal server error", "InternalServerErrorException")


def may_call(record: Any, integration: Any, reference: str, source: str) -> bool:
    """Whether API Gateway may invoke the function for a method or authorizer.

    Args:
        record: The function as the base stores it.
        integration: The integration or authorizer; one with a role of its own is not asked.
        reference: The ARN of the function, with its qualifier.
        source: The ARN of the method or authorizer.
    """
    if not is_enforced() or integration.get("credentials") or integration.get("authorizerCredentials"):
        return True
    account = source.split(":")[4]
    policy = record.get("policy") or {}
    if service_denial(SERVICE, invoke_permission.ACTION, reference, source, account, policy=policy):
        _log.warning("%s may not be invoked by API Gateway from %s: it has no such permission", reference, source)
        return False
    return True


async def run(record: Any, event: Any, limit_ms: int) -> Any:
    """Run a function for an API; nothing when it takes longer than the API waits, though it goes on, as on AWS."""
    functions = base("services.lambda_svc")
    execute = functions._execute_function_with_config_scope
    try:
        return await reused_threads.run_within(limit_ms / 1000, execute, record, event)
    except reused_threads.LateError:
        return None


def request_of(given: dict[str, Any]) -> Request:
    """The request as the event wants it, out of what the base knows."""
    headers = given["headers"]
    media_type = base(_GATEWAY)._header_ci(headers, "content-type")
    identity = dict(given["caller_identity"] or {})
    for name in ("apiKey", "apiKeyId"):
        if f"identity.{name}" in current().said:
            identity[name] = current().said[f"identity.{name}"]
    return Request(
        account_id=given["owner_account_id"],
        api_id=given["api_id"],
        stage=given["stage_name"],
        deployment_id=given["stage"].get("deploymentId") or "",
        resource_id=given["resource"]["id"],
        resource_path=given["resource"]["path"],
        method=given["method"],
        path=given["request_path"],
        headers=headers,
        query=given["query_params"] or {},
        path_parameters=given["path_params"] or {},
        stage_variables=given["stage"].get("variables") or {},
        body=given["body"] or b"",
        is_binary=base(_GATEWAY)._media_type_matches(media_type, given["binary_media_types"]),
        identity=identity,
        authorizer=given["authorizer_context"],
    )


async def invoke(given: dict[str, Any]) -> Any:
    """Call the function of an integration and answer as the API would."""
    gateway, functions = base(_GATEWAY), base("services.lambda_svc")
    integration, account, region = given["integration"], given["owner_account_id"], given["owner_region"]
    reference = gateway._extract_lambda_ref_from_integration_uri(integration.get("uri", ""))
    record, configuration, _ = functions._get_func_record_for_ref_in_scope(reference, account_id=account, region=region)
    resource = given["resource"]["path"]
    if record is None or configuration is None:
        _log.warning("%s of API %s calls a function that does not exist: %s", resource, given["api_id"], reference)
        return failure("API_CONFIGURATION_ERROR", "Internal server error")
    if not may_call(record, integration, reference, method_source(given)):
        return failure("API_CONFIGURATION_ERROR", "Internal server error")
    event = event_of(request_of(given), current())
    if len(json.dumps(event)) > EVENT_LIMIT_BYTES:
        return failure("REQUEST_TOO_LARGE", "Request Too Long")
    limit = int(integration.get("timeoutInMillis") or DEFAULT_TIMEOUT_MS)
    result = await run(functions._execution_record_for_config(record, configuration), event, limit)
    if result is None:
        return failure("INTEGRATION_TIMEOUT", "Endpoint request timed out")
    current().say({"integration.integrationStatus": 200, "integration.status": 200, "integrationStatus": 200})
    if result.get("throttle"):
        return failure("DEFAULT_5XX", "Internal server error")
    if result.get("error"):
        return bad_gateway()
    accepted = gateway._header_ci(given["headers"], "accept").partition(",")[0]
    decodes = gateway._media_type_matches(accepted, given["binary_media_types"])
    try:
        return response_of(result.get("body"), decodes=decodes)
    except MalformedError as error:
        _log.warning("%s of API %s has a malformed answer: %s", resource, given["api_id"], error)
        return bad_gateway()


def method_source(given: Mapping[str, Any]) -> str:
    """The ARN of a method, as it stands in the permission of its function: parameters of the path are stars."""
    parts = ["*" if part.startswith("{") else part for part in given["resource"]["path"].split("/")]
    arn = f"arn:aws:execute-api:{given['owner_region']}:{given['owner_account_id']}:{given['api_id']}"
    return f"{arn}/{given['stage_name']}/{given['method']}{'/'.join(parts)}"


def _wrap(_stock: Any) -> Any:
    async def invoke_lambda_proxy(  # noqa: PLR0917 (the signature of the base)
        integration: Any,
        api_id: str,
        stage_name: str,
        stage: Any,
        resource: Any,
        request_path: str,
        method: str,
        headers: Any,
        body: bytes,
        query_params: Any,
        path_params: Any,
        **named: Any,
    ) -> Any:
        positional = (
            integration, api_id, stage_name, stage, resource, request_path, method, headers, body, query_params,
            path_params,
        )  # fmt: skip
        return await invoke(dict(zip(_PARAMETERS, positional, strict=False)) | named)

    return invoke_lambda_proxy


PATCHES = (Patch(_GATEWAY, "_invoke_lambda_proxy_v1", _PARAMETERS, _wrap),)
