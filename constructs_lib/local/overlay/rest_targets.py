"""Which REST APIs a request to the one port may be for.

A REST API always has its stage in the path. One whose stage begins the path answers what no API has a route for, with
the refusal that API Gateway gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.overlay.base import base

GREEDY = re.compile(r"\{[^}]+\+\}")
_GATEWAY = "services.apigateway_v1"


@dataclass(frozen=True, slots=True)
class RestTarget:
    """A stage of a REST API, and how specific its resource for the request is; none when it has no such resource."""

    api_id: str
    stage: str
    rank: tuple[Any, ...] | None


def targets(method: str, path: str) -> Iterator[RestTarget]:
    """Every stage that the path begins with."""
    for api in apis():
        for stage in base(_GATEWAY).stages_for_api(api["id"]):
            if path == f"/{stage}" or path.startswith(f"/{stage}/"):
                yield RestTarget(api["id"], stage, _rank(api["id"], method, path.removeprefix(f"/{stage}")))


def apis() -> Iterator[dict[str, Any]]:
    """The REST APIs of this account."""
    account = base("core.responses").get_account_id()
    for (owner, _, _), api in base(_GATEWAY)._rest_apis.all_items():
        if owner == account:
            yield api


def _rank(api_id: str, method: str, path: str) -> tuple[Any, ...] | None:
    """How specific the resource is, on the same scale as the routes of HTTP APIs."""
    gateway = base(_GATEWAY)
    segments = [each for each in path.split("/") if each]
    with base("core.responses").request_scope(*gateway.find_api_scope(api_id)):
        resource, _ = gateway._match_resource_tree(api_id, segments)
        if not _serves(resource, method):
            resource, _ = gateway._match_greedy_fallback(api_id, segments, method)
    if not _serves(resource, method):
        return None
    named = method if method in resource["resourceMethods"] else "ANY"
    route = GREEDY.sub("{proxy+}", resource["path"])
    return (1, *base("services.apigateway")._route_specificity(named, route))


def _serves(resource: Any, method: str) -> bool:
    methods = (resource or {}).get("resourceMethods") or {}
    return method in methods or "ANY" in methods
