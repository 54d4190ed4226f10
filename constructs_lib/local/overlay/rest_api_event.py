"""The event a REST API hands to a function, and to an authorizer of type REQUEST.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from constructs_lib.local.overlay import header_names
from constructs_lib.local.overlay.gateway_call import Call, request_time

NOT_FORWARDED = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"})
NOBODY: Mapping[str, None] = dict.fromkeys(
    (
        "accessKey",
        "accountId",
        "caller",
        "cognitoAuthenticationProvider",
        "cognitoAuthenticationType",
        "cognitoIdentityId",
        "cognitoIdentityPoolId",
        "principalOrgId",
        "user",
        "userArn",
    )
)  # of the identity of a caller who did not sign


@dataclass(frozen=True, slots=True)
class Request:
    """One request that reached a method."""

    account_id: str
    api_id: str
    stage: str
    deployment_id: str
    resource_id: str
    resource_path: str
    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    path_parameters: Mapping[str, str]
    stage_variables: Mapping[str, str]
    body: bytes = b""
    is_binary: bool = False
    identity: Mapping[str, Any] = field(default_factory=dict)
    authorizer: Mapping[str, Any] | None = None


def event_of(request: Request, call: Call) -> dict[str, Any]:
    """The event of a function; what a request does not have is null."""
    body, is_base64 = _body(request)
    return {
        "resource": request.resource_path,
        "path": request.path,
        "httpMethod": request.method,
        **_parameters(request, call),
        "requestContext": context_of(request, call),
        "body": body,
        "isBase64Encoded": is_base64,
    }


def authorizer_event_of(request: Request, call: Call, method_arn: str) -> dict[str, Any]:
    """The event of an authorizer, which sees no body."""
    return {
        "type": "REQUEST",
        "methodArn": method_arn,
        "resource": request.resource_path,
        "path": request.path,
        "httpMethod": request.method,
        **_parameters(request, call),
        "requestContext": context_of(request, call),
    }


def context_of(request: Request, call: Call) -> dict[str, Any]:
    """What API Gateway knows of the request beside its content."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    identity = {**NOBODY, "sourceIp": call.source_ip, "userAgent": headers.get("user-agent"), **request.identity}
    context = {
        "resourceId": request.resource_id,
        "resourcePath": request.resource_path,
        "httpMethod": request.method,
        "extendedRequestId": call.extended_id,
        "requestTime": request_time(call),
        "path": f"/{request.stage}{request.path}",
        "accountId": request.account_id,
        "protocol": "HTTP/1.1",
        "stage": request.stage,
        "domainPrefix": call.host.partition(".")[0].partition(":")[0],
        "requestTimeEpoch": int(call.started * 1000),
        "requestId": call.request_id,
        "identity": identity,
        "domainName": call.host,
        "deploymentId": request.deployment_id,
        "apiId": request.api_id,
    }
    if request.authorizer is not None:
        context["authorizer"] = dict(request.authorizer)
    return context


def _parameters(request: Request, call: Call) -> dict[str, Any]:
    headers = _headers(request, call)
    query = {name: list(values) for name, values in request.query.items()}
    return {
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(request.path_parameters) or None,
        "stageVariables": dict(request.stage_variables) or None,
    }


def _headers(request: Request, call: Call) -> dict[str, list[str]]:
    """Each header with all its values, under the name it was first sent with, and those API Gateway adds."""
    names: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for name, value in header_names.as_sent() or list(request.headers.items()):
        if name.lower() not in NOT_FORWARDED:
            found.setdefault(names.setdefault(name.lower(), name), []).append(value)
    port = call.host.rpartition(":")[2] if ":" in call.host else "80"
    added = {
        "X-Amzn-Trace-Id": call.trace,
        "X-Forwarded-For": call.source_ip,
        "X-Forwarded-Port": port,
        "X-Forwarded-Proto": "http",
    }
    for name, value in added.items():
        if name.lower() not in names:
            found[name] = [value]
    return found


def _body(request: Request) -> tuple[str | None, bool]:
    if not request.body:
        return None, False
    if request.is_binary:
        return base64.b64encode(request.body).decode("ascii"), True
    return request.body.decode("utf-8", "replace"), False
