"""The throttling of the stages and routes of HTTP APIs.

Stock stores it, without effect.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.gateway_call import current
from constructs_lib.local.overlay.http_api_result import Response, message
from constructs_lib.local.overlay.patching import Patch

ACCOUNT_LIMITS = {"throttlingRateLimit": 10_000.0, "throttlingBurstLimit": 5_000}  # what a region grants by default
_GATEWAY = "services.apigateway"


def limits_of(stage: Mapping[str, Any], route_key: str) -> Mapping[str, Any] | None:
    """The limits of a route, or those every route of the stage has; none when neither says anything."""
    for settings in ((stage.get("routeSettings") or {}).get(route_key), stage.get("defaultRouteSettings")):
        told = {name: each for name, each in (settings or {}).items() if name in ACCOUNT_LIMITS and each is not None}
        if told:
            return {**ACCOUNT_LIMITS, **told}
    return None


def _wrap(stock: Any) -> Any:
    async def execute(api_id: str, stage: str, path: str, method: str, *rest: Any) -> Response:
        gateway = base(_GATEWAY)
        settings = gateway._stages.get(api_id, {}).get(stage) or {}
        if any(settings.get(each) for each in ("routeSettings", "defaultRouteSettings", "accessLogSettings")):
            route = gateway._match_route(api_id, method, "/" + path.lstrip("/"))
            if route is not None:
                current().say({"routeKey": route["routeKey"]})
                limits = limits_of(settings, route["routeKey"])
                if limits is not None and not take(api_id, stage, route["routeKey"], limits):
                    return message(429, "Too Many Requests")
        answer: Response = await stock(api_id, stage, path, method, *rest)
        return answer

    return execute


def take(api_id: str, stage: str, route_key: str, limits: Mapping[str, Any]) -> bool:
    """Count a request to a route; whether its limits let it pass."""
    rates = {
        "rateLimit": float(limits["throttlingRateLimit"]),
        "burstLimit": float(limits["throttlingBurstLimit"]),
    }
    return bool(base("services.apigateway_v1")._take_token(("http", api_id, stage, route_key), rates))


PATCHES = (
    Patch(
        _GATEWAY,
        "_handle_execute_in_scope",
        ("api_id", "stage", "path", "method", "headers", "body", "query_params", "owner_account_id", "owner_region",
         "raw_query_string"),
        _wrap,
    ),
)  # fmt: skip
