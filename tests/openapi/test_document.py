"""The OpenAPI document of an app: valid, whole, and without anything the templates do not tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
import yaml
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cognito as cognito
from openapi_spec_validator import validate

from app import compose
from constructs_lib import Cognito, Domain, Iam, Jwt, Public, SecureApi, SecureApiFunction, SecureRestApi
from constructs_lib.assembly.model import Assembly
from constructs_lib.cli import main
from constructs_lib.openapi.document import DocumentError, document_of

ENTRY = "lambda_src/greeting/greet.ts"
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/1"
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


def document(app: cdk.App, **asked: str) -> dict[str, Any]:
    written = document_of(Assembly.read(app.synth().directory), **asked)
    validate(written)
    return written


def operations(written: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method, path) for path, item in written["paths"].items() for method in item if method in METHODS}


class TestPaths:
    def test_tells_every_route_with_its_variables(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        example: Any = {"path": "/users/ada"}
        SecureApiFunction(stack, "ReadUser", api=api, route="GET /users/{id}", entry=ENTRY, example=example)
        SecureApiFunction(stack, "Files", api=api, route="DELETE /files/{path+}", entry=ENTRY, description="Remove one")
        written = document(app)
        assert operations(written) == {("get", "/users/{id}"), ("delete", "/files/{path}")}
        assert list(written["paths"]) == ["/files/{path}", "/users/{id}"]
        read = written["paths"]["/users/{id}"]["get"]
        assert (read["operationId"], read["tags"]) == ("readUser", ["Shop/Api"])
        assert read["parameters"] == [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": "ada"}
        ]
        assert written["paths"]["/files/{path}"]["delete"]["summary"] == "Remove one"

    def test_any_is_every_method_that_has_no_route_of_its_own(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        SecureApiFunction(stack, "All", api=api, route="ANY /users", entry=ENTRY)
        SecureApiFunction(stack, "Make", api=api, route="POST /users", entry=ENTRY)
        item = document(app)["paths"]["/users"]
        assert set(item) == set(METHODS)
        assert [item[each]["operationId"] for each in ("get", "post")] == ["getAll", "make"]

    def test_paths_that_differ_in_names_of_variables_are_one(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        SecureApiFunction(stack, "Read", api=api, route="GET /users/{id}", entry=ENTRY)
        SecureApiFunction(stack, "Write", api=api, route="PUT /users/{name}", entry=ENTRY)
        written = document(app)
        assert operations(written) == {("get", "/users/{id}"), ("put", "/users/{id}")}
        assert written["paths"]["/users/{id}"]["put"]["parameters"][0]["name"] == "id"

    def test_answers_to_browsers_are_no_routes(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = SecureRestApi(stack, "Api", auth=Iam(), cors_origins=["https://app.example.com"])
        SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY)
        assert operations(document(app)) == {("get", "/users")}

    def test_other_answers_of_api_gateway_itself_are_routes(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = apigateway.RestApi(stack, "Api", cloud_watch_role=False)
        api.root.add_resource("health").add_method("GET", apigateway.MockIntegration())
        assert operations(document(app)) == {("get", "/health")}

    def test_a_path_in_one_piece_comes_before_the_rest_of_a_path(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        SecureApiFunction(stack, "Rest", api=api, route="ANY /files/{all+}", entry=ENTRY)
        SecureApiFunction(stack, "Tree", api=api, route="GET /files/{aaa+}", entry=ENTRY)
        SecureApiFunction(stack, "One", api=api, route="GET /files/{name}", entry=ENTRY)
        item = document(app)["paths"]["/files/{name}"]
        assert (item["get"]["operationId"], item["put"]["operationId"]) == ("one", "putRest")

    def test_two_apis_share_a_path(self, app: cdk.App, stack: cdk.Stack) -> None:
        """Each method is where its own API is."""
        for name, verb in (("One", "GET"), ("Two", "POST")):
            api = SecureApi(stack, name, auth=Iam())
            SecureApiFunction(stack, f"Users{name}", api=api, route=f"{verb} /users", entry=ENTRY)
        item = document(app)["paths"]["/users"]
        [get], [post] = item["servers"], item["post"]["servers"]
        assert "servers" not in item["get"]
        assert ("One" in str(get), "Two" in str(post)) == (True, True)

    def test_functions_in_nested_stacks(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam(), nest_functions=True)
        SecureApiFunction(stack, "ReadUser", api=api, route="GET /users", entry=ENTRY)
        assert document(app)["paths"]["/users"]["get"]["operationId"] == "readUser"

    def test_routes_of_the_cdk_itself(self, app: cdk.App, stack: cdk.Stack) -> None:
        rest = apigateway.RestApi(stack, "Rest")
        rest.root.add_resource("things").add_method(
            "GET",
            apigateway.HttpIntegration("https://example.com"),
            api_key_required=True,
            request_parameters={"method.request.querystring.page": True, "method.request.header.x-own": False},
        )
        written = document(app)["paths"]["/things"]["get"]
        assert [(each["name"], each["in"], each["required"]) for each in written["parameters"]] == [
            ("x-own", "header", False),
            ("page", "query", True),
        ]
        assert written["security"] == [{"key": []}]


class TestSecurity:
    def test_tells_who_may_call_each_route(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Jwt("https://login.example.com/", "shop", scopes=["users/read"]))
        SecureApiFunction(stack, "Read", api=api, route="GET /a", entry=ENTRY)
        SecureApiFunction(stack, "Sign", api=api, route="GET /b", entry=ENTRY, auth=Iam())
        SecureApiFunction(stack, "Probe", api=api, route="GET /c", entry=ENTRY, auth=Public("health probe"))
        SecureApiFunction(stack, "Write", api=api, route="GET /d", entry=ENTRY, scopes=["users/write"])
        written = document(app)
        [(jwt, scheme)] = [each for each in written["components"]["securitySchemes"].items() if each[0] != "iam"]
        assert scheme["openIdConnectUrl"] == "https://login.example.com/.well-known/openid-configuration"
        asked = {path: item["get"]["security"] for path, item in written["paths"].items()}
        assert asked == {
            "/a": [{jwt: ["users/read"]}],
            "/b": [{"iam": []}],
            "/c": [],
            "/d": [{jwt: ["users/read", "users/write"]}],
        }

    @pytest.mark.parametrize(("kind", "type_"), [(SecureApi, "http"), (SecureRestApi, "apiKey")])
    def test_a_user_pool(
        self, app: cdk.App, stack: cdk.Stack, kind: type[SecureApi | SecureRestApi], type_: str
    ) -> None:
        api = kind(stack, "Api", auth=Cognito(cognito.UserPool(stack, "Pool")))
        SecureApiFunction(stack, "Read", api=api, route="GET /a", entry=ENTRY)
        [scheme] = document(app)["components"]["securitySchemes"].values()
        assert scheme["type"] == type_


class TestBodies:
    def test_what_a_rest_api_checks_is_required(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = SecureRestApi(stack, "Api", auth=Iam())
        zod = "lambda_src/users/user.ts:NewUser"
        SecureApiFunction(stack, "Create", api=api, route="POST /users", entry=ENTRY, request=zod)
        SecureApiFunction(stack, "List", api=api, route="GET /users", entry=ENTRY)
        written = document(app)
        create = written["paths"]["/users"]["post"]
        assert create["requestBody"] == {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewUser"}}},
        }
        assert written["components"]["schemas"]["NewUser"]["required"] == ["name", "email"]
        assert "400" in create["responses"]
        assert "400" in written["paths"]["/users"]["get"]["responses"]  # its parameters are checked, too

    def test_what_nobody_checks_has_its_example(self, app: cdk.App, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam())
        example: Any = {"body": {"name": "Ada"}}
        SecureApiFunction(stack, "Create", api=api, route="POST /users", entry=ENTRY, example=example)
        create = document(app)["paths"]["/users"]["post"]
        assert "400" not in create["responses"]
        assert create["requestBody"] == {"content": {"application/json": {"example": {"name": "Ada"}}}}
        assert set(create["responses"]) == {"default", "403", "413", "429", "500", "503"}


class TestServers:
    def test_an_http_api_is_at_its_root_and_a_rest_api_below_its_stage(self, app: cdk.App, stack: cdk.Stack) -> None:
        for name, kind in (("Plain", SecureApi), ("Rest", SecureRestApi)):
            SecureApiFunction(stack, f"Of{name}", api=kind(stack, name, auth=Iam()), route=f"GET /{name}", entry=ENTRY)
        paths = document(app)["paths"]
        assert [paths[path]["servers"][0]["url"].partition("amazonaws.com")[2] for path in ("/Plain", "/Rest")] == [
            "",
            "/live",
        ]

    @pytest.mark.parametrize("kind", [SecureApi, SecureRestApi])
    def test_an_api_with_a_name_is_there_alone(
        self, app: cdk.App, stack: cdk.Stack, kind: type[SecureApi | SecureRestApi]
    ) -> None:
        certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)
        api = kind(stack, "Api", auth=Iam(), domain=Domain("api.example.com", certificate, path="v1"))
        SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY)
        assert document(app)["servers"] == [{"url": "https://api.example.com/v1"}]


class TestRefusals:
    def test_two_apis_with_one_route(self, app: cdk.App, stack: cdk.Stack) -> None:
        for name in ("One", "Two"):
            api = SecureApi(stack, name, auth=Iam())
            SecureApiFunction(stack, f"Read{name}", api=api, route="GET /users/{id}", entry=ENTRY)
        with pytest.raises(DocumentError, match="is a route of Shop/One and of Shop/Two, and a document has it once"):
            document(app)
        assert document(app, api="Shop/One")["info"]["title"] == "Shop/One"

    def test_two_apis_of_which_one_has_any(self, app: cdk.App, stack: cdk.Stack) -> None:
        for name, verb in (("One", "ANY"), ("Two", "GET")):
            api = SecureApi(stack, name, auth=Iam())
            SecureApiFunction(stack, f"Read{name}", api=api, route=f"{verb} /users", entry=ENTRY)
        with pytest.raises(DocumentError, match="is a route of Shop/One and of Shop/Two"):
            document(app)

    def test_an_api_that_is_not_there(self, app: cdk.App, stack: cdk.Stack) -> None:
        apigatewayv2.HttpApi(stack, "Empty")
        api = SecureApi(stack, "Api", auth=Iam())
        SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY)
        with pytest.raises(DocumentError) as caught:
            document(app, api="Shop/Nobody")
        assert str(caught.value) == (
            "no HTTP or REST API is at Shop/Nobody\n  at:  Shop/Nobody\n  fix: name one of: Shop/Api"
        )


def test_the_document_of_the_examples_is_valid_and_knows_what_the_written_one_knows(app: cdk.App) -> None:
    compose(app)
    told = operations(document(app))
    by_hand = operations(yaml.safe_load(Path("examples/openapi.yaml").read_text()))
    assert by_hand <= told
    stacks = {path.split("/")[1] for _, path in by_hand}
    assert by_hand == {(method, path) for method, path in told if path.split("/")[1] in stacks}


def test_the_command_writes_it(app: cdk.App, stack: cdk.Stack, capsys: pytest.CaptureFixture[str]) -> None:
    api = SecureApi(stack, "Api", auth=Iam())
    SecureApiFunction(stack, "Read", api=api, route="GET /users", entry=ENTRY)
    folder = app.synth().directory
    assert main(["openapi", folder, "--title", "Users", "--version", "2", "--api", "Shop"]) == 0
    assert json.loads(capsys.readouterr().out)["info"] == {"title": "Users", "version": "2"}
    assert main(["openapi", folder, "--api", "Nobody"]) == 1
    assert "fix: name one of: Shop/Api" in capsys.readouterr().err
