"""A function that authorizes the calls of a REST API, and the API key that it names.

Stock invokes functions that never allowed it, reads no `Action` and no `Condition` of a policy, knows no identity
sources of the context, drops `usageIdentifierKey` and hands over half of the event.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.gateway_call import current
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.rest_api_event import Request, authorizer_event_of, context_of
from constructs_lib.local.overlay.rest_api_integration import DEFAULT_TIMEOUT_MS, failure, may_call, run

DEFAULT_SOURCE = "method.request.header.Authorization"
FROM_AUTHORIZER = "AUTHORIZER"
_GATEWAY = "services.apigateway_v1"
_AUTHORIZE = (
    "api_id",
    "stage_name",
    "method_obj",
    "method",
    "request_path",
    "resource",
    "headers",
    "body",
    "query_params",
    "path_params",
    "stage",
    "owner_account_id",
    "owner_region",
)


class RefusedError(Exception):
    """A call is not let in; the answer of API Gateway is its argument."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an authorizer said of a caller."""

    policy: Any
    context: dict[str, Any]
    api_key: str


def misconfigured() -> RefusedError:
    """The answer when the authorizer itself cannot be asked or understood."""
    return RefusedError(failure("AUTHORIZER_CONFIGURATION_ERROR", "Internal server error"))


def unauthorized() -> RefusedError:
    """The answer to a caller who says nothing of who it is."""
    return RefusedError(failure("UNAUTHORIZED", "Unauthorized"))


async def authorize(authorizer: Any, request: Request, region: str) -> dict[str, Any]:
    """What the authorizer lets the integration know of the caller.

    Raises:
        RefusedError: It does not let the call in.
    """
    gateway, call = base(_GATEWAY), current()
    arn = f"arn:aws:execute-api:{region}:{request.account_id}:{request.api_id}"
    method_arn = f"{arn}/{request.stage}/{request.method}/{request.path.lstrip('/')}"
    is_token = (authorizer.get("type") or "TOKEN").upper() == "TOKEN"
    values = _token(authorizer, request) if is_token else _sources(authorizer, request)
    ttl = gateway._authorizer_ttl(authorizer)
    if not is_token and ttl > 0 and authorizer.get("identitySource") and not all(values):
        raise unauthorized()
    key = (request.account_id, region, request.api_id, authorizer["id"], request.stage, values)
    caches = ttl > 0 and bool(values)
    hit = gateway._authorizer_cache.get(key) if caches else None
    started = time.time()
    if hit and hit[0] > started:
        verdict: Verdict = hit[1]
    else:
        event = (
            {"type": "TOKEN", "methodArn": method_arn, "authorizationToken": values[0]}
            if is_token
            else authorizer_event_of(request, call, method_arn)
        )
        verdict = await _ask(authorizer, event, f"{arn}/authorizers/{authorizer['id']}")
        if caches:
            gateway._cache_authorizer_result(key, started + ttl, verdict, None)
    latency = int((time.time() - started) * 1000)
    call.say({f"authorizer.{name}": value for name, value in verdict.context.items()})
    call.say({"authorizer.latency": latency})
    decision = _decision(verdict.policy, method_arn, request.account_id, region)
    if decision != "Allow":
        raise RefusedError(gateway._deny_error(decision == "Deny"))
    if verdict.api_key:
        call.say({"authorizer.usageIdentifierKey": verdict.api_key})
    return {**verdict.context, "integrationLatency": latency}


def _token(authorizer: Mapping[str, Any], request: Request) -> tuple[str, ...]:
    source = authorizer.get("identitySource") or DEFAULT_SOURCE
    token = base(_GATEWAY)._header_ci(request.headers, source.removeprefix("method.request.header."))
    if not token:
        raise unauthorized()
    expression = authorizer.get("identityValidationExpression")
    try:
        fits = not expression or re.fullmatch(expression, token) is not None
    except re.error as error:
        raise misconfigured() from error
    if not fits:
        raise unauthorized()
    return (token,)


def _sources(authorizer: Mapping[str, Any], request: Request) -> tuple[str, ...]:
    """The values of the identity sources; an empty text for one the request does not have."""
    named = [each.strip() for each in (authorizer.get("identitySource") or "").split(",")]
    return tuple(_source(each, request) for each in named if each)


def _source(name: str, request: Request) -> str:
    place, _, key = name.rpartition(".")
    if place == "method.request.header":
        return str(base(_GATEWAY)._header_ci(request.headers, key))
    if place == "method.request.querystring":
        return ",".join(request.query.get(key, ()))
    if place == "stageVariables":
        return str(request.stage_variables.get(key) or "")
    found: Any = context_of(request, current())
    for part in name.removeprefix("context.").split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return "" if found is None else str(found)


