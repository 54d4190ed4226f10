"""What an HTTP API answers for what a function returned, in payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

Response = tuple[int, dict[str, Any], bytes]

JSON_TYPE = {"Content-Type": "application/json"}
TEXT_TYPE = {"Content-Type": "text/plain;charset=UTF-8"}
LOWEST_STATUS, HIGHEST_STATUS = 100, 599


def message(status: int, text: str) -> Response:
    """An answer of API Gateway's own."""
    return status, dict(JSON_TYPE), json.dumps({"message": text}, separators=(",", ":")).encode()


def internal_server_error() -> Response:
    """What a caller sees of anything that went wrong behind the API: nothing."""
    return message(500, "Internal Server Error")


def response_of(result: Any) -> Response:
    """The answer for a result; a malformed one is a failure of the integration."""
    if isinstance(result, str):
        return 200, dict(JSON_TYPE), result.encode("utf-8", "surrogatepass")
    if not isinstance(result, dict) or "statusCode" not in result:
        text = json.dumps(result, separators=(",", ":"), ensure_ascii=False)
        return 200, dict(JSON_TYPE), text.encode("utf-8", "surrogatepass")
    try:
        return _structured(result)
    except (TypeError, ValueError, binascii.Error):
        return internal_server_error()


def _structured(result: Mapping[str, Any]) -> Response:
    status = result["statusCode"]
    if isinstance(status, bool) or not isinstance(status, int | str):
        raise TypeError("statusCode is no number")
    number = int(status)
    if not LOWEST_STATUS <= number <= HIGHEST_STATUS:
        raise ValueError("statusCode is no status")
    headers: dict[str, Any] = dict(TEXT_TYPE)
    for name, value in _mapping(result.get("headers")).items():
        for known in [each for each in headers if each.lower() == name.lower()]:
            del headers[known]
        headers[name] = _header(value)
    cookies = result.get("cookies")
    if cookies is not None:
        if not isinstance(cookies, list) or not all(isinstance(each, str) for each in cookies):
            raise TypeError("cookies is no list of texts")
        named = [name for name in headers if name.lower() == "set-cookie"]
        headers["Set-Cookie"] = [*cookies, *(headers.pop(name) for name in named)]
    body = result.get("body")
    if body is None:
        body = ""
    if not isinstance(body, str):
        raise TypeError("body is no text")
    content = body.encode("utf-8", "surrogatepass")
    if result.get("isBase64Encoded"):
        content = base64.b64decode(content, validate=True)
    return number, headers, content


def _mapping(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError("headers is no object")
    return value


def _header(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise TypeError("a header is no text")
    text = str(value)
    if "\r" in text or "\n" in text:
        raise ValueError("a header has a line break")
    return text
