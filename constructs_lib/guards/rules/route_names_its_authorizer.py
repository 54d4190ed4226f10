"""A route that asks for credentials says who checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

CHECKED = {
    "AWS::ApiGatewayV2::Route": frozenset({"CUSTOM", "JWT"}),
    "AWS::ApiGateway::Method": frozenset({"CUSTOM", "COGNITO_USER_POOLS"}),
}
ASKS, CHECKS = "AuthorizationType", "AuthorizerId"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A route whose credentials an authorizer checks names that authorizer.

    Why it matters: API Gateway refuses the route, and the deployment fails.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html

    Refuses: a route of an HTTP or WebSocket API with `JWT` or `CUSTOM`, and a method of a REST API with
    `COGNITO_USER_POOLS` or `CUSTOM`, without an `AuthorizerId`.

    Accepts: `AWS_IAM`, which needs none; an authorizer, wherever it is defined.
    """
    for kind, checked in CHECKED.items():
        for route in assembly.of_type(kind):
            asked = route.text(ASKS)
            if asked in checked and route.lacks(CHECKS):
                yield finding(
                    route,
                    problem=f"{ASKS} is {asked}, and no {CHECKS} says who checks",
                    fix=f"set {CHECKS} to the authorizer, or {ASKS} to AWS_IAM",
                    at=(CHECKS,),
                )
