"""A function that authorizes the calls of an HTTP API is asked as API Gateway asks it.

Stock invokes functions that never allowed it and tells the integration and the access log nothing of the call's ids.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.gateway_call import current, request_time
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.rest_api_integration import may_call

_GATEWAY = "services.apigateway"
_AUTHORIZE = (
    "api_id",
    "stage",
    "route",
    "method",
    "path",
    "resource_path",
    "headers",
    "query_params",
    "path_params",
    "stage_vars",
    "owner_account_id",
    "owner_region",
    "raw_query_string",
)


def _wrap_invoke(stock: Any) -> Any:
    async def invoke(authorizer: Any, event: Any, account_id: str, region: str) -> Any:
        """Nothing is what stock answers for an authorizer that cannot be asked."""
        reference = base(_GATEWAY)._extract_lambda_ref_from_integration_uri(authorizer.get("authorizerUri", ""))
        record, _, _ = base("services.lambda_svc")._get_func_record_for_ref_in_scope(
            reference, account_id=account_id, region=region
        )
        api_id = event["requestContext"]["apiId"]
        source = f"arn:aws:execute-api:{region}:{account_id}:{api_id}/authorizers/{authorizer.get('authorizerId')}"
        role = {"authorizerCredentials": authorizer.get("authorizerCredentialsArn")}
        if record is None or not may_call(record, role, reference, source):
            return None
        return await stock(authorizer, _complete(event), account_id, region)

    return invoke


def _complete(event: dict[str, Any]) -> dict[str, Any]:
    """The event with what is known of the call, and without what the call does not have."""
    call = current()
    context = dict(event["requestContext"])
    context |= {"domainName": call.host, "domainPrefix": call.host.partition(".")[0].partition(":")[0]}
    context |= {"requestId": call.request_id}
    if event.get("version") != "2.0":
        return {**event, "version": "1.0", "requestContext": {**context, "requestTime": request_time(call)}}
    context |= {"time": request_time(call), "timeEpoch": int(call.started * 1000)}
    context["http"] = {**context["http"], "sourceIp": call.source_ip}
    headers = dict(event["headers"])
    cookies = [each for each in headers.pop("cookie", "").split("; ") if each]
    found = {**event, "headers": headers, "requestContext": context, **({"cookies": cookies} if cookies else {})}
    return {name: value for name, value in found.items() if value is not None}


def _wrap_authorize(stock: Any) -> Any:
    async def authorize(*given: Any, **named: Any) -> tuple[Any, Any]:
        refusal, context = await stock(*given, **named)
        current().say({f"authorizer.{name}": value for name, value in (context or {}).items()})
        return refusal, context

    return authorize


PATCHES = (
    Patch(_GATEWAY, "_invoke_request_authorizer_lambda", ("authorizer", "event", "account_id", "region"), _wrap_invoke),
    Patch(_GATEWAY, "_authorize_request_v2", _AUTHORIZE, _wrap_authorize),
)
