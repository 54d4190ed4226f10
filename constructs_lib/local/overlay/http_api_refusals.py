"""What an HTTP API refuses, it refuses as API Gateway does.

Stock answers a bad signature or a missing grant on an IAM route with the error of another protocol, an exception of its
own with the text of the exception, a preflight from another origin with 403, and never routes OPTIONS to a function.
"""

from __future__ import annotations

import logging
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.http_api_result import Response, internal_server_error, message
from constructs_lib.local.overlay.patching import Patch

_GATEWAY = "services.apigateway"
_IN_SCOPE = (
    "api_id",
    "stage",
    "path",
    "method",
    "headers",
    "body",
    "query_params",
    "owner_account_id",
    "owner_region",
    "raw_query_string",
)
_log = logging.getLogger("constructs_lib.local")


def _wrap_enforce(stock: Any) -> Any:
    def enforce(api_id: str, *rest: Any, **named: Any) -> Any:
        denied = stock(api_id, *rest, **named)
        is_http_api = base(_GATEWAY)._api_protocol(api_id) == "HTTP"
        return message(403, "Forbidden") if denied and is_http_api else denied

    return enforce


def _wrap_unauthorized(_stock: Any) -> Any:
    def unauthorized(message_text: str = "Unauthorized") -> Response:
        status, headers, body = message(401, message_text)
        return status, {**headers, "www-authenticate": "Bearer"}, body

    return unauthorized


def _wrap_forbidden(_stock: Any) -> Any:
    def forbidden(message_text: str = "Forbidden") -> Response:
        return message(403, message_text)

    return forbidden


def _wrap_preflight(stock: Any) -> Any:
    def preflight(cors_cfg: Any, origin: str) -> Response:
        status, headers, body = stock(cors_cfg, origin)
        return (204, {}, b"") if status == 403 else (status, headers, body)  # noqa: PLR2004 (as stock says no)

    return preflight


def _wrap_in_scope(stock: Any) -> Any:
    async def execute(api_id: str, stage: str, path: str, method: str, *rest: Any) -> Response:
        api = base(_GATEWAY)._apis.get(api_id) or {}
        if method == "OPTIONS" and not api.get("corsConfiguration"):
            method = "options"  # stock takes OPTIONS for a preflight; this one goes to a route like any other
        try:
            answer: Response = await stock(api_id, stage, path, method, *rest)
        except Exception:
            _log.exception("%s %s of API %s failed", method, path, api_id)
            return internal_server_error()
        return answer

    return execute


def _wrap_match(stock: Any) -> Any:
    def match(api_id: str, method: str, path: str) -> Any:
        return stock(api_id, method.upper(), path)

    return match


PATCHES = (
    Patch(
        "app",
        "_enforce_execute_api",
        ("api_id", "stage", "method", "execute_path", "headers", "query_params", "iam_action"),
        _wrap_enforce,
    ),
    Patch(_GATEWAY, "_jwt_unauthorized", ("message",), _wrap_unauthorized),
    Patch(_GATEWAY, "_jwt_forbidden", ("message",), _wrap_forbidden),
    Patch(_GATEWAY, "_cors_preflight_response", ("cors_cfg", "origin"), _wrap_preflight),
    Patch(_GATEWAY, "_handle_execute_in_scope", _IN_SCOPE, _wrap_in_scope),
    Patch(_GATEWAY, "_match_route", ("api_id", "method", "path"), _wrap_match),
)
