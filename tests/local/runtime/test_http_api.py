"""Requests to the deployed HTTP API: the event, the answers, and who is let in."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from tests.local.runtime.deployed import App

JSON = {"content-type": "application/json"}
ROOT = Credentials("test", "test")
FAILED = b'{"message":"Internal Server Error"}'


class TestEvent:
    def test_has_the_shape_of_payload_format_2(self, mended: App) -> None:
        sent = {**JSON, "Cookie": "a=1; b=2", "X-Own": "Value"}
        event = mended.call("POST", "/echo?a=1&a=2&b=", b'{"x": "\xc3\xbc"}', headers=sent).json()
        assert {name: event[name] for name in ("version", "routeKey", "rawPath", "rawQueryString", "cookies")} == {
            "version": "2.0",
            "routeKey": "ANY /echo",
            "rawPath": "/echo",
            "rawQueryString": "a=1&a=2&b=",
            "cookies": ["a=1", "b=2"],
        }
        assert event["queryStringParameters"] == {"a": "1,2", "b": ""}
        assert (event["body"], event["isBase64Encoded"]) == ('{"x": "ü"}', False)
        assert event["headers"]["x-own"] == "Value"
        assert "cookie" not in event["headers"]
        context = event["requestContext"]
        assert (context["http"]["method"], context["http"]["path"], context["stage"]) == ("POST", "/echo", "$default")

    def test_leaves_out_what_a_request_does_not_have(self, mended: App) -> None:
        event = mended.call("GET", "/echo").json()
        absent = {"body", "cookies", "queryStringParameters", "pathParameters", "stageVariables"}
        assert absent.isdisjoint(event)
        assert event["isBase64Encoded"] is False

    @pytest.mark.parametrize(
        ("body", "content_type"), [(b'\xff\xfe{"a": 1}', "application/json"), (b"\x00\x01", "image/png")]
    )
    def test_encodes_what_is_no_text(self, mended: App, body: bytes, content_type: str) -> None:
        event = mended.call("POST", "/echo", body, headers={"content-type": content_type}).json()
        assert event["isBase64Encoded"] is True
        assert base64.b64decode(event["body"]) == body

    def test_carries_a_megabyte(self, mended: App) -> None:
        body = json.dumps({"a": "x" * (1 << 20)}).encode()
        assert mended.call("POST", "/echo", body, headers=JSON).json()["body"] == body.decode()

    def test_refuses_more_than_a_function_takes(self, mended: App) -> None:
        answer = mended.call("POST", "/echo", b"x" * 6_500_000, headers=JSON)
        assert (answer.status, answer.body) == (413, b'{"message":"Request Entity Too Large"}')

    def test_carries_the_caller_of_a_signed_request(self, mended: App) -> None:
        users = mended.call("GET", "/users/nobody", credentials=ROOT)
        assert (users.status, users.body) == (404, b"null")


class TestAnswers:
    @pytest.mark.parametrize(
        ("answer", "status", "body", "content_type"),
        [
            ("text", 200, b"plain text", "application/json"),
            ("nothing", 200, b"null", "application/json"),
            ("object", 200, b'{"greeting":"hi"}', "application/json"),
            ("number", 200, b"7", "application/json"),
            ("bodyless", 204, b"", "text/plain;charset=UTF-8"),
            ("cookies", 201, b"ok", "text/plain"),
            ("binary", 200, b"\x00\xff\x01", "text/plain;charset=UTF-8"),
            ("status", 500, FAILED, "application/json"),
            ("badheaders", 500, FAILED, "application/json"),
            ("badbody", 500, FAILED, "application/json"),
            ("badbase64", 500, FAILED, "application/json"),
        ],
    )
    def test_renders_what_a_function_returns(
        self, mended: App, answer: str, status: int, body: bytes, content_type: str
    ) -> None:
        found = mended.call("GET", f"/echo?answer={answer}")
        assert (found.status, found.body, found.header("content-type")) == (status, body, content_type)

    def test_sends_each_cookie_in_its_own_header(self, mended: App) -> None:
        answer = mended.call("GET", "/echo?answer=cookies")
        assert answer.headers["set-cookie"] == ["a=1; HttpOnly", "b=2"]
        assert answer.header("x-one") == "1"

    def test_does_not_wait_longer_than_the_integration_allows(self, mended: App) -> None:
        api, gateway = mended.outputs["ApiId"], mended.aws.client("apigatewayv2")
        route = next(each for each in gateway.get_routes(ApiId=api)["Items"] if each["RouteKey"] == "ANY /echo")
        integration = {"ApiId": api, "IntegrationId": route["Target"].removeprefix("integrations/")}
        gateway.update_integration(**integration, TimeoutInMillis=300)
        try:
            answer = mended.call("GET", "/echo?do=wait")
        finally:
            gateway.update_integration(**integration, TimeoutInMillis=30000)
        assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')

    def test_knows_no_other_route(self, mended: App) -> None:
        answer = mended.call("GET", "/elsewhere")
        assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')


class TestAuthorization:
    def test_refuses_an_unsigned_request(self, mended: App) -> None:
        answer = mended.call("GET", "/users/ada")
        assert (answer.status, answer.body) == (403, b'{"message":"Forbidden"}')

    @pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer nonsense"}])
    def test_refuses_a_request_without_a_token(self, mended: App, headers: dict[str, str]) -> None:
        answer = mended.call("GET", "/me", headers=headers)
        assert (answer.status, answer.body) == (401, b'{"message":"Unauthorized"}')

    def test_creates_and_reads_with_the_roles_of_the_functions(self, mended: App) -> None:
        created = mended.call("POST", "/users", b'{"id": "grace", "email": "g@example.com"}', headers=JSON)
        assert (created.status, created.json()) == (201, {"id": "grace"})
        table = mended.aws.client("dynamodb")
        assert table.get_item(TableName=mended.outputs["Table"], Key={"id": {"S": "grace"}})["Item"]["email"] == {
            "S": "g@example.com"
        }
        assert mended.call("GET", "/users/grace", credentials=ROOT).json() == {"id": "grace", "email": "g@example.com"}

    def test_denies_what_the_role_may_not_and_says_so_in_the_log(self, mended: App, log_file: Path) -> None:
        body = b'{"id": "x", "email": "x", "operation": "DeleteItem"}'
        assert mended.call("POST", "/users", body, headers=JSON).body == FAILED
        arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{mended.outputs['Table']}"
        told = (
            f"is not authorized to perform: dynamodb:DeleteItem on resource: {arn} "
            "because no identity-based policy allows the dynamodb:DeleteItem action"
        )
        assert any(told in each for each in mended.aws.messages(mended.outputs["CreateLogs"]))
        lines: list[dict[str, Any]] = [json.loads(line) for line in log_file.read_text().splitlines()]
        found = next(each for each in lines if told in each["line"])
        assert found["function"] == mended.outputs["Create"]
        assert found["request_id"]

    def test_sends_the_cors_headers_with_an_answer(self, mended: App) -> None:
        answer = mended.call("GET", "/echo", headers={"origin": "https://example.com"})
        assert answer.header("access-control-allow-origin") == "https://example.com"


class TestInvoke:
    def test_returns_the_end_of_the_log_on_request(self, mended: App) -> None:
        client = mended.aws.client("lambda")
        answer = client.invoke(FunctionName=mended.outputs["Echo"], Payload=b"{}", LogType="Tail")
        tail = base64.b64decode(answer["LogResult"]).decode()
        assert json.loads(tail.splitlines()[-1])["type"] == "platform.report"

    def test_marks_an_error_as_such(self, mended: App) -> None:
        payload = json.dumps({"queryStringParameters": {"do": "throw"}})
        answer = mended.aws.client("lambda").invoke(FunctionName=mended.outputs["Echo"], Payload=payload)
        assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")

    def test_runs_as_the_role_of_the_function(self, mended: App) -> None:
        caller = mended.act("sts", "get_caller_identity")["Arn"]
        assert caller.startswith("arn:aws:sts::000000000000:assumed-role/App-ReadRole-")
        assert caller.endswith(f"/{mended.outputs['Read']}")
