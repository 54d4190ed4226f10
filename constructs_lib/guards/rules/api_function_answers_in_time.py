"""A function behind an API answers before the API stops waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.api_routes import API_TYPES, Kind, routes_of
from constructs_lib.assembly.function_callers import FUNCTION, callers_of
from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.amounts import amount, seconds
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

TIMEOUT = 3  # seconds, when a template says nothing
LEFT = 29  # seconds that an HTTP API leaves a function, which gives up itself after 30
SHOWN = 3  # routes in a message


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function that an API calls has a timeout no longer than the API waits.

    Why it matters: after 29 seconds the API answers with an error of its own, while the function works on and is paid
    for; the caller tries again, and the work is done twice.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html

    Refuses: a `Timeout` above 29 seconds, or above the `TimeoutInMillis` of the route's integration; as a warning, the
    30 seconds an HTTP API waits itself, a WebSocket API, to which a function can also send later, and a function that
    something else calls as well, which may be given the time for that.

    Accepts: 29 seconds or less; integrations that do not wait for the answer, or pass it on while it is made.
    """
    late: dict[Resource, tuple[float, list[str], bool]] = {}  # seconds left, routes, surely too late
    for route in routes_of(assembly):
        function = assembly.target(route.function, FUNCTION)
        if not isinstance(function, Resource) or route.is_asynchronous or route.is_streamed:
            continue
        timeout = amount(function, "Timeout", default=TIMEOUT)
        left = min(route.seconds, LEFT) if route.kind is Kind.HTTP else route.seconds
        if timeout is None:
            yield unknown(
                function, what=f"whether it answers {route} in time", reason="Timeout is known at deploy only"
            )
        elif timeout > left:
            shortest, names, is_sure = late.get(function, (left, [], False))
            names.append(f"{route} of {route.api}")
            is_sure = is_sure or (timeout > route.seconds and route.kind is not Kind.WEBSOCKET)
            late[function] = (min(shortest, left), names, is_sure)
    for function, (left, names, is_sure) in late.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        timeout = function.number("Timeout") or TIMEOUT
        yield finding(
            function,
            problem=f"Timeout ({seconds(timeout)}) is longer than the {seconds(left)} that an API waits for it "
            f"({', '.join(names[:SHOWN])}{more}): the caller gets an error while the function works on",
            fix=f"set Timeout to {seconds(left)} or less; hand longer work to a queue or a workflow",
            at=("Timeout",),
            severity=None if is_sure and not _serves_others(assembly, function) else Severity.WARNING,
        )


def _serves_others(assembly: Assembly, function: Resource) -> bool:
    return any(caller.by.type not in API_TYPES for caller in callers_of(assembly).get(function.id, ()))
