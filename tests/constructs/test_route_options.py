"""What a single route asks for: scopes of its own, and limits of its own."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cognito as cognito

from constructs_lib import Cognito, Iam, Jwt, PropError, Public, SecureApi, SecureApiFunction, Throttle
from tests.templates import resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
JWT = Jwt("https://login.example.com/", "shop")


def only(stack: cdk.Stack, kind: str) -> dict[str, Any]:
    [found] = resources_of(template_of(stack), f"AWS::ApiGatewayV2::{kind}").values()
    return dict(found)


class TestScopes:
    def test_a_route_asks_for_its_own_beside_those_of_the_api(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Jwt(JWT.issuer, JWT.audience, scopes="users/read"))
        SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY, scopes=["users/list", "users/read"])
        assert only(stack, "Route")["Properties"]["AuthorizationScopes"] == ["users/read", "users/list"]

    def test_routes_with_different_scopes_share_one_authorizer(self, stack: cdk.Stack) -> None:
        pool = cognito.UserPool(stack, "Pool")
        api = SecureApi(stack, "Api", auth=Cognito(pool, clients=[pool.add_client("Web")]))
        for verb in ("GET", "POST"):
            SecureApiFunction(stack, verb, api=api, route=f"{verb} /users", entry=ENTRY, scopes=[f"users/{verb}"])
        assert only(stack, "Authorizer")

    @pytest.mark.parametrize("auth", [Iam(), Public("health probe")])
    def test_callers_without_a_token_have_none(self, stack: cdk.Stack, auth: Any) -> None:
        api = SecureApi(stack, "Api", auth=auth)
        with pytest.raises(PropError, match="bring no token"):
            SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY, scopes=["users/read"])

    def test_the_client_made_for_the_api_issues_none(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Cognito(cognito.UserPool(stack, "Pool")))
        with pytest.raises(PropError, match="the app client made for the API issues none"):
            SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY, scopes=["users/read"])


class TestThrottle:
    def test_a_route_has_limits_of_its_own_and_the_stage_waits_for_it(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        SecureApiFunction(stack, "Read", api=api, route="GET /users/{id}", entry=ENTRY, throttle=Throttle(5))
        stage = only(stack, "Stage")
        assert stage["Properties"]["RouteSettings"] == {
            "GET /users/{id}": {
                "DetailedMetricsEnabled": True,
                "ThrottlingBurstLimit": 10,
                "ThrottlingRateLimit": 5,
            }
        }
        assert stage["DependsOn"] == list(resources_of(template_of(stack), "AWS::ApiGatewayV2::Route"))

    def test_without_any_the_stage_is_as_it_was(self, stack: cdk.Stack) -> None:
        SecureApiFunction(stack, "Read", api=SecureApi(stack, "Api", auth=Iam()), route="GET /users", entry=ENTRY)
        assert {"DependsOn", "RouteSettings"}.isdisjoint([*only(stack, "Stage"), *only(stack, "Stage")["Properties"]])

    def test_a_route_in_another_stack_has_none(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        other = cdk.Stack(app, "Other")
        with pytest.raises(PropError, match="throttle is set for a route outside of Shop"):
            SecureApiFunction(other, "Read", api=api, route="GET /users", entry=ENTRY, throttle=Throttle(5))

    def test_a_nested_function_has_them_too(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam(), nest_functions=True)
        SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY, throttle=Throttle(5))
        assert "RouteSettings" in only(stack, "Stage")["Properties"]

    @pytest.mark.parametrize("limits", [(0,), (1, 0), ("5",), (5, 2.5), (None,)])
    def test_limits_that_are_none(self, limits: Any) -> None:
        with pytest.raises(PropError, match=r"Throttle\(\.\.\.\)"):
            Throttle(*limits)

    def test_a_limit_that_nobody_wrote_is_not_named(self) -> None:
        with pytest.raises(PropError) as caught:
            Throttle(0)
        assert str(caught.value) == (
            "rate_limit is 0: nobody could call\n  at:  Throttle(...)\n  fix: allow one at least"
        )

    def test_a_rate_that_deployment_tells_is_not_doubled(self) -> None:
        rate = cdk.Token.as_number({"Ref": "Rate"})
        with pytest.raises(PropError, match="rate_limit is not known before deployment, and neither is twice as much"):
            Throttle(rate)  # type: ignore[arg-type] # a token of a number is a float
        assert Throttle(rate, 20).burst_limit == 20  # type: ignore[arg-type] # likewise


def test_an_http_api_checks_no_bodies(stack: cdk.Stack) -> None:
    api = SecureApi(stack, "Api", auth=Iam())
    with pytest.raises(PropError) as caught:
        SecureApiFunction(stack, "Make", api=api, route="POST /users", entry=ENTRY, request={"type": "object"})
    assert str(caught.value) == (
        "request is set, and HTTP APIs check no bodies: the function would get them all\n"
        "  at:  Shop/Make (SecureApiFunction)\n"
        "  fix: use a SecureRestApi, or check the body in the function"
    )
