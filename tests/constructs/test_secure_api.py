from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from constructs_lib import Cognito, Iam, Jwt, PropError, Public, SecureApi, SecureApiFunction, SecureRestApi
from tests.templates import resources_of, show, template_of

ENTRY = "lambda_src/greeting/greet.ts"
JWT = Jwt("https://login.example.com/", "orders")


def only(template: dict[str, Any], kind: str) -> dict[str, Any]:
    [resource] = resources_of(template, kind).values()
    assert isinstance(resource, dict)
    return resource


def route_of(stack: cdk.Stack, auth: Any, **props: Any) -> dict[str, Any]:
    api = SecureApi(stack, "Api", auth=auth)
    SecureApiFunction(stack, "Greet", api=api, route="POST /greet", entry=ENTRY, **props)
    return only(template_of(stack), "AWS::ApiGatewayV2::Route")


class TestDefaults:
    def test_logs_every_access_as_json(self, stack: cdk.Stack) -> None:
        SecureApi(stack, "Api", auth=Iam())
        settings = only(template_of(stack), "AWS::ApiGatewayV2::Stage")["Properties"]["AccessLogSettings"]
        assert show(settings["DestinationArn"]).startswith("ApiAccessLogs")
        assert {"requestId", "routeKey", "status", "ip"} <= set(json.loads(settings["Format"]))

    def test_throttles_and_measures_each_route(self, stack: cdk.Stack) -> None:
        SecureApi(stack, "Api", auth=Iam())
        assert only(template_of(stack), "AWS::ApiGatewayV2::Stage")["Properties"]["DefaultRouteSettings"] == {
            "DetailedMetricsEnabled": True,
            "ThrottlingBurstLimit": 200,
            "ThrottlingRateLimit": 100,
        }

    def test_keeps_browsers_of_other_origins_out(self, stack: cdk.Stack) -> None:
        SecureApi(stack, "Api", auth=Iam())
        assert "CorsConfiguration" not in only(template_of(stack), "AWS::ApiGatewayV2::Api")["Properties"]

    def test_lets_the_origins_in_that_are_named(self, stack: cdk.Stack) -> None:
        SecureApi(stack, "Api", auth=Iam(), cors_origins=["https://app.example.com"])
        cors = only(template_of(stack), "AWS::ApiGatewayV2::Api")["Properties"]["CorsConfiguration"]
        assert cors["AllowOrigins"] == ["https://app.example.com"]

    def test_says_its_url(self, stack: cdk.Stack) -> None:
        SecureApi(stack, "Api", auth=Iam())
        assert any(name.startswith("ApiUrl") for name in template_of(stack)["Outputs"])


