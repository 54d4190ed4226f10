"""Each gap of the base in API Gateway: what stock does, and what the mended one does instead."""

from __future__ import annotations

import json
from typing import Any

from botocore.credentials import Credentials

from tests.local.runtime.apis import JSON, Apis

ROOT = Credentials("test", "test")


class TestRestApiIntegration:
    def test_hides_what_went_wrong_in_a_function(self, stock_apis: Apis, apis: Apis) -> None:
        assert b"errorMessage" in stock_apis.rest("GET", "/echo?do=throw").body
        answer = apis.rest("GET", "/echo?do=throw")
        assert (answer.status, answer.body) == (502, b'{"message": "Internal server error"}')
        assert answer.header("x-amzn-errortype") == "InternalServerErrorException"

    def test_refuses_a_result_that_is_no_answer(self, stock_apis: Apis, apis: Apis) -> None:
        assert stock_apis.rest("GET", "/echo?do=text").status == 200
        assert apis.rest("GET", "/echo?do=text").status == 502

    def test_does_not_invoke_a_function_that_does_not_allow_it(self, stock_apis: Apis, apis: Apis) -> None:
        assert stock_apis.rest("GET", "/unpermitted").status == 200
        answer = apis.rest("GET", "/unpermitted")
        assert (answer.status, answer.body) == (500, b'{"message": "Internal server error"}')

    def test_waits_as_long_as_the_integration_allows(self, stock_apis: Apis, apis: Apis) -> None:
        assert stock_apis.rest("GET", "/late?do=wait").status == 200
        answer = apis.rest("GET", "/late?do=wait")
        assert (answer.status, answer.body) == (504, b'{"message":"Endpoint request timed out"}')

    def test_hands_over_the_event_of_a_rest_api(self, stock_apis: Apis, apis: Apis) -> None:
        sent = {"X-Forwarded-For": "203.0.113.9", "X-Own": "v"}
        stock, event = (each.rest("GET", "/echo?a=1&a=2", headers=sent).json() for each in (stock_apis, apis))
        assert (stock["version"], stock["queryStringParameters"], "X-Own" in stock["headers"]) == (
            "1.0",
            {"a": "1"},
            False,
        )
        assert stock["requestContext"]["identity"]["sourceIp"] == "203.0.113.9"
        assert ("version" in event, event["queryStringParameters"], event["headers"]["X-Own"]) == (
            False,
            {"a": "2"},
            "v",
        )
        assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"


class TestRestApiSettings:
    def test_validates_what_the_template_says(self, stock_apis: Apis, apis: Apis) -> None:
        assert stock_apis.rest("POST", "/people", b"{}", JSON).status == 200
        answer = apis.rest("POST", "/people", b"{}", JSON)
        assert answer.json() == {"message": "Missing required request parameters: [team, x-source]"}

    def test_throttles_the_method_the_template_names(self, stock_apis: Apis, apis: Apis) -> None:
        def statuses(asked: Apis) -> set[int]:
            return {asked.rest("GET", "/slow").status for _ in range(8)}

        assert statuses(stock_apis) == {200}
        assert statuses(apis) == {200, 429}
        answer = apis.rest("GET", "/slow")
        assert (answer.body, answer.header("x-amzn-errortype")) == (
            b'{"message":"Too Many Requests"}',
            "TooManyRequestsException",
        )

    def test_keeps_the_access_log_and_the_key_source(self, stock_apis: Apis, apis: Apis) -> None:
        def settings(asked: Apis) -> list[Any]:
            gateway = asked.aws.client("apigateway")
            stage = gateway.get_stage(restApiId=asked.outputs["WholeId"], stageName="live")
            named = gateway.get_rest_api(restApiId=asked.outputs["NamedId"])
            return ["destinationArn" in stage.get("accessLogSettings", {}), named["apiKeySource"]]

        assert settings(stock_apis) == [False, "HEADER"]
        assert settings(apis) == [True, "AUTHORIZER"]


