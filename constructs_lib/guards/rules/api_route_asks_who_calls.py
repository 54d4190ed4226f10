"""Whoever calls an API says who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.api_routes import REST_API, Kind, routes_of
from constructs_lib.assembly.policies.statement import EVERYBODY, statements_at
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule
from constructs_lib.guards.waivers import is_waived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown

POLICIES = (("Policy",), ("Body", "x-amazon-apigateway-policy"))
CONNECT = "$connect"  # of a WebSocket API: who may open a connection, may send


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A route of an API and the URL of a function ask for credentials.

    Why it matters: an address of AWS is found within hours. Whatever the function may do, anybody may make it do, as
    often as they like, at your cost.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html

    Refuses: a route, a method, or the `$connect` of a WebSocket API without an authorizer; a function URL with
    `AuthType` NONE. An API key alone proves nothing about the caller.

    Accepts: any authorizer; `OPTIONS`, and what API Gateway answers itself; a private API, or one whose resource policy
    lets in some alone; `Public("why")` of the constructs.
    """
    closed = {api for api in assembly.of_type(REST_API) if _is_closed(api)}
    for route in routes_of(assembly):
        api = route.api
        is_open = route.method == "OPTIONS" or route.is_mock or (route.kind is Kind.WEBSOCKET and route.path != CONNECT)
        if is_open or api in closed or is_waived(route.resource, "auth"):
            continue
        if route.is_authorized is None:
            yield unknown(
                route.resource, what=f"who may call {route}", reason="the authorization is known at deploy only"
            )
        elif not route.is_authorized:
            is_inside = route.resource is api
            yield finding(
                route.resource,
                problem=f"anybody may call {route} of {api}",
                fix="give it an authorizer: AWS_IAM, JWT, Cognito or a function; or acknowledge this, and say why",
                at=route.at if is_inside else ("AuthorizationType",),
                detail=str(route) if is_inside else None,
            )
    for url in assembly.of_type("AWS::Lambda::Url"):
        if url.text("AuthType") == "NONE" and not is_waived(url, "auth"):
            yield finding(
                url,
                problem=f"anybody may call the function through its URL ({url.value('TargetFunctionArn')})",
                fix="set AuthType to AWS_IAM; or acknowledge this, and say why",
                at=("AuthType",),
            )


def _is_closed(api: Resource) -> bool:
    """Whether an API is private, or its resource policy lets in some alone."""
    if "PRIVATE" in {each.literal for each in api.texts("EndpointConfiguration", "Types", "*")}:
        return True
    statements = [each for at in POLICIES for each in statements_at(api, *at)]
    return any(
        not each.allows or each.conditions or each.unknowns or any(who.kind != EVERYBODY for who in each.principals)
        for each in statements
    )
