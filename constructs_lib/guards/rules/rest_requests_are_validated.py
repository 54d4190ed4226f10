"""A REST API turns away what is malformed before a function is paid to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.api_routes import ANY, Kind, routes_of
from constructs_lib.assembly.function_callers import FUNCTION
from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

WITH_BODY = frozenset({ANY, "PATCH", "POST", "PUT"})


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A method of a REST API that takes a body has a request validator.

    Why it matters: REST APIs can check a request against a schema, for nothing; without it every malformed request runs
    the function, and what the function forgets to check goes on.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html

    Refuses: `POST`, `PUT`, `PATCH` and `ANY` methods that call a function, without a `RequestValidatorId`.

    Accepts: a validator, also of the OpenAPI body; HTTP APIs, which have none.
    """
    for route in routes_of(assembly):
        if route.kind is not Kind.REST or route.method not in WITH_BODY or route.is_validated:
            continue
        if isinstance(assembly.target(route.function, FUNCTION), Resource):
            is_inside = route.resource is route.api
            yield finding(
                route.resource,
                problem=f"{route} of {route.api} runs its function for any request, however malformed",
                fix="add an AWS::ApiGateway::RequestValidator and a model, and set RequestValidatorId"
                if not is_inside
                else "name one of x-amazon-apigateway-request-validators in x-amazon-apigateway-request-validator",
                at=route.at if is_inside else ("RequestValidatorId",),
                detail=str(route) if is_inside else None,
            )
