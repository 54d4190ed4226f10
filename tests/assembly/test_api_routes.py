from __future__ import annotations

from typing import Any

import pytest

from constructs_lib.assembly.api_routes import Kind, Route, routes_of
from constructs_lib.assembly.model import Assembly

URI = {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Send.Arn}/invocations"}
ROOT = {"Fn::GetAtt": ["Api", "RootResourceId"]}
REST, HTTP = "AWS::ApiGateway::", "AWS::ApiGatewayV2::"


def routes(**resources: tuple[str, dict[str, Any]]) -> list[Route]:
    made = {name: {"Type": kind, "Properties": properties} for name, (kind, properties) in resources.items()}
    made["Send"] = {"Type": "AWS::Lambda::Function", "Properties": {}}
    return list(routes_of(Assembly.of({"Shop": {"Resources": made}})))


def test_the_path_of_a_rest_method_is_that_of_its_resources() -> None:
    users = (f"{REST}Resource", {"PathPart": "users", "ParentId": ROOT})
    one = (f"{REST}Resource", {"PathPart": "{id}", "ParentId": {"Ref": "Users"}})
    called = {"Type": "AWS_PROXY", "Uri": URI, "TimeoutInMillis": 5000}
    told = {"RestApiId": {"Ref": "Api"}, "ResourceId": {"Ref": "One"}, "HttpMethod": "get", "Integration": called}
    [route] = routes(Api=(f"{REST}RestApi", {}), Users=users, One=one, Get=(f"{REST}Method", told))
    assert (str(route), route.kind, route.seconds, str(route.api)) == ("GET /users/{id}", Kind.REST, 5.0, "Api")
    assert str(route.function) == "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${Send}"


def test_resources_below_one_another_in_a_circle_end() -> None:
    circle = (f"{REST}Resource", {"PathPart": "a", "ParentId": {"Ref": "Circle"}})
    [route] = routes(Circle=circle, Get=(f"{REST}Method", {"ResourceId": {"Ref": "Circle"}, "HttpMethod": "GET"}))
    assert route.path == "/" + "/".join(["a"] * 64)


@pytest.mark.parametrize(("protocol", "kind", "seconds"), [("HTTP", Kind.HTTP, 30), ("WEBSOCKET", Kind.WEBSOCKET, 29)])
def test_a_route_leads_to_its_integration(protocol: str, kind: Kind, seconds: float) -> None:
    target = {"Fn::Join": ["/", ["integrations", {"Ref": "Call"}]]}
    [route] = routes(
        Api=(f"{HTTP}Api", {"ProtocolType": protocol}),
        Call=(f"{HTTP}Integration", {"IntegrationUri": {"Fn::GetAtt": ["Send", "Arn"]}}),
        Get=(f"{HTTP}Route", {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /users", "Target": target}),
    )
    assert (str(route), route.kind, route.seconds) == ("GET /users", kind, seconds)
    assert str(route.function) == "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${Send}"


def test_a_body_lists_routes() -> None:
    integration = {"uri": URI, "timeoutInMillis": 1000}
    paths = {
        "/users": {
            "get": {"x-amazon-apigateway-integration": integration},
            "x-amazon-apigateway-any-method": {},
            "parameters": [],
        },
        "/broken": None,
    }
    found = routes(Api=(f"{REST}RestApi", {"Body": {"paths": paths}}))
    assert [(str(route), route.seconds, route.function is None) for route in found] == [
        ("GET /users", 1.0, False),
        ("ANY /users", 29.0, True),
    ]


@pytest.mark.parametrize("body", [5, [], {"paths": []}, {"paths": {"/": {"get": 5}}}, {"Ref": "AWS::NoValue"}])
def test_a_body_that_is_none_lists_nothing(body: object) -> None:
    assert routes(Api=(f"{REST}RestApi", {"Body": body})) == []


def test_what_calls_no_function_has_none() -> None:
    queue = "arn:aws:apigateway:eu-west-1:sqs:path/111122223333/jobs"
    told = {"HttpMethod": "POST", "Integration": {"Type": "AWS", "Uri": queue}}
    mock = {"HttpMethod": "GET", "Integration": {"Type": "MOCK"}}
    assert [route.function for route in routes(A=(f"{REST}Method", told), B=(f"{REST}Method", mock))] == [None, None]
    [route] = routes(Call=(f"{HTTP}Integration", {}), Get=(f"{HTTP}Route", {"RouteKey": "GET /"}))
    assert (route.function, route.is_authorized) == (None, False)


def test_an_answer_may_be_streamed() -> None:
    stream = {"Type": "AWS_PROXY", "Uri": URI, "ResponseTransferMode": "STREAM"}
    [route] = routes(Get=(f"{REST}Method", {"HttpMethod": "GET", "Integration": stream}))
    assert route.is_streamed
