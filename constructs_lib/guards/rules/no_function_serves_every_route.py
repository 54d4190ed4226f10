"""A route has a function of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.api_routes import routes_of
from constructs_lib.assembly.function_callers import FUNCTION
from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """No function takes every request of an API.

    Why it matters: a fat function has the permissions, the memory, the timeout and the cold start of all its routes
    together, and one slow route uses up the concurrency of the others. It is a server with another name.
    https://docs.aws.amazon.com/lambda/latest/operatorguide/monolith.html

    Refuses: `ANY /{proxy+}` or `$default` to a function.

    Accepts: routes with a method and a path; a greedy path below another, such as `/admin/{proxy+}`.
    """
    seen = set()
    for route in routes_of(assembly):
        function = assembly.target(route.function, FUNCTION)
        if not route.is_greedy or not isinstance(function, Resource) or (route.api, function) in seen:
            continue
        seen.add((route.api, function))
        yield finding(
            function,
            problem=f"a fat function: {route} of {route.api} sends it every request, so it has the permissions, memory "
            "and cold start of all routes together",
            fix="give each route a function of its own, with what that route needs",
            through=(route.resource,),
        )
