"""Only this machine is answered: no web page drives the embedded AWS while its visitor browses.

A browser on this machine reaches loopback, whichever page asks it to. Stock lets every page read every answer
(`Access-Control-Allow-Origin: *`), answers under any name (so that DNS rebinding works), and has doors without any
credentials: erase everything, change the server's settings, download a function's code.

The deployed APIs keep their own rules about other origins, as on AWS; the name they are asked under is checked, too.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from constructs_lib.local.overlay.base import base

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Asgi = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Any]], Awaitable[None]]

HOST = re.compile(r"(127\.0\.0\.1|\[::1\]|([a-z0-9_.-]+\.)?localhost)(:\d+)?", re.IGNORECASE)
ONCE = (b"host", b"authorization", b"origin", b"sec-fetch-site")  # repeated, each reader could pick another one
BACK_DOORS = "/_ministack"  # stock's own addresses, none of which asks for credentials
OPEN = {("GET", "/_ministack/health")}
ONE_TIME = ("/_ministack/cfn-response/", "/_ministack/cfn-signal/")  # what follows is a secret of one deployment
CORS = b"access-control-"


def wrap(inner: Asgi, app_port: int) -> Asgi:
    """Refuse what does not come from this machine before anything reads it."""

    async def application(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        on_app_port = (scope.get("server") or ("", 0))[1] == app_port
        refusal = refusal_of(scope, on_app_port=on_app_port)
        if refusal is not None:
            await _refuse(scope, receive, send, *refusal)
        elif scope["type"] != "http" or on_app_port or _is_api(scope):
            await inner(scope, receive, send)
        else:
            await inner(scope, receive, send if _is_page_for_bucket(scope) else _without_cors(send))

    return application


def refusal_of(scope: Mapping[str, Any], *, on_app_port: bool) -> tuple[int, str] | None:
    """The status and the reason a request is refused with; none when it is let in."""
    headers = _headers(scope)
    twice = next((name.decode() for name in ONCE if len(headers.get(name, ())) > 1), None)
    if twice is not None:
        return 400, f"there is more than one {twice} header"
    host = _one(headers, b"host")
    if HOST.fullmatch(host) is None:
        return 403, f"host {host!r} is not this machine: ask 127.0.0.1 or localhost"
    if on_app_port or _is_api(scope):
        return None
    origin, site = _one(headers, b"origin"), _one(headers, b"sec-fetch-site").lower()
    if origin and not _is_here(origin):
        return 403, f"origin {origin!r} is not this machine: no page of another one may call the embedded AWS"
    if not origin and site == "cross-site" and not _is_here(_one(headers, b"referer")):
        return 403, "no page of another machine may call the embedded AWS"
    path = scope["path"]
    if path.startswith(BACK_DOORS) and (scope.get("method"), path) not in OPEN and not path.startswith(ONE_TIME):
        return 404, "Not Found"
    return None


def _is_here(address: str) -> bool:
    """Whether a page's address is on this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and HOST.fullmatch(parts.netloc) is not None


def _is_api(scope: Mapping[str, Any]) -> bool:
    """Whether a deployed API or a function URL is asked, which have rules of their own."""
    app = base("app")
    host, path = _one(_headers(scope), b"host"), scope["path"]
    return app._parse_execute_api_url(host, path) is not None or app._parse_lambda_url(host, path) is not None


def _is_page_for_bucket(scope: Mapping[str, Any]) -> bool:
    """Whether a page asks a bucket, whose CORS rules the user wrote."""
    headers = {name.decode("latin-1"): values[0] for name, values in _headers(scope).items()}
    if "origin" not in headers:
        return False
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    is_bucket = base("app").detect_service(scope["method"], scope["path"], headers, query) == "s3"
    return is_bucket and base("app")._s3_cors_target(headers["host"], scope["path"]) is not None


def _without_cors(send: Callable[..., Any]) -> Callable[..., Any]:
    async def send_plain(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kept = [each for each in message.get("headers", []) if not each[0].lower().startswith(CORS)]
            message = {**message, "headers": kept}
        await send(message)

    return send_plain


async def _refuse(
    scope: Mapping[str, Any], receive: Callable[..., Any], send: Callable[..., Any], status: int, reason: str
) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    content = json.dumps({"message": reason}, separators=(",", ":")).encode()
    await base("app")._send_response(send, status, {"Content-Type": "application/json"}, content)


def _headers(scope: Mapping[str, Any]) -> dict[bytes, list[str]]:
    found: dict[bytes, list[str]] = {}
    for name, value in scope.get("headers", []):
        found.setdefault(name.lower(), []).append(value.decode("latin-1"))
    return found


def _one(headers: Mapping[bytes, list[str]], name: bytes) -> str:
    return headers.get(name, [""])[0]
