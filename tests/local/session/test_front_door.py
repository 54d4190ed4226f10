"""One port, many APIs: who answers what. Three APIs share paths; each answer says which API gave it."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from constructs_lib.assembly import CloudAssembly
from constructs_lib.local import deploy
from constructs_lib.local.overlay.front_door import host_label
from constructs_lib.local.routes import routes_of
from constructs_lib.local.signed_call import ROOT, call
from tests.local.session.example_app import ExampleApp, function, http_api, route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from constructs_lib.local import LocalAws
    from constructs_lib.local.deploy import DeployedStack
    from constructs_lib.local.signed_call import Answer

ECHO = """
import json
def handler(event, context):
    http = event["requestContext"]["http"]
    seen = {"route": event["routeKey"], "path": event["rawPath"], "stage": event["requestContext"]["stage"],
            "api": event["requestContext"]["apiId"], "query": event.get("rawQueryString", ""),
            "id": (event.get("pathParameters") or {}).get("id", "")}
    return {"statusCode": 200, "body": json.dumps(seen)}
"""
REST = "def handler(event, context): return {'statusCode': 200, 'body': event['path']}"


@pytest.fixture(scope="session")
def doors(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Sequence[DeployedStack]:
    """The stacks of three APIs: `One`, `Two` (which overlaps with it) and `Staged` (on a stage named v1)."""
    app = ExampleApp(tmp_path_factory.mktemp("doors"))
    cors = {"AllowOrigins": ["https://shop.example"], "AllowMethods": ["PUT"], "AllowHeaders": ["content-type"]}
    add(app, "One", {"GET /doors/{id}": "NONE", "GET /doors/same": "NONE", "ANY /deep/{proxy+}": "NONE"})
    add(app, "Two", {"GET /doors/red": "NONE", "GET /doors/same": "NONE", "PUT /doors/{id}": "AWS_IAM"}, cors=cors)
    add(app, "Staged", {"GET /doors/{id}": "NONE", "$default": "NONE"}, stage="v1")
    return deploy.deploy(CloudAssembly.read(app.folder), aws.clients, lambda _: None)


@pytest.fixture(scope="session", autouse=True)
def apis(doors: Sequence[DeployedStack]) -> Mapping[str, str]:
    """The ids of the three APIs by the names of their stacks."""
    return {stack.artifact.name: stack.outputs["ApiId"] for stack in doors}


def add(
    app: ExampleApp,
    name: str,
    routes: Mapping[str, str],
    *,
    stage: str = "$default",
    cors: dict[str, Any] | None = None,
) -> None:
    resources = http_api(f"{name} doors", **({} if cors is None else {"CorsConfiguration": cors}))
    resources["Stage"]["Properties"]["StageName"] = stage
    for number, (key, auth) in enumerate(routes.items()):
        target = f"{name}Fn{number}"
        resources |= function(app.code(ECHO), "index.handler", statement=None, path=f"{name}/Fn{number}")
        resources |= route(key, target, auth=auth)
    app.add_stack(name, {"Resources": resources, "Outputs": {"ApiId": {"Value": {"Ref": "Api"}}}})


def seen(answer: Answer) -> dict[str, str]:
    assert answer.status == 200, answer.text
    content: dict[str, str] = json.loads(answer.body)
    return content


def raw(url: str, request: bytes) -> bytes:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


class TestRoot:
    def test_the_api_with_the_more_specific_route_answers(self, aws: LocalAws, apis: Mapping[str, str]) -> None:
        red, blue = seen(aws.call("GET", "/doors/red")), seen(aws.call("GET", "/doors/blue"))
        assert (red["api"], red["route"]) == (apis["Two"], "GET /doors/red")
        assert (blue["api"], blue["route"], blue["id"]) == (apis["One"], "GET /doors/{id}", "blue")

    def test_greedy_paths_and_any_method(self, aws: LocalAws, apis: Mapping[str, str]) -> None:
        found = seen(aws.call("PATCH", "/deep/a/b/c?x=1&y=%20z", body=b"{}"))
        assert (found["api"], found["path"], found["query"]) == (apis["One"], "/deep/a/b/c", "x=1&y=%20z")

    def test_a_stage_with_a_name_is_part_of_the_path(self, aws: LocalAws, apis: Mapping[str, str]) -> None:
        found = seen(aws.call("GET", "/v1/doors/green"))
        assert (found["api"], found["stage"], found["route"]) == (apis["Staged"], "v1", "GET /doors/{id}")

    def test_a_route_for_everything_else_takes_everything_else(self, aws: LocalAws, apis: Mapping[str, str]) -> None:
        assert seen(aws.call("DELETE", "/v1/anything/else"))["route"] == "$default"
        assert seen(aws.call("GET", "/v1"))["api"] == apis["Staged"]

    @pytest.mark.parametrize(
        "path", ["/", "/nope", "/health", "/_ministack/health", "/doors", "/doors/a/b", "/v11/doors/a", "/_aws/x",
                 "/_api/", "/_api/none/doors/red", "/restapis/x/y/_user_request_/z", "/_constructs_lib/role-session"],
    )  # fmt: skip
    def test_what_no_api_has_is_not_found_as_aws_says_it(self, aws: LocalAws, path: str) -> None:
        answer = aws.call("GET", path)
        assert (answer.status, answer.text) == (404, '{"message":"Not Found"}')
        assert answer.header("content-type") == "application/json"

    def test_two_apis_with_the_same_route_are_told_apart(self, aws: LocalAws, apis: Mapping[str, str]) -> None:
        answer = aws.call("GET", "/doors/same")
        ways = " or ".join(sorted(f"/_api/{apis[name]}/doors/same" for name in ("One", "Two")))
        assert answer.status == 421
        assert json.loads(answer.body) == {"message": f"2 APIs have a route for GET /doors/same: ask {ways}"}

    def test_their_commands_name_the_api(
        self, aws: LocalAws, doors: Sequence[DeployedStack], apis: Mapping[str, str]
    ) -> None:
        routes = routes_of(doors, aws.clients, aws.url)
        assert [each.url for each in routes if each.path == "/doors/red"] == [f"{aws.url}/doors/red"]
        same = [each.url for each in routes if each.path == "/doors/same"]
        assert same == [f"{aws.url}/_api/{apis[name]}/doors/same" for name in ("One", "Two")]
        assert [call("GET", url, credentials=None, region="us-east-1").status for url in same] == [200, 200]


class TestOneApi:
    @pytest.mark.parametrize("name", ["One", "Two"])
    def test_by_its_id(self, aws: LocalAws, apis: Mapping[str, str], name: str) -> None:
        found = seen(aws.call("GET", f"/_api/{apis[name]}/doors/same"))
        assert (found["api"], found["path"]) == (apis[name], "/doors/same")

    def test_by_its_id_and_stage(self, aws: LocalAws, apis: Mapping[str, str]) -> None:
        found = seen(aws.call("GET", f"/_api/{apis['Staged']}/v1/doors/x"))
        assert (found["stage"], found["id"]) == ("v1", "x")

    def test_by_its_name_as_host(self, aws: LocalAws, apis: Mapping[str, str]) -> None:
        found = seen(aws.call("GET", "/doors/same", headers={"host": "two-doors.localhost:3000"}))
        assert found["api"] == apis["Two"]

    def test_by_its_id_as_host(self, aws: LocalAws, apis: Mapping[str, str]) -> None:
        found = seen(aws.call("GET", "/doors/same", headers={"host": f"{apis['Two']}.execute-api.localhost"}))
        assert found["api"] == apis["Two"]

    def test_names_become_labels(self) -> None:
        assert [host_label(name) for name in ("Users", "My API (dev)", "--x__y")] == ["users", "my-api-dev", "x-y"]


class TestRestApi:
    def test_answers_by_its_id_and_stage(self, aws: LocalAws, tmp_path: Path) -> None:
        app = ExampleApp(tmp_path)
        target = {"Fn::GetAtt": ["RestEcho", "Arn"]}
        uri = {
            "Fn::Join": ["", ["arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/", target, "/invocations"]]
        }
        rest = {"RestApiId": {"Ref": "Rest"}}
        resources = {
            **function(app.code(REST), "index.handler", statement=None, path="Rest/Echo"),
            "Rest": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "rest"}},
            "Item": {
                "Type": "AWS::ApiGateway::Resource",
                "Properties": {**rest, "PathPart": "items",
                               "ParentId": {"Fn::GetAtt": ["Rest", "RootResourceId"]}},
            },
            "Get": {
                "Type": "AWS::ApiGateway::Method",
                "Properties": {
                    **rest, "ResourceId": {"Ref": "Item"}, "HttpMethod": "GET",
                    "AuthorizationType": "NONE",
                    "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri},
                },
            },
            "Deployment": {
                "Type": "AWS::ApiGateway::Deployment", "DependsOn": ["Get"], "Properties": rest,
            },
            "Prod": {
                "Type": "AWS::ApiGateway::Stage",
                "Properties": {**rest, "DeploymentId": {"Ref": "Deployment"}, "StageName": "prod"},
            },
            "Permission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {"Action": "lambda:InvokeFunction", "FunctionName": target,
                               "Principal": "apigateway.amazonaws.com"},
            },
        }  # fmt: skip
        app.add_stack("Rest", {"Resources": resources, "Outputs": {"ApiId": {"Value": {"Ref": "Rest"}}}})
        [stack] = deploy.deploy(CloudAssembly.read(app.folder), aws.clients, lambda _: None)
        answer = aws.call("GET", f"/_api/{stack.outputs['ApiId']}/prod/items")
        assert (answer.status, answer.text) == (200, "/items")


class TestSignatures:
    @pytest.mark.parametrize(
        "path", ["/doors/a", "/doors/a%20b", "/doors/%C3%BC", "/doors/a?x=1&y=2", "/doors/a?y=%20&x=%2F+", "/doors/*~'"]
    )
    def test_a_signature_made_for_this_address_verifies(
        self, aws: LocalAws, apis: Mapping[str, str], path: str
    ) -> None:
        found = seen(aws.call("PUT", path, json={"a": 1}, signed=True))
        assert (found["api"], found["route"]) == (apis["Two"], "PUT /doors/{id}")

    def test_a_signature_made_for_one_api_verifies(self, aws: LocalAws, apis: Mapping[str, str]) -> None:
        assert seen(aws.call("PUT", f"/_api/{apis['Two']}/doors/a", signed=True))["id"] == "a"

    def test_a_role_without_the_right_to_invoke_is_refused(self, aws: LocalAws) -> None:
        session = aws.client_of("Users/ReadUser", "sts")._request_signer._credentials
        answer = call("PUT", f"{aws.url}/doors/a", credentials=session, region="us-east-1")
        assert answer.status == 403

    def test_an_altered_path_is_refused(self, aws: LocalAws) -> None:
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - only this test signs by hand
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - likewise

        session = aws.client_of("Users/ReadUser", "sts")._request_signer._credentials
        request = AWSRequest(method="PUT", url=f"{aws.url}/doors/a", data=b"")
        SigV4Auth(session, "execute-api", "us-east-1").add_auth(request)
        answer = call(
            "PUT", f"{aws.url}/doors/b", headers=dict(request.headers.items()), credentials=None, region="us-east-1"
        )
        assert answer.status == 403

    def test_the_root_user_may_call_everything(self, aws: LocalAws, apis: Mapping[str, str]) -> None:
        answer = call("PUT", f"{aws.url}/doors/a", credentials=ROOT, region="us-east-1")
        assert seen(answer)["api"] == apis["Two"]


class TestNames:
    @pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "localhost.evil.example", "x", ""])
    def test_answers_under_no_name_but_those_of_this_machine(self, aws: LocalAws, host: str) -> None:
        answer = aws.call("GET", "/doors/red", headers={"host": host})
        assert answer.status == 403
        assert answer.json()["message"] == f"host {host!r} is not this machine: ask 127.0.0.1 or localhost"

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost:3000", "[::1]:3000", "LOCALHOST"])
    def test_answers_under_every_name_of_this_machine(self, aws: LocalAws, host: str) -> None:
        assert seen(aws.call("GET", "/doors/red", headers={"host": host}))["route"] == "GET /doors/red"

    def test_leaves_pages_to_the_api_as_aws_does(self, aws: LocalAws) -> None:
        headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
        answer = aws.call("GET", "/doors/red", headers=headers)
        assert (answer.status, answer.header("access-control-allow-origin")) == (200, "")

    @pytest.mark.parametrize("name", ["Host: localhost", "Authorization: x", "Origin: x"])
    def test_refuses_a_header_that_must_not_come_twice(self, aws: LocalAws, name: str) -> None:
        lines = ["GET /doors/red HTTP/1.1", "Connection: close", "Host: localhost", name, name]
        for url in (aws.url, aws.endpoint):
            assert b" 400 " in raw(url, "\r\n".join([*lines, "", ""]).encode()).partition(b"\r\n")[0]


class TestWebSockets:
    def test_are_opened_under_no_name_but_those_of_this_machine(self, aws: LocalAws) -> None:
        gateway = aws.client("apigatewayv2")
        api = gateway.create_api(Name="talk", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.do")
        gateway.create_stage(ApiId=api["ApiId"], StageName="live")

        def status(url: str, host: str) -> int:
            asked = [f"GET /_aws/execute-api/{api['ApiId']}/live HTTP/1.1", f"Host: {host}", "Connection: Upgrade",
                     "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""]  # fmt: skip
            parts = urlsplit(url)
            with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
                connection.sendall("\r\n".join(asked).encode())
                return int(connection.recv(65536).split(b" ", 2)[1])

        for url in (aws.endpoint, aws.url):
            assert (status(url, "localhost"), status(url, "evil.example")) == (101, 403)
        gateway.delete_api(ApiId=api["ApiId"])


class TestHttp:
    def test_a_preflight_is_answered_by_the_api_that_has_the_route(self, aws: LocalAws) -> None:
        headers = {"origin": "https://shop.example", "access-control-request-method": "PUT"}
        answer = aws.call("OPTIONS", "/doors/a", headers=headers)
        assert answer.status == 204
        assert answer.header("access-control-allow-origin") == "https://shop.example"
        assert answer.header("access-control-allow-methods") == "PUT"

    def test_a_preflight_goes_to_a_route_for_options_where_no_api_answers_it(
        self, aws: LocalAws, apis: Mapping[str, str]
    ) -> None:
        headers = {"origin": "https://shop.example", "access-control-request-method": "PUT"}
        found = seen(aws.call("OPTIONS", "/deep/a", headers=headers))
        assert (found["api"], found["route"]) == (apis["One"], "ANY /deep/{proxy+}")

    def test_a_head_has_no_body(self, aws: LocalAws) -> None:
        answer = aws.call("HEAD", "/deep/a")
        assert (answer.status, answer.body) == (200, b"")

    @pytest.mark.parametrize(
        "request_line",
        [b"GET /doors/%zz HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET /doors/red?\xff HTTP/1.1",
         b"GET //doors//red HTTP/1.1",
         b"GET /doors/" + b"a" * 9000 + b" HTTP/1.1", b"BREW /doors/red HTTP/1.1", b"GET /doors/%00 HTTP/1.1"],
    )  # fmt: skip
    def test_odd_requests_get_an_answer_that_is_no_server_error(self, aws: LocalAws, request_line: bytes) -> None:
        answer = raw(aws.url, request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 ")
        assert 200 <= int(answer.split(b" ", 2)[1]) < 500
