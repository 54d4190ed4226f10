"""A route has a function of its own."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from constructs_lib.assembly.api_routes import Kind, routes_of
from constructs_lib.assembly.function_callers import FUNCTION
from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.api_routes import Route
    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.guards.finding import Finding, Unknown

MANY = 3  # routes; fewer may well be one thing


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """No function takes every request of an API.

    Why it matters: a fat function has the permissions, the memory, the timeout and the cold start of all its routes
    together, and one slow route uses up the concurrency of the others. It is a server with another name.
    https://docs.aws.amazon.com/lambda/latest/operatorguide/monolith.html

    Refuses: `ANY /{proxy+}` or `$default` to a function; an API whose routes, three or more, all lead to one function.

    Accepts: routes with a method and a path, to functions of their own; a greedy path below another, such as
    `/admin/{proxy+}`; WebSocket APIs.
    """
    said = set()
    served: dict[Node, list[tuple[Route, Node | None]]] = defaultdict(list)
    for route in routes_of(assembly):
        function = assembly.target(route.function, FUNCTION)
        if route.kind is not Kind.WEBSOCKET and route.method != "OPTIONS":
            served[route.api].append((route, function))
        if route.is_greedy and isinstance(function, Resource) and (route.api, function) not in said:
            said.add((route.api, function))
            yield _fat(function, route, f"{route} of {route.api} sends it every request")
    for api, routes in served.items():
        (route, function), *others = routes
        is_one = len(routes) >= MANY and all(other is function for _, other in others)
        if is_one and isinstance(function, Resource) and (api, function) not in said:
            yield _fat(function, route, f"all {len(routes)} routes of {api} lead to it")


def _fat(function: Resource, route: Route, why: str) -> Finding:
    return finding(
        function,
        problem=f"a fat function: {why}, so it has the permissions, memory and cold start of all routes together",
        fix="give each route a function of its own, with what that route needs",
        through=(route.resource,),
    )
