"""The rules about APIs and the functions behind them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, judged, ref, resource

INVOKE = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Send.Arn}/invocations"
URI = {"Fn::Sub": INVOKE}
SECONDS = {"Seconds": {"Type": "Number"}, "Kind": {"Type": "String"}}
REST = resource("AWS::ApiGateway::RestApi")


def http(route: str = "GET /greet", integration: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """An HTTP API with one route."""
    kind = "AWS::ApiGatewayV2::"
    called = {"IntegrationUri": arn("Send"), "IntegrationType": "AWS_PROXY", **(integration or {})}
    target = {"Fn::Sub": "integrations/${Call}"}
    return {
        "Api": resource(f"{kind}Api", ProtocolType="HTTP"),
        "Call": resource(f"{kind}Integration", ApiId=ref("Api"), **called),
        "Route": resource(f"{kind}Route", ApiId=ref("Api"), RouteKey=route, Target=target, **options),
    }


def rest(method: str = "GET", integration: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """A REST API with one method, at its root."""
    called = {"Type": "AWS_PROXY", "Uri": URI, **(integration or {})}
    root = {"Fn::GetAtt": ["Api", "RootResourceId"]}
    told = {"RestApiId": ref("Api"), "ResourceId": root, "HttpMethod": method, "Integration": called, **options}
    return {"Api": REST, "Method": resource("AWS::ApiGateway::Method", **told)}


def body(paths: dict[str, Any], kind: str = "AWS::ApiGatewayV2::Api", **top: Any) -> dict[str, Any]:
    """An API written as OpenAPI."""
    return {"Api": resource(kind, Body={"openapi": "3.0.1", "paths": paths, **top})}


def operation(**fields: Any) -> dict[str, Any]:
    return {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": URI}, **fields}


class TestApiFunctionAnswersInTime:
    ID = "api-function-answers-in-time"

    def said(self, timeout: object, api: dict[str, Any]) -> list[str]:
        return judged(self.ID, {**api, "Send": function(Timeout=timeout)}, Parameters=SECONDS)

    def test_refuses_more_than_the_api_waits(self) -> None:
        assert self.said(30, rest()) == [
            (
                "error: Timeout (30 s) is longer than the 29 s that an API waits for it (GET / of Api): the caller "
                "gets "
                "an error while the function works on\n"
                "  at:  Shop/Send (AWS::Lambda::Function) Timeout\n"
                "  fix: set Timeout to 29 s or less; hand longer work to a queue or a workflow"
            )
        ]
        assert len(self.said(30, body({"/greet": {"get": operation()}}, "AWS::ApiGateway::RestApi"))) == 1

    def test_refuses_more_than_30_seconds_behind_an_http_api_and_warns_of_30(self) -> None:
        [said] = self.said(31, http())
        assert said.startswith("error: Timeout (31 s) is longer than the 29 s that an API waits for it (GET /greet of")
        [said] = self.said(30, http())
        assert said.startswith(
            "warning: Timeout (30 s) is longer than the 29 s that an API waits for it (GET /greet of"
        )

    def test_accepts_29_seconds(self) -> None:
        assert self.said(29, http()) == self.said(29, rest()) == []

    def test_asks_the_integration_how_long_it_waits(self) -> None:
        assert self.said(60, rest(integration={"TimeoutInMillis": 60_000})) == []
        [said] = self.said(60, rest(integration={"TimeoutInMillis": 59_500}))
        assert said.startswith(
            "error: Timeout (60 s) is longer than the 59.5 s that an API waits for it (GET / of Api)"
        )
        assert len(self.said(6, http(integration={"TimeoutInMillis": 5_000}))) == 1

    def test_warns_only_of_a_websocket(self) -> None:
        api = http("$default")
        api["Api"]["Properties"]["ProtocolType"] = "WEBSOCKET"
        [said] = self.said(30, api)
        assert said.startswith("warning: Timeout (30 s)")

    def test_warns_only_of_a_function_that_something_else_calls_too(self) -> None:
        nightly = resource("AWS::Events::Rule", Targets=[{"Id": "T", "Arn": arn("Send")}])
        [said] = self.said(60, {**rest(), "Nightly": nightly})
        assert said.startswith("warning: Timeout (60 s)")

    def test_accepts_who_does_not_wait(self) -> None:
        event = {"RequestParameters": {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}}
        assert self.said(900, rest(integration=event)) == []
        assert self.said(900, rest(integration={"ResponseTransferMode": "STREAM"})) == []

    def test_says_it_once_for_a_function_of_many_routes(self) -> None:
        paths = {f"/{index}": {"get": operation()} for index in range(5)}
        [said] = self.said(60, body(paths))
        assert "(GET /0 of Api, GET /1 of Api, GET /2 of Api and 2 more)" in said
        [said] = self.said(60, body({path: paths[path] for path in ("/0", "/1", "/2")}))
        assert "(GET /0 of Api, GET /1 of Api, GET /2 of Api)" in said

    def test_one_api_that_surely_gives_up_is_enough(self) -> None:
        http_api = {name.replace("Api", "Http"): each for name, each in http().items()}
        http_api["Route"]["Properties"]["ApiId"] = ref("Http")
        [said] = self.said(30, {**rest(), **http_api})
        assert said.startswith(
            "error: Timeout (30 s) is longer than the 29 s that an API waits for it (GET / of Api, GET "
        )

    def test_counts_the_timeout_that_lambda_gives(self) -> None:
        [said] = judged(self.ID, {**rest(integration={"TimeoutInMillis": 2_900}), "Send": function()})
        assert said.startswith("error: Timeout (3 s) is longer than the 2.9 s that an API waits for it")
        assert judged(self.ID, {**rest(integration={"TimeoutInMillis": 3_000}), "Send": function()}) == []

    def test_is_silent_about_functions_elsewhere(self) -> None:
        uri = "arn:aws:lambda:eu-west-1:111122223333:function:elsewhere"
        assert judged(self.ID, http(integration={"IntegrationUri": uri})) == []

    def test_says_when_it_is_not_known(self) -> None:
        assert self.said(ref("Seconds"), http()) == [
            (
                "unknown: whether it answers GET /greet in time\n"
                "  at:  Shop/Send (AWS::Lambda::Function)\n"
                "  why: Timeout is known at deploy only"
            )
        ]


class TestNoFunctionServesEveryRoute:
    ID = "no-function-serves-every-route"

    def said(self, api: dict[str, Any]) -> list[str]:
        return judged(self.ID, {**api, "Send": function()})

    def test_names_a_fat_function_for_what_it_is(self) -> None:
        assert self.said(http("ANY /{proxy+}")) == [
            (
                "warning: a fat function: ANY /{proxy+} of Api sends it every request, so it has the permissions, "
                "memory "
                "and cold start of all routes together\n"
                "  at:  Shop/Send (AWS::Lambda::Function)\n"
                "  fix: give each route a function of its own, with what that route needs"
            )
        ]

    @pytest.mark.parametrize("route", ["$default", "ANY /{all+}"])
    def test_knows_every_greedy_route(self, route: str) -> None:
        assert len(self.said(http(route))) == 1

    def test_knows_them_in_every_form(self) -> None:
        api = rest("ANY", ResourceId=ref("Proxy"))
        root = {"Fn::GetAtt": ["Api", "RootResourceId"]}
        proxy = resource("AWS::ApiGateway::Resource", PathPart="{proxy+}", ParentId=root, RestApiId=ref("Api"))
        assert len(self.said({**api, "Proxy": proxy})) == 1
        assert len(self.said(body({"/{proxy+}": {"x-amazon-apigateway-any-method": operation()}}))) == 1
        assert len(self.said({"Api": resource("AWS::ApiGatewayV2::Api", ProtocolType="HTTP", Target=arn("Send"))})) == 1

    @pytest.mark.parametrize("route", ["GET /{proxy+}", "ANY /admin/{proxy+}", "ANY /users/{id}", "GET /"])
    def test_accepts_routes_that_take_a_part(self, route: str) -> None:
        assert self.said(http(route)) == []

    def test_names_a_function_that_all_routes_lead_to(self) -> None:
        one, two, three = ({f"/{name}": {"get": operation()}} for name in ("a", "b", "c"))
        options = {"/d": {"options": operation()}}
        assert self.said(body({**one, **two, **options})) == []
        [said] = self.said(body({**one, **two, **three, **options}))
        assert said.startswith("warning: a fat function: all 3 routes of Api lead to it, so it has the permissions, ")
        mock = {"/c": {"get": {"x-amazon-apigateway-integration": {"type": "mock"}}}}
        assert self.said(body({**one, **two, **mock})) == []

    def test_accepts_the_default_route_of_a_websocket(self) -> None:
        api = http("$default")
        api["Api"]["Properties"]["ProtocolType"] = "WEBSOCKET"
        assert self.said(api) == []

    def test_accepts_a_greedy_route_to_something_else(self) -> None:
        assert (
            self.said(http("$default", {"IntegrationUri": "https://example.com", "IntegrationType": "HTTP_PROXY"}))
            == []
        )

    def test_says_it_once_for_two_greedy_routes_to_one_function(self) -> None:
        paths = {"/{proxy+}": {"x-amazon-apigateway-any-method": operation()}, "$default": {"get": operation()}}
        assert len(self.said(body(paths))) == 1

    def test_says_it_once_for_a_greedy_route_among_others(self) -> None:
        paths = {"/{proxy+}": {"x-amazon-apigateway-any-method": operation()}, "/a": {"get": operation()}}
        [said] = self.said(body({**paths, "/b": {"get": operation()}}))
        assert said.startswith("warning: a fat function: ANY /{proxy+} of Api sends it every request")

    def test_accepts_many_routes_to_something_else_and_those_of_a_websocket(self) -> None:
        elsewhere = {"x-amazon-apigateway-integration": {"uri": "https://example.com"}}
        assert self.said(body({f"/{name}": {"get": elsewhere} for name in "abc"})) == []
        socket: dict[str, Any] = {"ApiId": ref("Api"), "Target": {"Fn::Sub": "integrations/${Call}"}}
        routes = {name: resource("AWS::ApiGatewayV2::Route", RouteKey=name, **socket) for name in ("a", "b", "c")}
        api = http()
        api["Api"]["Properties"]["ProtocolType"] = "WEBSOCKET"
        assert self.said({**api, **routes}) == []


class TestApiRouteAsksWhoCalls:
    ID = "api-route-asks-who-calls"
    FIX = "  fix: give it an authorizer: AWS_IAM, JWT, Cognito or a function; or acknowledge this, and say why"

    def said(self, api: dict[str, Any]) -> list[str]:
        return judged(self.ID, {**api, "Send": function()}, Parameters=SECONDS)

    @pytest.mark.parametrize("options", [{}, {"AuthorizationType": "NONE"}])
    def test_warns_of_a_route_that_asks_nothing(self, options: dict[str, Any]) -> None:
        assert self.said(http(**options)) == [
            (
                f"warning: anybody may call GET /greet of Api\n  at:  Shop/Route (AWS::ApiGatewayV2::Route) "
                f"AuthorizationType\n{self.FIX}"
            )
        ]
        assert self.said(rest(**options)) == [
            (
                f"warning: anybody may call GET / of Api\n  at:  Shop/Method (AWS::ApiGateway::Method) "
                f"AuthorizationType\n{self.FIX}"
            )
        ]

    def test_warns_of_an_operation_that_asks_nothing(self) -> None:
        paths = {"/greet": {"get": operation(), "post": operation(security=[{"api_key": []}])}}
        assert [each.split("\n")[:2] for each in self.said(body(paths))] == [
            [
                "warning: anybody may call GET /greet of Api",
                "  at:  Shop/Api (AWS::ApiGatewayV2::Api) Body.paths./greet.get",
            ],
            [
                "warning: anybody may call POST /greet of Api",
                "  at:  Shop/Api (AWS::ApiGatewayV2::Api) Body.paths./greet.post",
            ],
        ]

    def test_warns_of_a_function_url(self) -> None:
        url = resource("AWS::Lambda::Url", AuthType="NONE", TargetFunctionArn=ref("Send"))
        assert self.said({"Url": url}) == [
            (
                "warning: anybody may call the function through its URL (${Send})\n"
                "  at:  Shop/Url (AWS::Lambda::Url) AuthType\n"
                "  fix: set AuthType to AWS_IAM; or acknowledge this, and say why"
            )
        ]
        assert self.said({"Url": resource("AWS::Lambda::Url", AuthType="AWS_IAM")}) == []
        assert self.said({"Url": {**url, "Metadata": {"constructs-lib:waived": {"auth": "a web hook"}}}}) == []

    @pytest.mark.parametrize("kind", ["AWS_IAM", "JWT", "CUSTOM", "COGNITO_USER_POOLS"])
    def test_accepts_every_authorizer(self, kind: str) -> None:
        assert self.said(http(AuthorizationType=kind)) == self.said(rest(AuthorizationType=kind)) == []

    @pytest.mark.parametrize(
        "api",
        [
            body({"/greet": {"get": operation(security=[{"users": []}])}}),
            body({"/greet": {"get": operation()}}, security=[{"users": []}]),
            body({"/greet": {"get": operation(**{"x-amazon-apigateway-auth": {"type": "AWS_IAM"}})}}),
        ],
    )
    def test_accepts_an_operation_that_asks(self, api: dict[str, Any]) -> None:
        assert self.said(api) == []

    def test_an_operation_can_turn_off_what_the_api_asks(self) -> None:
        paths = {"/greet": {"get": operation(security=[])}}
        assert len(self.said(body(paths, security=[{"users": []}]))) == 1

    def test_accepts_preflight_private_apis_resource_policies_and_reasons(self) -> None:
        assert self.said(rest("OPTIONS")) == []
        assert self.said(rest(integration={"Type": "MOCK"})) == []
        private = resource("AWS::ApiGateway::RestApi", EndpointConfiguration={"Types": ["PRIVATE"]})
        assert self.said({**rest(), "Api": private}) == []
        api = http()
        api["Route"]["Metadata"] = {"constructs-lib:waived": {"auth": "a health probe"}}
        assert self.said(api) == []
        api["Route"]["Metadata"] = {"constructs-lib:waived": {"auth": " "}}
        assert len(self.said(api)) == 1

    def test_a_resource_policy_counts_when_it_lets_in_some_alone(self) -> None:
        def said(**statement: Any) -> list[str]:
            told = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*", **statement}
            return self.said({**rest(), "Api": resource("AWS::ApiGateway::RestApi", Policy={"Statement": [told]})})

        assert len(said()) == 1
        assert said(Principal={"AWS": "111122223333"}) == said(Effect="Deny") == []
        unknown = resource("AWS::ApiGateway::RestApi", Policy={"Fn::Transform": {"Name": "Policies"}})
        assert self.said({**rest(), "Api": unknown}) == []
        assert said(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}) == []
        policy = {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}
        inside = {"x-amazon-apigateway-policy": policy}
        assert self.said(body({"/greet": {"get": operation()}}, "AWS::ApiGateway::RestApi", **inside)) == []

    def test_a_websocket_asks_when_it_is_opened(self) -> None:
        api = http("sendMessage")
        api["Api"]["Properties"]["ProtocolType"] = "WEBSOCKET"
        assert self.said(api) == []
        api["Route"]["Properties"]["RouteKey"] = "$connect"
        [said] = self.said(api)
        assert said.startswith("warning: anybody may call $connect of Api\n")

    def test_says_when_it_is_not_known(self) -> None:
        assert self.said(http(AuthorizationType=ref("Kind"))) == [
            (
                "unknown: who may call GET /greet\n"
                "  at:  Shop/Route (AWS::ApiGatewayV2::Route)\n"
                "  why: the authorization is known at deploy only"
            )
        ]


class TestRestRequestsAreValidated:
    ID = "rest-requests-are-validated"

    def said(self, api: dict[str, Any]) -> list[str]:
        return judged(self.ID, {**api, "Send": function()})

    @pytest.mark.parametrize("method", ["ANY", "PATCH", "POST", "PUT"])
    def test_warns_of_a_method_that_takes_anything(self, method: str) -> None:
        assert self.said(rest(method)) == [
            (
                f"warning: {method} / of Api runs its function for any request, however malformed\n"
                "  at:  Shop/Method (AWS::ApiGateway::Method) RequestValidatorId\n"
                "  fix: add an AWS::ApiGateway::RequestValidator and a model, and set RequestValidatorId"
            )
        ]

    def test_warns_of_an_operation_that_takes_anything(self) -> None:
        assert self.said(body({"/greet": {"post": operation()}}, "AWS::ApiGateway::RestApi")) == [
            (
                "warning: POST /greet of Api runs its function for any request, however malformed\n"
                "  at:  Shop/Api (AWS::ApiGateway::RestApi) Body.paths./greet.post\n"
                "  fix: name one of x-amazon-apigateway-request-validators in x-amazon-apigateway-request-validator"
            )
        ]

    def test_accepts_validators_and_methods_without_a_body(self) -> None:
        assert self.said(rest("POST", RequestValidatorId=ref("Validator"))) == self.said(rest("GET")) == []
        validated = {"x-amazon-apigateway-request-validator": "body"}
        assert self.said(body({"/greet": {"post": operation(**validated)}}, "AWS::ApiGateway::RestApi")) == []
        assert self.said(body({"/greet": {"post": operation()}}, "AWS::ApiGateway::RestApi", **validated)) == []

    def test_accepts_http_apis_and_methods_without_a_function(self) -> None:
        assert self.said(http("POST /greet")) == []
        assert self.said(rest("POST", integration={"Type": "MOCK"})) == []
