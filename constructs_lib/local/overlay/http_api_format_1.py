"""Payload format 1.0 of HTTP APIs: the event a function gets, and what may be answered to it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay.http_api_event import body_of
from constructs_lib.local.overlay.http_api_result import internal_server_error, response_of

if TYPE_CHECKING:
    from constructs_lib.local.overlay.http_api_event import Request
    from constructs_lib.local.overlay.http_api_result import Response

VERSION = "1.0"
NOBODY = dict.fromkeys(
    ("accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType",
     "cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "user", "userArn"),
)  # fmt: skip


def event_of(request: Request) -> dict[str, Any]:
    """The event; what a request does not have is null rather than left out."""
    headers = {**request.headers}
    lower = {name.lower(): value for name, value in headers.items()}
    path = request.path if request.stage == "$default" else f"/{request.stage}{request.path}"
    resource = request.route_key.partition(" ")[2] or request.route_key
    body, is_base64 = body_of(request.body, lower.get("content-type", ""))
    return {
        "version": VERSION,
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in request.query.items()} or None,
        "multiValueQueryStringParameters": {name: list(values) for name, values in request.query.items()} or None,
        "requestContext": _context(request, lower, path, resource),
        "pathParameters": dict(request.path_parameters) or None,
        "stageVariables": dict(request.stage_variables) or None,
        "body": body or None,
        "isBase64Encoded": is_base64,
    }


def _context(request: Request, headers: dict[str, str], path: str, resource: str) -> dict[str, Any]:
    now, host = time.time(), headers.get("host", "")
    context: dict[str, Any] = {
        "accountId": request.account_id,
        "apiId": request.api_id,
        "domainName": host,
        "domainPrefix": host.partition(".")[0].partition(":")[0],
        "extendedRequestId": request.request_id,
        "httpMethod": request.method,
        "identity": {**NOBODY, "sourceIp": request.source_ip, "userAgent": headers.get("user-agent", "")},
        "path": path,
        "protocol": "HTTP/1.1",
        "requestId": request.request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": request.route_key,
        "resourcePath": resource,
        "stage": request.stage,
    }
    authorizer = dict(request.authorizer or {})
    if "jwt" in authorizer:
        context["authorizer"] = authorizer["jwt"]
    elif "lambda" in authorizer:
        context["authorizer"] = authorizer["lambda"]
    elif "iam" in authorizer:
        known = {name: value for name, value in authorizer["iam"].items() if name in NOBODY}
        context["identity"] = {**context["identity"], **known}
    return context


def response_to(result: Any) -> Response:
    """The answer for a result, which must have a status; its headers may have several values."""
    if not isinstance(result, dict) or "statusCode" not in result:
        return internal_server_error()
    several = result.get("multiValueHeaders")
    told = {name: value for name, value in result.items() if name not in {"cookies", "multiValueHeaders"}}
    status, headers, content = response_of(told)
    if several is None or (status, content) == (internal_server_error()[0], internal_server_error()[2]):
        return status, headers, content
    if not isinstance(several, dict) or not all(isinstance(each, list) for each in several.values()):
        return internal_server_error()
    for name, values in several.items():
        for known in [each for each in headers if each.lower() == name.lower()]:
            del headers[known]
        headers[name] = [str(each) for each in values]
    if any("\r" in each or "\n" in each for values in several.values() for each in map(str, values)):
        return internal_server_error()
    return status, headers, content
