"""What is remembered of a route of an HTTP API, and whether it is still true.

A plan holds copies of everything it was made of: the API, its stage, route and integration, and the function with its
settings, policy, versions and aliases. Before each use they are compared with what is stored at that moment, so
whatever writes there, by whichever way, is heeded by the very next request. https://docs.python.org/3/library/copy.html
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from constructs_lib.local.executor.runtimes import runs_here
from constructs_lib.local.overlay import (
    front_door,
    http_api_format_1,
    http_api_limits,
    invoke_permission,
    rest_targets,
)
from constructs_lib.local.overlay.alias_routing import has_weights
from constructs_lib.local.overlay.authority import is_enforced
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.http_api_integration import DEFAULT_TIMEOUT_MS, SERVICE, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from constructs_lib.local.executor.function import Function

MOST_PLANS = 1024
_HTTP, _REST, _LAMBDA = "services.apigateway", "services.apigateway_v1", "services.lambda_svc"


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Stored:
    """Something the base has stored, as it was.

    Args:
        store: Where.
        key: Its key, with account and region.
        inner: Its key within that; empty when it is all of it.
        value: What it was.
    """

    store: dict[Any, Any]
    key: tuple[str, str, str]
    inner: str
    value: Any

    @classmethod
    def now(cls, store: Any, key: tuple[str, str, str], inner: str = "") -> Stored:
        """Copy it; plans that were made of the same share one copy."""
        known = _copies.get((id(store), *key, inner))
        if known is not None and known.store is store._data and known.is_same():
            return known
        found = store._data.get(key)
        copied = cls(store._data, key, inner, copy.deepcopy((found or {}).get(inner) if inner else found))
        _copies[id(store), *key, inner] = copied
        return copied

    def is_same(self) -> bool:
        """Whether it still is."""
        found = self.store.get(self.key)
        if self.inner and found is not None:
            found = found.get(self.inner)
        return bool(found == self.value)


_copies: WeakValueDictionary[tuple[Any, ...], Stored] = WeakValueDictionary()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Plan:
    """What becomes of a request to a route that hands it to a function.

    Args:
        api_id: The API.
        stage: Its stage.
        route_key: Its route.
        owner: Account and region of the API.
        settings: The stage.
        limits: How often the route may be asked; none when it says nothing.
        cors: How other origins are answered; none when nothing says so.
        seconds: How long the function may take.
        reference: The function, as the API calls it.
        record: The function as the base runs it.
        function: The function as the executor runs it.
        reserved: The concurrency reserved for it, if any.
        is_enforced: Whether IAM was on.
        sources: What all this was read from.
    """

    api_id: str
    stage: str
    route_key: str
    owner: tuple[str, str]
    settings: Mapping[str, Any]
    limits: Mapping[str, Any] | None
    cors: Mapping[str, Any] | None
    seconds: float
    reference: str
    record: dict[str, Any]
    function: Function
    reserved: int | None
    is_enforced: bool
    sources: tuple[Stored, ...]

    def is_true(self) -> bool:
        """Whether all of it still is as it was."""
        return self.is_enforced == is_enforced() and all(each.is_same() for each in self.sources)

    def may_run_now(self) -> bool:
        """Whether no limit of concurrency is reached."""
        functions = base(_LAMBDA)
        most = functions._ACCOUNT_CONCURRENCY_CAP
        if most > 0 and functions._inflight_total >= most:
            return False
        if self.reserved is None:
            return True
        busy: int = functions._inflight.get(functions._inflight_key(self.record["config"]), 0)
        return busy < self.reserved

    def take_slot(self) -> Any:
        """Count the request; the unit of concurrency it holds from now on, or nothing where a limit is reached."""
        if self.limits is not None and not http_api_limits.take(self.api_id, self.stage, self.route_key, self.limits):
            return None
        slot, _ = base(_LAMBDA)._acquire_execution_slot(self.record, self.record["config"])
        return slot

    @staticmethod
    def give_back_slot(slot: Any) -> None:
        """End what `take_slot` began; nothing, where that was nothing."""
        base(_LAMBDA)._release_execution_slot(slot)


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one request.

    Args:
        plan: What becomes of it.
        path: Its path within the stage.
        parameters: What the route takes from the path.
    """

    plan: Plan
    path: str
    parameters: Mapping[str, str]


_plans: dict[tuple[str, ...], Plan] = {}  # by API, stage, route and method


def forget() -> None:
    """Forget every plan; who holds one by a weak reference has none any more, and its copies go, too."""
    _plans.clear()


def layout() -> list[Any]:
    """What decides which API and route a request is for: another list whenever any of it changes."""
    gateway, rest = base(_HTTP), base(_REST)
    found: list[Any] = []
    for key, api in gateway._apis._data.items():
        found += (key, api.get("name"), api.get("protocolType"))
    for key, stages in gateway._stages._data.items():
        found += (key, *stages)
    for key, routes in gateway._routes._data.items():
        found.append(key)
        found += [each.get("routeKey") for each in routes.values()]
    for key, api in rest._rest_apis._data.items():
        found += (key, api.get("name"))
    for key, stages in rest._stages_v1._data.items():
        found += (key, *stages)
    return found