class TestRestApiModels:
    def test_checks_bodies_of_every_kind_where_a_model_is_for_all(self, stock_apis: Apis, apis: Apis) -> None:
        def statuses(asked: Apis) -> list[int]:
            kinds: tuple[dict[str, str], ...] = (JSON, {"content-type": "text/plain"}, {})
            return [asked.rest("POST", "/anybody", b"{}", headers).status for headers in kinds]

        assert (statuses(stock_apis), statuses(apis)) == ([200] * 3, [400] * 3)

    def test_checks_no_body_of_a_kind_that_has_no_model(self, stock_apis: Apis, apis: Apis) -> None:
        def answer(asked: Apis) -> tuple[int, bytes]:
            sent = {"content-type": "text/plain", "x-source": "till"}
            found = asked.rest("POST", "/people?team=a", b"[", sent)
            return found.status, found.body

        assert answer(stock_apis)[0] == 200, "stock makes no validators from a template"
        assert answer(apis)[0] == 200


class TestRestApiAuthorizer:
    def test_asks_for_the_action_of_a_policy(self, stock_apis: Apis, apis: Apis) -> None:
        assert stock_apis.token("action").status == 200
        answer = apis.token("action")
        assert (answer.status, answer.json()) == (403, {"Message": "User is not authorized to access this resource"})

    def test_knows_the_context_as_an_identity_source(self, stock_apis: Apis, apis: Apis) -> None:
        def status(asked: Apis) -> int:
            return asked.rest("GET", "/request?q=1", headers={"x-word": "allow"}).status

        assert (status(stock_apis), status(apis)) == (401, 200)

    def test_takes_the_key_that_the_authorizer_names(self, stock_apis: Apis, apis: Apis) -> None:
        def status(asked: Apis, key: str) -> int:
            api = asked.outputs["NamedId"]
            return asked.aws.call(api, "GET", f"/named?key={key}", headers={"x-word": "key"}, stage="prod").status

        assert status(stock_apis, "another-key-of-twenty-characters") == 403
        assert status(apis, "another-key-of-twenty-characters") == 200
        assert status(apis, "a-key-of-at-least-twenty-characters") == 403

    def test_does_not_ask_a_function_that_does_not_allow_it(self, stock_apis: Apis, apis: Apis) -> None:
        def status(asked: Apis) -> int:
            functions, name = asked.aws.client("lambda"), asked.outputs["AuthorizerName"]
            statements = json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
            [found] = [each for each in statements if "Token" in each["Sid"]]
            functions.remove_permission(FunctionName=name, StatementId=found["Sid"])
            try:
                return asked.token("allow unpermitted").status
            finally:
                functions.add_permission(
                    FunctionName=name,
                    StatementId=found["Sid"],
                    Action="lambda:InvokeFunction",
                    Principal="apigateway.amazonaws.com",
                    SourceArn=found["Condition"]["ArnLike"]["AWS:SourceArn"],
                )

        assert (status(stock_apis), status(apis)) == (200, 500)


class TestRestApiAnswers:
    def test_names_one_request_id_everywhere(self, stock_apis: Apis, apis: Apis) -> None:
        def same(asked: Apis) -> bool:
            answer = asked.rest("GET", "/echo")
            return bool(answer.header("x-amzn-requestid") == answer.json()["requestContext"]["requestId"])

        assert (same(stock_apis), same(apis)) == (False, True)

    def test_answers_where_a_function_returned_what_cannot_be_sent(self, stock_apis: Apis, apis: Apis) -> None:
        assert stock_apis.returning({"statusCode": "abc"}).body == b""
        assert apis.returning({"statusCode": "abc"}).status == 502
        assert apis.returning({"statusCode": 101}).status == 502
        assert apis.returning({"statusCode": 200, "headers": {"a b": "c"}}).status == 502

    def test_says_what_kind_of_refusal_it_is(self, stock_apis: Apis, apis: Apis) -> None:
        assert stock_apis.rest("GET", "/keyed").header("x-amzn-errortype") == ""
        assert apis.rest("GET", "/keyed").header("x-amzn-errortype") == "ForbiddenException"


