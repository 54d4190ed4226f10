"""What a REST API answers for what a function returned.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from constructs_lib.local.overlay.http_api_result import HIGHEST_STATUS, LOWEST_STATUS, Response

KNOWN = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
REMAPPED = frozenset({"authorization", "connection", "content-length", "date", "server", "www-authenticate"})
DROPPED = frozenset({"transfer-encoding"})  # API Gateway frames the answer itself


class MalformedError(Exception):
    """A result that is no answer."""


def response_of(result: Any, *, decodes: bool) -> Response:
    """The answer for a result.

    Args:
        result: What the function returned.
        decodes: Whether the caller accepts a media type that the API takes for binary.

    Raises:
        MalformedError: The result is not an object with a status, texts for headers and a text for a body.
    """
    if not isinstance(result, dict):
        raise MalformedError("the result is no object")
    unknown = sorted(result.keys() - KNOWN)
    if unknown:
        raise MalformedError(f"the result has {', '.join(unknown)}")
    return _status(result.get("statusCode")), _headers(result), _content(result, decodes=decodes)


def _status(found: Any) -> int:
    """The status; a result without one is answered with 200."""
    if found is None:
        return 200
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        raise MalformedError("statusCode is no number")
    try:
        status = int(found)
    except ValueError as error:
        raise MalformedError("statusCode is no number") from error
    if not LOWEST_STATUS <= status <= HIGHEST_STATUS:
        raise MalformedError("statusCode is no status")
    return status


def _headers(result: Mapping[str, Any]) -> dict[str, Any]:
    """Headers and their lists in one; where both have a name, only the list counts."""
    headers: dict[str, Any] = {"Content-Type": "application/json"}
    for name, value in _mapping(result, "headers").items():
        if value is not None:
            _set(headers, name, _text(name, value))
    for name, values in _mapping(result, "multiValueHeaders").items():
        if not isinstance(values, list):
            raise MalformedError(f"multiValueHeaders.{name} is no list")
        if values:
            _set(headers, name, [_text(name, each) for each in values])
    return headers


def _set(headers: dict[str, Any], name: str, value: Any) -> None:
    lower = name.lower()
    if lower in DROPPED:
        return
    if lower in REMAPPED:
        name = f"x-amzn-Remapped-{name}"
    for known in [each for each in headers if each.lower() == name.lower()]:
        del headers[known]
    headers[name] = value


def _mapping(result: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = result.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise MalformedError(f"{key} is no object")
    return found


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise MalformedError(f"header {name} is no text")
    return str(value)


def _content(result: Mapping[str, Any], *, decodes: bool) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedError("body is no text")
    if not (result.get("isBase64Encoded") and decodes):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedError("body is no base64") from error
