"""REST APIs on the one port: what is listed, what answers at the root, and who is meant where paths meet."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly import CloudAssembly
from constructs_lib.local import deploy
from constructs_lib.local.routes import routes_of
from constructs_lib.local.signed_call import call
from tests.local.session.example_app import ExampleApp, function

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs_lib.local import LocalAws
    from constructs_lib.local.deploy import DeployedStack

ECHO = """
import json
def handler(event, context):
    told = {"api": event["requestContext"]["apiId"], "stage": event["requestContext"]["stage"],
            "resource": event["resource"], "path": event["path"], "names": sorted(event["headers"])}
    return {"statusCode": 200, "body": json.dumps(told)}
"""
MOCK = {
    "Type": "MOCK",
    "RequestTemplates": {"application/json": '{"statusCode": 204}'},
    "IntegrationResponses": [{"StatusCode": "204"}],
}


@pytest.fixture(scope="module")
def shops(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Sequence[DeployedStack]:
    """`Shop` on stage prod, and `Twin`, which has one of its resources once more on the same stage."""
    app = ExampleApp(tmp_path_factory.mktemp("shops"))
    add(app, "Shop", {"GET items": "NONE", "POST items": "AWS_IAM", "GET keyed": "KEY", "ANY {proxy+}": "NONE"})
    add(app, "Twin", {"GET items": "NONE"}, stage="twin")
    add(app, "Double", {"GET items": "NONE"}, stage="twin")
    return deploy.deploy(CloudAssembly.read(app.folder), aws.clients, lambda _: None)


def add(app: ExampleApp, name: str, methods: Mapping[str, str], *, stage: str = "shop") -> None:
    target, rest = {"Fn::GetAtt": [f"{name}Echo", "Arn"]}, {"RestApiId": {"Ref": "Rest"}}
    uri = {"Fn::Join": ["", ["arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/", target, "/invocations"]]}
    resources: dict[str, Any] = {
        **function(app.code(ECHO), "index.handler", statement=None, path=f"{name}/Echo"),
        "Rest": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": f"{name} api"}},
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": target,
                "Principal": "apigateway.amazonaws.com",
            },
        },
    }
    for part in {key.partition(" ")[2] for key in methods}:
        parent = {"Fn::GetAtt": ["Rest", "RootResourceId"]}
        label = "".join(each for each in part if each.isalnum())
        properties = {**rest, "PathPart": part, "ParentId": parent}
        resources[f"R{label}"] = {"Type": "AWS::ApiGateway::Resource", "Properties": properties}
        resources[f"O{label}"] = method(label, "OPTIONS", "NONE", MOCK)
    for key, authorization in methods.items():
        verb, _, part = key.partition(" ")
        label = "".join(each for each in part if each.isalnum())
        integration = {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri}
        resources[f"{verb}{label}"] = method(label, verb, authorization, integration)
    made = [key for key in resources if resources[key]["Type"] == "AWS::ApiGateway::Method"]
    resources["Deployment"] = {"Type": "AWS::ApiGateway::Deployment", "DependsOn": made, "Properties": rest}
    staged = {**rest, "DeploymentId": {"Ref": "Deployment"}, "StageName": stage}
    resources["Stage"] = {"Type": "AWS::ApiGateway::Stage", "Properties": staged}
    if "KEY" in methods.values():
        plan = {"ApiStages": [{"ApiId": {"Ref": "Rest"}, "Stage": {"Ref": "Stage"}}]}
        paired = {"KeyId": {"Ref": "Key"}, "KeyType": "API_KEY", "UsagePlanId": {"Ref": "Plan"}}
        resources["Key"] = {
            "Type": "AWS::ApiGateway::ApiKey",
            "Properties": {"Enabled": True, "Value": "key-of-the-shop-0123456789"},
        }
        resources["Plan"] = {"Type": "AWS::ApiGateway::UsagePlan", "Properties": plan}
        resources["PlanKey"] = {"Type": "AWS::ApiGateway::UsagePlanKey", "Properties": paired}
    app.add_stack(name, {"Resources": resources, "Outputs": {"ApiId": {"Value": {"Ref": "Rest"}}}})


def method(label: str, verb: str, authorization: str, integration: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGateway::Method",
        "Properties": {
            "RestApiId": {"Ref": "Rest"},
            "ResourceId": {"Ref": f"R{label}"},
            "HttpMethod": verb,
            "AuthorizationType": "NONE" if authorization == "KEY" else authorization,
            "ApiKeyRequired": authorization == "KEY",
            "Integration": integration,
        },
    }


@pytest.fixture(scope="module")
def ids(shops: Sequence[DeployedStack]) -> Mapping[str, str]:
    return {stack.artifact.name: stack.outputs["ApiId"] for stack in shops}


class TestListed:
    def test_names_each_method_with_a_call_that_works(self, aws: LocalAws, shops: Sequence[DeployedStack]) -> None:
        routes = [each for each in routes_of(shops, aws.clients, aws.url) if each.path.startswith("/shop/")]
        found = {(each.method, each.path, each.authorization): each for each in routes}
        assert set(found) == {
            ("GET", "/shop/items", "NONE"),
            ("POST", "/shop/items", "AWS_IAM"),
            ("GET", "/shop/keyed", "NONE"),
            ("ANY", "/shop/{proxy+}", "NONE"),
        }
        keyed = found["GET", "/shop/keyed", "NONE"]
        header = "x-api-key: key-of-the-shop-0123456789"
        assert keyed.command("lib") == f"curl {aws.url}/shop/keyed -H {shlex.quote(header)}"
        assert call("GET", keyed.url, credentials=None, region="us-east-1").status == 403
        name, _, value = header.partition(": ")
        assert call("GET", keyed.url, headers={name: value}, credentials=None, region="us-east-1").status == 200
        assert found["POST", "/shop/items", "AWS_IAM"].command("lib") == f"lib call POST {aws.url}/shop/items -d '{{}}'"

    def test_names_the_api_where_two_have_the_same_path(
        self, aws: LocalAws, shops: Sequence[DeployedStack], ids: Mapping[str, str]
    ) -> None:
        urls = {each.url for each in routes_of(shops, aws.clients, aws.url) if each.path == "/twin/items"}
        assert urls == {f"{aws.url}/_api/{ids[name]}/twin/items" for name in ("Twin", "Double")}


@pytest.mark.usefixtures("shops")
class TestRoot:
    def test_answers_at_the_path_of_its_stage(self, aws: LocalAws, ids: Mapping[str, str]) -> None:
        found = json.loads(aws.call("GET", "/shop/items").body)
        assert (found["api"], found["stage"], found["path"]) == (ids["Shop"], "shop", "/items")
        assert json.loads(aws.call("GET", "/shop/some/where").body)["resource"] == "/{proxy+}"

    def test_takes_signed_calls(self, aws: LocalAws) -> None:
        assert aws.call("POST", "/shop/items", json={}).status == 403
        assert aws.call("POST", "/shop/items", json={}, signed=True).status == 200

    def test_hands_on_the_names_of_headers_as_they_were_sent(self, aws: LocalAws) -> None:
        found = json.loads(aws.call("GET", "/shop/items", headers={"X-Own-Name": "1"}).body)
        assert "X-Own-Name" in found["names"]

    def test_answers_a_preflight(self, aws: LocalAws) -> None:
        asked = {"origin": "https://shop.example", "access-control-request-method": "GET"}
        assert aws.call("OPTIONS", "/shop/items", headers=asked).status == 204

    def test_refuses_as_its_api_does_what_it_has_no_method_for(self, aws: LocalAws) -> None:
        answer = aws.call("GET", "/shop")
        assert (answer.status, answer.text) == (403, '{"message":"Missing Authentication Token"}')

    def test_asks_which_of_two_apis_is_meant(self, aws: LocalAws, ids: Mapping[str, str]) -> None:
        answer = aws.call("GET", "/twin/items")
        ways = " or ".join(sorted(f"/_api/{ids[name]}/twin/items" for name in ("Twin", "Double")))
        assert answer.status == 421
        assert json.loads(answer.body)["message"] == f"2 APIs have a route for GET /twin/items: ask {ways}"
        assert aws.call("GET", f"/_api/{ids['Twin']}/twin/items").status == 200

    def test_answers_under_its_name(self, aws: LocalAws, ids: Mapping[str, str]) -> None:
        found = json.loads(aws.call("GET", "/twin/items", headers={"host": "double-api.localhost"}).body)
        assert found["api"] == ids["Double"]