class TestRestApiTemplates:
    def test_fills_in_the_answers_of_mocks(self, stock_apis: Apis, apis: Apis) -> None:
        assert stock_apis.rest("GET", "/mock").json() == {"stage": "$context.stage", "color": "$stageVariables.color"}
        assert apis.rest("GET", "/mock").json() == {"stage": "live", "color": "blue"}

    def test_hands_functions_what_the_template_says(self, stock_apis: Apis, apis: Apis) -> None:
        def answer(asked: Apis) -> Any:
            body = b'{"name": "Ada", "items": [{"sku": "x"}, {"sku": "y"}]}'
            return asked.rest("POST", "/plain?id=7", body, JSON).json()

        assert "requestContext" in answer(stock_apis)["seen"]
        assert answer(apis) == {"name": "Ada", "id": "7", "first": "x", "all": "x,y"}

    def test_calls_services_with_the_role_of_the_integration(self, stock_apis: Apis, apis: Apis) -> None:
        assert stock_apis.rest("POST", "/put?id=9", b'{"name": "Ada"}', JSON).status == 504
        assert apis.rest("POST", "/put?id=9", b'{"name": "Ada"}', JSON).json() == {"ok": True}
        [item] = apis.aws.client("dynamodb").scan(TableName=apis.outputs["ItemsName"])["Items"]
        assert item == {"id": {"S": "9"}, "name": {"S": "Ada"}}
        denied = apis.rest("POST", "/put-denied?id=9", b'{"name": "Ada"}', JSON)
        assert denied.status == 403
        assert "is not authorized to perform: dynamodb:PutItem" in denied.json()["Message"]

    def test_asks_the_role_before_it_sends_to_a_queue(self, stock_apis: Apis, apis: Apis) -> None:
        assert stock_apis.rest("POST", "/send-denied", b'{"text": "a & b"}', JSON).status == 200
        assert apis.rest("POST", "/send-denied", b'{"text": "a & b"}', JSON).status == 403
        assert apis.rest("POST", "/send", b'{"text": "a & b"}', JSON).json() == {"ok": True}
        received = apis.aws.client("sqs").receive_message(QueueUrl=apis.outputs["SentUrl"])
        assert [each["Body"] for each in received["Messages"]] == ['"a & b"']


class TestApiAccessLog:
    def test_writes_a_line_for_each_call(self, stock_apis: Apis, apis: Apis) -> None:
        for asked in (stock_apis, apis):
            asked.rest("GET", "/nowhere")
            asked.http("/open")
        assert [stock_apis.log(name) for name in ("AccessLogName", "HttpAccessLogName")] == [[], []]
        line = next(each for each in map(json.loads, apis.log("AccessLogName")) if each["path"] == "/live/nowhere")
        assert (line["status"], line["type"]) == ("403", "MISSING_AUTHENTICATION_TOKEN")
        assert any("GET /open 200 127.0.0.1" in each for each in apis.log("HttpAccessLogName"))


class TestHttpApiAuthorizer:
    def test_does_not_ask_a_function_that_does_not_allow_it(self, stock_apis: Apis, apis: Apis) -> None:
        def status(asked: Apis) -> int:
            functions, name = asked.aws.client("lambda"), asked.outputs["AuthorizerName"]
            statements = json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
            [found] = [each for each in statements if "PolicyAnswer" in each["Sid"]]
            functions.remove_permission(FunctionName=name, StatementId=found["Sid"])
            try:
                return asked.http("/policy", {"x-word": "allow"}).status
            finally:
                functions.add_permission(
                    FunctionName=name,
                    StatementId=found["Sid"],
                    Action="lambda:InvokeFunction",
                    Principal="apigateway.amazonaws.com",
                    SourceArn=found["Condition"]["ArnLike"]["AWS:SourceArn"],
                )

        assert (status(stock_apis), status(apis)) == (200, 500)

    def test_sees_the_event_without_nulls(self, stock_apis: Apis, apis: Apis) -> None:
        def event(asked: Apis) -> dict[str, Any]:
            answer = asked.http("/simple", {"x-word": "event", "cookie": "a=1; b=2"}).json()
            found: dict[str, Any] = answer["requestContext"]["authorizer"]["lambda"]["event"]
            return found

        assert event(stock_apis)["queryStringParameters"] is None
        found = event(apis)
        assert "queryStringParameters" not in found
        assert found["cookies"] == ["a=1", "b=2"]


class TestHttpApiLimits:
    def test_throttles_the_route_the_stage_names(self, stock_apis: Apis, apis: Apis) -> None:
        def statuses(asked: Apis) -> set[int]:
            return {asked.http("/narrow").status for _ in range(8)}

        assert statuses(stock_apis) == {200}
        assert statuses(apis) == {200, 429}
        assert apis.http("/narrow").body == b'{"message":"Too Many Requests"}'
        assert {apis.http("/open").status for _ in range(8)} == {200}
