"""The port of the deployed APIs: every HTTP and REST API answers at the root of one address, as if it had a domain.

A request goes to the API whose route it matches best, by the rules API Gateway has within one API. Where two match
alike, or to be sure, `/_api/<api id>/...` and `<api name>.localhost` reach one API. The request itself stays as it was
sent, so a signature made for this address verifies.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from constructs_lib.local.overlay import control, dated, header_names, loopback_only, rest_targets, role_session
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.request_journal import journaled
from constructs_lib.local.overlay.trace import begin_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    Asgi = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Any]], Awaitable[None]]

ONE_API = "/_api/"
DEFAULT_STAGE = "$default"
NOT_FOUND = 404
MISDIRECTED = 421  # "not able to produce an authoritative response": which API was meant is not known
BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Target:
    """One API and stage, and how much of the path it is asked with."""

    api_id: str
    stage: str
    stage_in_path: str = ""


def wrap(inner: Asgi, app_port: int, key: str) -> Asgi:
    """Put the front door in front of the base: requests on `app_port` are for the deployed APIs.

    Whoever shows `key` on the other port is given the credentials of functions.
    """

    async def application(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        on_app_port = (scope.get("server") or ("", 0))[1] == app_port
        begin_request(scope, is_traced=False)
        if scope["type"] == "http" and on_app_port:
            await journaled(_answer, scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == role_session.PATH:
            await role_session.answer(scope, send, key)
        elif scope["type"] == "http" and scope["path"].startswith(control.PREFIX):
            await control.answer(scope, receive, send, key)
        else:
            await inner(scope, receive, send)

    return header_names.wrap(loopback_only.wrap(application, app_port))


async def _answer(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    app = base("app")
    send = dated.wrap(send)
    try:
        query = scope.get("query_string", b"").decode("ascii")
    except UnicodeDecodeError:
        await _send(send, BAD_REQUEST, "Bad Request")
        return
    query_params = parse_qs(query, keep_blank_values=True)
    headers = headers_of(scope)
    method, path, raw_path = scope["method"], scope["path"], _raw_path(scope)
    _enter_request(scope, headers, query_params, raw_path)

    prefix, targets = targets_of(headers, method, path)
    if len(targets) != 1:
        await _refuse(send, method, path, targets)
        return
    try:
        body = await app._read_request_body(receive, method, headers)
    except app._RequestBodyDisconnected:
        return
    except app._IncompleteRequestBody:
        await _send(send, BAD_REQUEST, "Bad Request")
        return
    target = targets[0]
    skipped = prefix + target.stage_in_path
    rest = path.removeprefix(skipped) or "/"
    raw_rest = raw_path.removeprefix(skipped) or "/" if raw_path.startswith(skipped) else quote(rest)
    address = f"/_aws/execute-api/{target.api_id}/{target.stage}"
    status, answered, content = await app._handle_execute_api_request(
        "",
        address + rest,
        method,
        headers,
        body,
        query_params,
        raw_path=address + raw_rest,
        raw_query_string=query,
    )
    await app._send_response(send, status, answered, content, head=method == "HEAD")


def _enter_request(
    scope: dict[str, Any], headers: dict[str, str], query_params: Mapping[str, list[str]], raw_path: str
) -> None:
    """Say who asks, as the base does for its own requests, so that the call is checked as that caller's."""
    app, router, responses = base("app"), base("core.router"), base("core.responses")
    client = (scope.get("client") or ("127.0.0.1",))[0]
    responses.set_request_client_ip(client)
    key = router.extract_access_key_id(headers, query_params)
    if app.AUTH:
        app.pin_request_origin(client, True)  # loopback counts as TLS, as it does on the other port
        app.pin_signed_request(scope["method"], raw_path, query_params, scope.get("headers", []))
    if key:
        responses.set_request_account_id(app._request_account_scope(key) if app.AUTH else key)
    responses.set_request_region(router.extract_region(headers, query_params))


def targets_of(headers: Mapping[str, str], method: str, path: str) -> tuple[str, list[Target]]:
    """The APIs a request may be for, and what of the path only served to say so."""
    if path.startswith(ONE_API):
        api_id = path.removeprefix(ONE_API).partition("/")[0]
        prefix = ONE_API + api_id
        return prefix, _in_one_api(api_id, path.removeprefix(prefix))
    named = _api_of_host(headers.get("host", ""))
    if named is not None:
        return "", _in_one_api(named, path)
    return "", _best_matches(headers, method, path)


def _in_one_api(api_id: str, path: str) -> list[Target]:
    for module in ("services.apigateway_v1", "services.apigateway"):
        stages = base(module).stages_for_api(api_id)
        first = path.lstrip("/").partition("/")[0]
        if first in stages:
            return [Target(api_id, first, f"/{first}")]
        if DEFAULT_STAGE in stages:
            return [Target(api_id, DEFAULT_STAGE)]
    return []


