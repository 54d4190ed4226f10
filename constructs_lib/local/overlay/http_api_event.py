"""The event an HTTP API hands to a function, in payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/javascript"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request that reached a route."""

    request_id: str
    account_id: str
    api_id: str
    stage: str
    route_key: str
    method: str
    path: str
    raw_query_string: str
    headers: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes
    source_ip: str
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    stage_variables: Mapping[str, str] = field(default_factory=dict)
    authorizer: Mapping[str, Any] | None = None


def event_of(request: Request) -> dict[str, Any]:
    """The event; what a request does not have is left out rather than null."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    cookies = [each for each in headers.pop("cookie", "").split("; ") if each]
    host = headers.get("host", "")
    headers.setdefault("x-forwarded-for", request.source_ip)
    headers.setdefault("x-forwarded-port", host.rpartition(":")[2] if ":" in host else "80")
    headers.setdefault("x-forwarded-proto", "http")
    path = request.path if request.stage == "$default" else f"/{request.stage}{request.path}"
    now = time.time()
    context: dict[str, Any] = {
        "accountId": request.account_id,
        "apiId": request.api_id,
        "domainName": host,
        "domainPrefix": host.partition(".")[0].partition(":")[0],
        "http": {
            "method": request.method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request.request_id,
        "routeKey": request.route_key,
        "stage": request.stage,
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }
    if request.authorizer is not None:
        context["authorizer"] = dict(request.authorizer)
    body, is_base64 = body_of(request.body, headers.get("content-type", ""))
    optional = {
        "cookies": cookies,
        "queryStringParameters": {name: ",".join(values) for name, values in request.query.items()},
        "pathParameters": dict(request.path_parameters),
        "stageVariables": dict(request.stage_variables),
        "body": body,
    }
    return {
        "version": "2.0",
        "routeKey": request.route_key,
        "rawPath": path,
        "rawQueryString": request.raw_query_string,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": is_base64,
        **{name: value for name, value in optional.items() if value},
    }


def body_of(body: bytes, content_type: str) -> tuple[str, bool]:
    """Text as it is if its type says so and it is valid UTF-8, anything else in base64."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type.startswith("text/") or media_type in _TEXT_TYPES:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode("ascii"), bool(body)