def way_of(
    headers: Mapping[str, str], method: str, path: str, executed: Callable[[Any, bytes], Function]
) -> Way | None:
    """Find the way of a request; nothing where there is more to it than a function and its answer.

    Args:
        headers: Its headers.
        method: Its method.
        path: Its path.
        executed: Reads a configuration and code as the executor wants them.
    """
    prefix, targets = front_door.targets_of(headers, method, path)
    # The layout holds no resources of REST APIs: where one might answer, the usual way has to look.
    if len(targets) != 1 or any(True for _ in rest_targets.targets(method, path)):
        return None
    target, gateway = targets[0], base(_HTTP)
    owner = gateway.find_api_scope(target.api_id)
    if owner is None or base(_REST).find_api_scope(target.api_id) is not None:
        return None
    within = path.removeprefix(prefix + target.stage_in_path) or "/"
    with base("core.responses").request_scope(*owner):
        route = gateway._match_route(target.api_id, method, within)
        plan = None if route is None else _plan_of(owner, target, method, route["routeId"], executed)
        if plan is None:
            return None
        _, _, template = plan.route_key.partition(" ")
        return Way(plan, within, (gateway._extract_path_params(template, within) or {}) if template else {})


def _plan_of(
    owner: tuple[str, str],
    target: front_door.Target,
    method: str,
    route_id: str,
    executed: Callable[[Any, bytes], Function],
) -> Plan | None:
    key = (target.api_id, target.stage, route_id, method)
    known = _plans.get(key)
    if known is not None and known.is_true():
        return known
    if len(_plans) >= MOST_PLANS:
        _plans.clear()
    plan = _new_plan(owner, target, method, route_id, executed)
    if plan is None or not plan.is_true():  # somebody wrote while we were reading
        _plans.pop(key, None)
        return None
    _plans[key] = plan
    return plan


def _new_plan(
    owner: tuple[str, str],
    target: front_door.Target,
    method: str,
    route_id: str,
    executed: Callable[[Any, bytes], Function],
) -> Plan | None:
    """Copy first, read then: what is written in between makes the plan untrue."""
    gateway, functions, key = base(_HTTP), base(_LAMBDA), (*owner, target.api_id)
    api, stages = Stored.now(gateway._apis, key), Stored.now(gateway._stages, key)
    route = Stored.now(gateway._routes, key, route_id)
    if api.value.get("protocolType") != "HTTP" or (route.value.get("authorizationType") or "NONE") != "NONE":
        return None
    _, _, integration_id = route.value.get("target", "").replace("integrations/", "").rpartition("/")
    integration = Stored.now(gateway._integrations, key, integration_id)
    called = integration.value or {}
    is_usual = called.get("integrationType") == "AWS_PROXY" and not called.get("credentialsArn")
    if not is_usual or called.get("payloadFormatVersion") == http_api_format_1.VERSION:
        return None
    reference = gateway._extract_lambda_ref_from_integration_uri(called.get("integrationUri", ""))
    found, configuration, name = functions._get_base_func_record_for_ref(reference)
    if found is None or configuration is None or has_weights(found, reference):
        return None
    _, _, _, region, account = configuration["FunctionArn"].split(":")[:5]
    function = Stored.now(functions._functions, (account, region, name))
    record, configuration, _ = functions._get_func_record_for_ref(reference)
    if record is None or configuration is None or not _runs_plainly(record, configuration):
        return None
    route_key = route.value["routeKey"]
    source = source_of(owner, target.api_id, target.stage, method, route_key)
    if is_enforced() and not invoke_permission.allows(record.get("policy"), reference, SERVICE, source, owner[0]):
        return None
    settings = (stages.value or {}).get(target.stage) or {}
    return Plan(
        api_id=target.api_id,
        stage=target.stage,
        route_key=route_key,
        owner=owner,
        settings=settings,
        limits=http_api_limits.limits_of(settings, route_key),
        cors=api.value.get("corsConfiguration") or None,
        seconds=int(called.get("timeoutInMillis") or DEFAULT_TIMEOUT_MS) / 1000,
        reference=reference,
        record=functions._execution_record_for_config(record, configuration),
        function=executed(configuration, record["code_zip"]),
        reserved=functions._reserved_concurrency(record, configuration),
        is_enforced=is_enforced(),
        sources=(api, stages, route, integration, function),
    )


def _runs_plainly(record: Mapping[str, Any], configuration: Mapping[str, Any]) -> bool:
    is_zip = configuration.get("PackageType", "Zip") == "Zip" and bool(record.get("code_zip"))
    return is_zip and runs_here(configuration.get("Runtime") or "") and not configuration.get("Layers")