def _api_of_host(host: str) -> str | None:
    """The API that `<api id>.execute-api.localhost` or `<api name>.localhost` names."""
    label, _, rest = host.partition(":")[0].lower().partition(".")
    if rest == "execute-api.localhost":
        return label
    if rest == "localhost":
        named = [(api["name"], api["apiId"]) for api in _http_apis()]
        named += [(api["name"], api["id"]) for api in rest_targets.apis()]
        return next((api_id for name, api_id in named if host_label(name) == label), label)
    return None


def host_label(api_name: str) -> str:
    """Return the part of a host name that stands for an API of this name."""
    return re.sub(r"[^a-z0-9-]+", "-", api_name.lower()).strip("-")


def _best_matches(headers: Mapping[str, str], method: str, path: str) -> list[Target]:
    """Every API whose best route for the request is as specific as any other's.

    A preflight goes to the API that answers the method it announces, if that API answers preflights; otherwise it is a
    request like any other, for a route that takes OPTIONS. What no API has a route for goes to the REST API whose stage
    begins the path.
    """
    rest = [
        (each.rank, Target(each.api_id, each.stage, f"/{each.stage}")) for each in rest_targets.targets(method, path)
    ]
    ranked = [(rank, target) for rank, target in rest if rank is not None]
    announced = headers.get("access-control-request-method", "").upper() if method == "OPTIONS" else ""
    found: list[Target] = []
    if announced:
        with_cors = [api for api in _http_apis() if api.get("corsConfiguration")]
        found = _best_of([*_ranked(with_cors, announced, path), *ranked])
    return found or _best_of([*_ranked(_http_apis(), method, path), *ranked]) or [target for _, target in rest]


def _ranked(apis: Iterable[dict[str, Any]], method: str, path: str) -> list[tuple[tuple[Any, ...], Target]]:
    return [
        (rank, target)
        for api in apis
        for target in _stages_for(api["apiId"], path)
        if (rank := _rank(api["apiId"], method, path.removeprefix(target.stage_in_path) or "/")) is not None
    ]


def _best_of(ranked: list[tuple[tuple[Any, ...], Target]]) -> list[Target]:
    best = max((rank for rank, _ in ranked), default=None)
    return [target for rank, target in ranked if rank == best]


def _http_apis() -> Iterator[dict[str, Any]]:
    account = base("core.responses").get_account_id()
    for (owner, _, _), api in base("services.apigateway")._apis.all_items():
        if owner == account and api.get("protocolType") == "HTTP":
            yield api


def _stages_for(api_id: str, path: str) -> Iterator[Target]:
    stages = base("services.apigateway").stages_for_api(api_id)
    for stage in stages:
        if stage == DEFAULT_STAGE:
            yield Target(api_id, stage)
        elif path == f"/{stage}" or path.startswith(f"/{stage}/"):
            yield Target(api_id, stage, f"/{stage}")


def _rank(api_id: str, method: str, path: str) -> tuple[Any, ...] | None:
    """How specific the route is that this API answers the request with; none when it has no such route."""
    gateway = base("services.apigateway")
    with base("core.responses").request_scope(*gateway.find_api_scope(api_id)):
        route = gateway._match_route(api_id, method, "/" + path.lstrip("/"))
    if route is None:
        return None
    if route["routeKey"] == DEFAULT_STAGE:  # the catch-all route has the same name as the stage
        return (0,)
    route_method, _, route_path = route["routeKey"].partition(" ")
    return (1, *gateway._route_specificity(route_method, route_path))


async def _refuse(send: Callable[..., Any], method: str, path: str, targets: list[Target]) -> None:
    if not targets:
        await _send(send, NOT_FOUND, "Not Found")
        return
    ways = " or ".join(sorted(f"{ONE_API}{target.api_id}{path}" for target in targets))
    await _send(send, MISDIRECTED, f"{len(targets)} APIs have a route for {method} {path}: ask {ways}")


async def _send(send: Callable[..., Any], status: int, message: str) -> None:
    content = json.dumps({"message": message}, separators=(",", ":")).encode()
    await base("app")._send_response(send, status, {"Content-Type": "application/json"}, content)


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """The headers as the base keeps them: lower case, repeated ones joined."""
    decode = base("core.sigv4").decode_header_value
    headers: dict[str, str] = {}
    for name, value in scope.get("headers", []):
        key, text = name.decode("latin-1").lower(), decode(value)
        headers[key] = headers[key] + ("; " if key == "cookie" else ", ") + text if key in headers else text
    return headers


def _raw_path(scope: Mapping[str, Any]) -> str:
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.decode("latin-1")