async def _ask(authorizer: Any, event: dict[str, Any], source: str) -> Verdict:
    gateway, functions = base(_GATEWAY), base("services.lambda_svc")
    _, _, _, region, account, _ = source.split(":", 5)
    reference = gateway._extract_lambda_ref_from_integration_uri(authorizer.get("authorizerUri", ""))
    record, configuration, _ = functions._get_func_record_for_ref_in_scope(reference, account_id=account, region=region)
    if record is None or configuration is None or not may_call(record, authorizer, reference, source):
        raise misconfigured()
    result = await run(functions._execution_record_for_config(record, configuration), event, DEFAULT_TIMEOUT_MS)
    if result is None or result.get("throttle"):
        raise RefusedError(failure("AUTHORIZER_FAILURE", None))
    answered = result.get("body")
    if result.get("error"):
        said = answered.get("errorMessage") if isinstance(answered, dict) else None
        raise unauthorized() if said == "Unauthorized" else RefusedError(failure("AUTHORIZER_FAILURE", None))
    return _verdict(answered)


def _verdict(answered: Any) -> Verdict:
    policy = answered.get("policyDocument") if isinstance(answered, dict) else None
    if not isinstance(policy, dict):
        raise misconfigured()
    context = answered.get("context") or {}
    if not isinstance(context, dict) or any(isinstance(each, dict | list) for each in context.values()):
        raise misconfigured()  # only texts, numbers and truths are passed on
    context = base(_GATEWAY)._stringify_context(context)
    principal = answered.get("principalId")
    if principal not in {None, ""}:
        context["principalId"] = str(principal)
    return Verdict(policy, context, str(answered.get("usageIdentifierKey") or ""))


def _decision(policy: Any, method_arn: str, account: str, region: str) -> str:
    """`Allow`, `Deny`, or another word when no statement speaks of the method."""
    evaluator = base("core.iam_evaluator")
    context = evaluator.EvalContext(
        principal_arn="*",
        principal_type="Anonymous",
        principal_account=account,
        action="execute-api:Invoke",
        resource_arn=method_arn,
        region=region,
    )
    try:
        statements = evaluator.parse_policy_document(json.dumps(policy))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise misconfigured() from error
    return str(evaluator.evaluate(context, [statements]).decision)


def _wrap_authorize(stock: Any) -> Any:
    async def authorize_request(*given: Any) -> tuple[Any, Any]:
        found = dict(zip(_AUTHORIZE, given, strict=True))
        current().say({"resourceId": found["resource"]["id"], "resourcePath": found["resource"]["path"]})
        if (found["method_obj"].get("authorizationType") or "NONE").upper() != "CUSTOM":
            error, context = await stock(*given)
            claims = (context or {}).get("claims") or {}
            current().say({f"authorizer.claims.{name}": value for name, value in claims.items()})
            return error, context
        authorizer = (
            base(_GATEWAY)._authorizers_v1.get(found["api_id"], {}).get(found["method_obj"].get("authorizerId"))
        )
        if authorizer is None:
            return misconfigured().args[0], None
        try:
            return None, await authorize(authorizer, _request(found), found["owner_region"])
        except RefusedError as refused:
            return refused.args[0], None

    return authorize_request


def _request(found: Mapping[str, Any]) -> Request:
    return Request(
        account_id=found["owner_account_id"],
        api_id=found["api_id"],
        stage=found["stage_name"],
        deployment_id=found["stage"].get("deploymentId") or "",
        resource_id=found["resource"]["id"],
        resource_path=found["resource"]["path"],
        method=found["method"],
        path=found["request_path"],
        headers=found["headers"],
        query=found["query_params"] or {},
        path_parameters=found["path_params"] or {},
        stage_variables=found["stage"].get("variables") or {},
    )


def _wrap_key(stock: Any) -> Any:
    def check(method_obj: Any, api_id: str, stage_name: str, headers: Any) -> tuple[Any, Any]:
        api = base(_GATEWAY)._rest_apis.get(api_id) or {}
        if api.get("apiKeySource") == FROM_AUTHORIZER:
            named = current().said.get("authorizer.usageIdentifierKey", "")
            headers = {name: value for name, value in headers.items() if name.lower() != "x-api-key"} | {
                "x-api-key": named
            }
        error, key = stock(method_obj, api_id, stage_name, headers)
        if key is not None:
            current().say({"identity.apiKey": key["value"], "identity.apiKeyId": key["id"]})
        return error, key

    return check


PATCHES = (
    Patch(_GATEWAY, "_authorize_request_v1", _AUTHORIZE, _wrap_authorize),
    Patch(_GATEWAY, "_check_api_key", ("method_obj", "api_id", "stage_name", "headers"), _wrap_key),
)