class TestAuth:
    def test_iam(self, stack: cdk.Stack) -> None:
        assert route_of(stack, Iam())["Properties"]["AuthorizationType"] == "AWS_IAM"

    def test_jwt(self, stack: cdk.Stack) -> None:
        route = route_of(stack, JWT)
        assert route["Properties"]["AuthorizationType"] == "JWT"
        assert only(template_of(stack), "AWS::ApiGatewayV2::Authorizer")["Properties"]["JwtConfiguration"] == {
            "Audience": ["orders"],
            "Issuer": "https://login.example.com/",
        }

    def test_jwt_asks_for_scopes(self, stack: cdk.Stack) -> None:
        route = route_of(stack, Jwt("https://login.example.com/", ["orders"], scopes=["orders/write"]))
        assert route["Properties"]["AuthorizationScopes"] == ["orders/write"]

    def test_cognito_makes_a_client_where_none_is_named(self, stack: cdk.Stack) -> None:
        route = route_of(stack, Cognito(cognito.UserPool(stack, "Pool")))
        template = template_of(stack)
        [client] = resources_of(template, "AWS::Cognito::UserPoolClient")
        jwt = only(template, "AWS::ApiGatewayV2::Authorizer")["Properties"]["JwtConfiguration"]
        assert route["Properties"]["AuthorizationType"] == "JWT"
        assert jwt["Audience"] == [{"Ref": client}]

    def test_cognito_takes_the_clients_that_are_named(self, stack: cdk.Stack) -> None:
        pool = cognito.UserPool(stack, "Pool")
        client = pool.add_client("Web")
        route_of(stack, Cognito(pool, clients=[client]))
        assert len(resources_of(template_of(stack), "AWS::Cognito::UserPoolClient")) == 1

    def test_public_keeps_its_reason_with_the_route(self, stack: cdk.Stack) -> None:
        route = route_of(stack, Public("health probe"))
        assert route["Properties"]["AuthorizationType"] == "NONE"
        assert route["Metadata"]["constructs-lib:waived"] == {"auth": "health probe"}

    def test_a_route_may_answer_differently_from_its_api(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        SecureApiFunction(stack, "Health", api=api, route="GET /health", entry=ENTRY, auth=Public("health probe"))
        route = only(template_of(stack), "AWS::ApiGatewayV2::Route")
        assert route["Properties"]["AuthorizationType"] == "NONE"

    def test_routes_that_answer_alike_share_one_authorizer(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=JWT)
        SecureApiFunction(stack, "One", api=api, route="GET /one", entry=ENTRY)
        SecureApiFunction(stack, "Two", api=api, route="GET /two", entry=ENTRY, auth=Jwt(JWT.issuer, JWT.audience))
        assert len(resources_of(template_of(stack), "AWS::ApiGatewayV2::Authorizer")) == 1

    def test_routes_that_differ_in_scopes_share_one_authorizer_and_one_client(self, stack: cdk.Stack) -> None:
        pool = cognito.UserPool(stack, "Pool")
        client = pool.add_client("Web")
        api = SecureApi(stack, "Api", auth=Cognito(pool, clients=[client]))
        SecureApiFunction(stack, "One", api=api, route="GET /one", entry=ENTRY)
        narrow = Cognito(pool, clients=[client], scopes=["orders/read"])
        SecureApiFunction(stack, "Two", api=api, route="GET /two", entry=ENTRY, auth=narrow)
        template = template_of(stack)
        assert len(resources_of(template, "AWS::ApiGatewayV2::Authorizer")) == 1
        routes = resources_of(template, "AWS::ApiGatewayV2::Route").values()
        scopes = {each["Properties"]["RouteKey"]: each["Properties"].get("AuthorizationScopes") for each in routes}
        assert scopes == {"GET /one": None, "GET /two": ["orders/read"]}

    @pytest.mark.parametrize("first", ["Probe", "Zebra"])
    def test_adding_a_route_changes_no_authorizer_and_no_client(self, tmp_path: Path, first: str) -> None:
        def ids(*, with_more: bool) -> set[str]:
            stack = cdk.Stack(cdk.App(outdir=str(tmp_path), analytics_reporting=False), "Shop")
            stack.node.set_context("aws:cdk:bundling-stacks", [])
            pool, partners = cognito.UserPool(stack, "Pool"), cognito.UserPool(stack, "Partners")
            api = SecureApi(stack, "Api", auth=Cognito(pool))
            if with_more:
                SecureApiFunction(stack, first, api=api, route="GET /a", entry=ENTRY, auth=Public("health probe"))
                SecureApiFunction(stack, "Jwt", api=api, route="GET /b", entry=ENTRY, auth=JWT)
            SecureApiFunction(stack, "Partner", api=api, route="GET /c", entry=ENTRY, auth=Cognito(partners))
            SecureApiFunction(stack, "One", api=api, route="GET /one", entry=ENTRY)
            template = template_of(stack)
            kinds = ("AWS::ApiGatewayV2::Authorizer", "AWS::Cognito::UserPoolClient")
            return {each for kind in kinds for each in resources_of(template, kind)}

        assert ids(with_more=False) < ids(with_more=True)

    def test_the_client_made_for_the_api_signs_in_directly(self, stack: cdk.Stack) -> None:
        route_of(stack, Cognito(cognito.UserPool(stack, "Pool")))
        client = only(template_of(stack), "AWS::Cognito::UserPoolClient")["Properties"]
        assert client["PreventUserExistenceErrors"] == "ENABLED"
        assert client["AllowedOAuthFlowsUserPoolClient"] is False
        assert "CallbackURLs" not in client

    def test_two_issuers_stand_side_by_side(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=JWT)
        SecureApiFunction(stack, "One", api=api, route="GET /one", entry=ENTRY)
        other = Jwt("https://partners.example.com/", "orders")
        SecureApiFunction(stack, "Two", api=api, route="GET /two", entry=ENTRY, auth=other)
        assert len(resources_of(template_of(stack), "AWS::ApiGatewayV2::Authorizer")) == 2


class TestGrants:
    def test_the_route_alone_may_invoke_its_function(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        SecureApiFunction(stack, "Read", api=api, route="GET /users/{id}", entry=ENTRY)
        template = template_of(stack)
        [api_name] = resources_of(template, "AWS::ApiGatewayV2::Api")
        permission = only(template, "AWS::Lambda::Permission")["Properties"]
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert permission["Action"] == "lambda:InvokeFunction"
        assert show(permission["SourceArn"]) == (
            f"arn:AWS::Partition:execute-api:AWS::Region:AWS::AccountId:{api_name}/*/GET/users/*"
        )

    def test_grant_call_names_the_route(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        read = SecureApiFunction(stack, "Read", api=api, route="GET /users/{id}", entry=ENTRY)
        partner = iam.Role(stack, "Partner", assumed_by=iam.AccountPrincipal("111122223333"))
        read.grant_call(partner)
        template = template_of(stack)
        [statement] = only(template, "AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Action"] == "execute-api:Invoke"
        assert show(statement["Resource"]).endswith("/*/GET/users/*")

    def test_a_route_in_another_stack_than_its_api(self, app: cdk.App) -> None:
        front, back = cdk.Stack(app, "Front"), cdk.Stack(app, "Back")
        api = SecureApi(front, "Api", auth=JWT)
        SecureApiFunction(back, "Greet", api=api, route="POST /greet", entry=ENTRY)
        Template.from_stack(back).has_resource_properties("AWS::ApiGatewayV2::Route", {"RouteKey": "POST /greet"})
        Template.from_stack(front).resource_count_is("AWS::ApiGatewayV2::Route", 0)


class TestRefusals:
    def refused(self, stack: cdk.Stack, route: str, **props: Any) -> str:
        api = SecureApi(stack, "Api", auth=Iam())
        with pytest.raises(PropError) as caught:
            SecureApiFunction(stack, "Greet", **{"api": api, "route": route, "entry": ENTRY, **props})
        return str(caught.value)

    def test_a_path_without_its_slash(self, stack: cdk.Stack) -> None:
        assert self.refused(stack, "POST users") == (
            "route 'POST users' has a path without its leading slash\n"
            "  at:  Shop/Greet (SecureApiFunction)\n"
            '  fix: write "POST /users"'
        )

    def test_an_unknown_verb(self, stack: cdk.Stack) -> None:
        assert "did you mean POST?" in self.refused(stack, "PSOT /users")

    @pytest.mark.parametrize(
        ("route", "said"),
        [
            ("", "is not a verb, a space and a path"),
            ("/users", 'write it like "POST /users"'),
            ("post /users", "no verb that HTTP APIs know: did you mean POST?"),
            ("GET /users/", "leave out the empty segment"),
            ("GET //users", "leave out the empty segment"),
            ("GET /users/{id}/{id}", "two variables named id"),
            ("GET /{all+}/tail", "goes on after {all+}"),
            ("GET /users/a{id}", "one {variable} per segment"),
            ("GET /users?x=1", "one {variable} per segment"),
            ("GET  /users", 'write "GET /users"'),
            ("GET /files/*", "write {path+}"),
            ("GET /%zz", "one {variable} per segment"),
            ("$default", "is not a verb, a space and a path"),
        ],
    )
    def test_routes_that_would_never_match(self, stack: cdk.Stack, route: str, said: str) -> None:
        assert said in self.refused(stack, route)

    @pytest.mark.parametrize("route", ["GET /", "ANY /{proxy+}", "DELETE /users/{user-id}/keys/{key_id}", "GET /a.b~c"])
    def test_accepts_what_http_apis_accept(self, stack: cdk.Stack, route: str) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        assert str(SecureApiFunction(stack, "Greet", api=api, route=route, entry=ENTRY).route) == route

    @pytest.mark.parametrize("again", ["GET /users/{id}", "GET /users/{name}"])
    def test_a_route_that_is_taken(self, stack: cdk.Stack, again: str) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        SecureApiFunction(stack, "Read", api=api, route="GET /users/{id}", entry=ENTRY)
        with pytest.raises(PropError, match="Shop/Read serves it already"):
            SecureApiFunction(stack, "Greet", api=api, route=again, entry=ENTRY)

    def test_a_timeout_that_outlasts_the_api(self, stack: cdk.Stack) -> None:
        assert "outlasts the API (30 s)" in self.refused(stack, "GET /", timeout=cdk.Duration.seconds(30))

    def test_auth_that_is_none_of_the_four(self, stack: cdk.Stack) -> None:
        not_an_auth: Any = "none"
        with pytest.raises(PropError, match=r"auth is 'none', wanted Iam\(\)"):
            SecureApi(stack, "Api", auth=not_an_auth)

    def test_an_api_without_auth(self, stack: cdk.Stack) -> None:
        without_auth: Any = SecureApi
        with pytest.raises(TypeError, match="auth"):
            without_auth(stack, "Api")

    @pytest.mark.parametrize("reason", ["", " ", None])
    def test_public_without_a_reason(self, reason: Any) -> None:
        with pytest.raises(PropError, match="without a reason"):
            Public(reason)

    def test_everything_wrong_is_said_at_once(self, stack: cdk.Stack) -> None:
        text = self.refused(stack, "POST users", timeout=cdk.Duration.minutes(1), memory_mib=1, auth="none")
        assert text.count("\n  fix: ") == 4

    def test_an_api_that_is_none(self, stack: cdk.Stack) -> None:
        assert "api is 'x', wanted a SecureApi" in self.refused(stack, "GET /", api="x")

    def test_scopes_that_no_token_could_have(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError, match="issues none"):
            Cognito(cognito.UserPool(stack, "Pool"), scopes=["orders/read"])

    def test_origins_that_are_no_list(self, stack: cdk.Stack) -> None:
        text: Any = "https://app.example.com"
        with pytest.raises(PropError, match="wanted a list"):
            SecureApi(stack, "Api", auth=Iam(), cors_origins=text)

    @pytest.mark.parametrize(
        ("issuer", "audience"), [("http://login.example.com", "a"), ("https://x.example", []), ("https://[x", "a")]
    )
    def test_tokens_that_anybody_could_bring(self, issuer: str, audience: Any) -> None:
        with pytest.raises(PropError):
            Jwt(issuer, audience)

    @pytest.mark.parametrize(
        "origin",
        [
            "app.example.com", "https://app.example.com/", "ftp://x.example", "https://[x", "https://a.example#b",
            "https://A.example", "https://a.example:443", "https://me@a.example", "https://*.a.example",
        ],
    )  # fmt: skip
    def test_origins_that_no_browser_sends(self, stack: cdk.Stack, origin: str) -> None:
        with pytest.raises(PropError, match="not an origin"):
            SecureApi(stack, "Api", auth=Iam(), cors_origins=[origin])

    @pytest.mark.parametrize("route", ["ANY /users/{rest+}", "OPTIONS /users"])
    def test_a_route_that_turns_browsers_away(self, stack: cdk.Stack, route: str) -> None:
        api = SecureApi(stack, "Api", auth=Iam(), cors_origins=["https://app.example.com"])
        with pytest.raises(PropError) as caught:
            SecureApiFunction(stack, "Any", api=api, route=route, entry=ENTRY)
        assert str(caught.value) == (
            f"route {route!r} takes what browsers ask first, without credentials: it would turn them away, and the API "
            "has cors_origins\n"
            "  at:  Shop/Any (SecureApiFunction)\n"
            f"  fix: write a route for each verb, like GET {route.partition(' ')[2]}"
        )
        SecureApiFunction(stack, "Any", api=api, route=route, entry=ENTRY, auth=Public("answers browsers"))

    @pytest.mark.parametrize("nested", [True, False])
    def test_a_refused_function_leaves_its_route_free(self, stack: cdk.Stack, nested: bool) -> None:
        api = SecureApi(stack, "Api", auth=Iam(), nest_functions=nested)
        with pytest.raises(PropError, match="memory_mib"):
            SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY, memory_mib=1)
        SecureApiFunction(stack, "List", api=api, route="GET /users", entry=ENTRY)
        for name, route in (("List", "GET /others"), ("List", "GET /users"), ("Again", "GET /users")):
            with pytest.raises(PropError, match=r"is taken|has a List already"):
                SecureApiFunction(stack, name, api=api, route=route, entry=ENTRY)
        SecureApiFunction(stack, "Others", api=api, route="GET /others", entry=ENTRY)

    def test_a_throttle_that_lets_nobody_in(self, stack: cdk.Stack) -> None:
        for api in (SecureApi, SecureRestApi):
            with pytest.raises(PropError) as refused:
                api(stack, "Api", auth=Iam(), rate_limit=0, burst_limit=-1)
            assert str(refused.value).splitlines() == [
                "rate_limit is 0: nobody could call",
                f"  at:  Shop/Api ({api.__name__})",
                "  fix: leave rate_limit out, or allow one at least",
                "burst_limit is -1: nobody could call",
                f"  at:  Shop/Api ({api.__name__})",
                "  fix: leave burst_limit out, or allow one at least",
            ]


class TestEscapeHatches:
    def test_every_l2_is_reachable(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        greet = SecureApiFunction(stack, "Greet", api=api, route="POST /greet", entry=ENTRY)
        assert isinstance(api.http_api, apigatewayv2.HttpApi)
        assert isinstance(api.stage, apigatewayv2.HttpStage)
        assert isinstance(greet.http_route, apigatewayv2.HttpRoute)

    def test_keeps_an_example_request_for_the_tools(self, stack: cdk.Stack) -> None:
        route = route_of(stack, Iam(), example={"body": {"name": "Ada"}})
        assert route["Metadata"]["constructs-lib:example"] == {"body": {"name": "Ada"}}

    def test_a_token_as_issuer(self, stack: cdk.Stack) -> None:
        issuer = cdk.CfnParameter(stack, "Issuer")
        route_of(stack, Jwt(issuer.value_as_string, "orders"))
        Template.from_stack(stack).has_resource_properties(
            "AWS::ApiGatewayV2::Authorizer", {"JwtConfiguration": Match.object_like({"Issuer": {"Ref": "Issuer"}})}
        )
