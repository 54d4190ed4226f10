"""Requests to a deployed REST API: the event, the answers, who is let in, and what is written down."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from botocore.credentials import Credentials

from tests.local.runtime.apis import JSON, Apis
from tests.local.runtime.deployed import REGION

ROOT = Credentials("test", "test")
FAILED = b'{"message": "Internal server error"}'


class TestEvent:
    def test_has_the_shape_of_a_proxy_event(self, apis: Apis) -> None:
        event = apis.rest("POST", "/items/a%20b?x=1&y=&x=2", b"{}", {**JSON, "X-Own": "v"})
        assert event.status == 403  # only GET is a method there
        event = apis.rest("GET", "/items/a%20b?x=1&y=&x=2", headers={"X-Own": "v"}).json()
        assert set(event) == {
            "resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters",
            "multiValueQueryStringParameters", "pathParameters", "stageVariables", "requestContext", "body",
            "isBase64Encoded",
        }  # fmt: skip
        assert (event["resource"], event["path"], event["httpMethod"]) == ("/items/{id}", "/items/a b", "GET")
        assert event["queryStringParameters"] == {"x": "2", "y": ""}
        assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": [""]}
        assert event["pathParameters"] == {"id": "a b"}
        assert event["stageVariables"] == {"color": "blue"}
        assert (event["body"], event["isBase64Encoded"]) == (None, False)
        assert event["multiValueHeaders"]["X-Own"] == ["v"]
        context = event["requestContext"]
        assert (context["stage"], context["path"], context["resourcePath"]) == (
            "live",
            "/live/items/a b",
            "/items/{id}",
        )
        assert context["identity"]["userArn"] is None
        assert context["apiId"] == apis.outputs["WholeId"]
        assert {"X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"} <= set(event["headers"])
        assert {"Connection", "connection", "content-length"}.isdisjoint(event["headers"])

    def test_has_null_for_what_a_request_does_not_have(self, apis: Apis) -> None:
        event = apis.rest("GET", "/echo").json()
        absent = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "body")
        assert [event[name] for name in absent] == [None] * 4
        assert "authorizer" not in event["requestContext"]

    def test_encodes_the_media_types_the_api_takes_for_binary_and_no_others(self, apis: Apis) -> None:
        sent = apis.rest("POST", "/echo", b"\x00\xff", {"content-type": "image/png"}).json()
        assert (base64.b64decode(sent["body"]), sent["isBase64Encoded"]) == (b"\x00\xff", True)
        sent = apis.rest("POST", "/echo", '{"a": "ü"}'.encode(), JSON).json()
        assert (sent["body"], sent["isBase64Encoded"]) == ('{"a": "ü"}', False)

    def test_takes_every_method_and_path_of_a_lambda_rest_api(self, apis: Apis) -> None:
        def event(method: str, path: str) -> Any:
            return apis.aws.call(apis.outputs["SimpleId"], method, path, stage="prod").json()

        assert event("DELETE", "/a/b")["pathParameters"] == {"proxy": "a/b"}
        assert event("GET", "/")["resource"] == "/"


class TestAnswers:
    @pytest.mark.parametrize(
        ("result", "status", "body"),
        [
            ({"statusCode": 201, "body": "made"}, 201, b"made"),
            ({"statusCode": "204"}, 204, b""),
            ({"body": "ok"}, 200, b"ok"),
            ({"statusCode": 200, "headers": None, "multiValueHeaders": None, "body": None}, 200, b""),
            ({"statusCode": 200, "body": {"a": 1}}, 502, FAILED),
            ({"statusCode": 200, "body": 7}, 502, FAILED),
            ({"statusCode": 200, "headers": {"a": ["b"]}}, 502, FAILED),
            ({"statusCode": 200, "headers": "a"}, 502, FAILED),
            ({"statusCode": 200, "multiValueHeaders": {"a": "b"}}, 502, FAILED),
            ({"statusCode": 200, "cookies": ["a=1"]}, 502, FAILED),
            ({"statusCode": True}, 502, FAILED),
            ({"statusCode": 1000}, 502, FAILED),
            ({"Hello": "World"}, 502, FAILED),
            ([], 502, FAILED),
        ],
    )
    def test_takes_only_what_the_format_allows(self, apis: Apis, result: Any, status: int, body: bytes) -> None:
        answer = apis.returning(result)
        assert (answer.status, answer.body) == (status, body)

    def test_joins_headers_and_their_lists(self, apis: Apis) -> None:
        lists = {"set-cookie": ["a=1", "b=2"]}
        headers = {"Set-Cookie": "z=1", "x-flag": True, "Date": "then", "WWW-Authenticate": "Basic"}
        answer = apis.returning({"statusCode": 200, "headers": headers, "multiValueHeaders": lists})
        assert answer.headers["set-cookie"] == ["a=1", "b=2"]
        assert (answer.header("x-flag"), answer.header("content-type")) == ("true", "application/json")
        assert (answer.header("x-amzn-remapped-date"), answer.header("www-authenticate")) == ("then", "")

    def test_decodes_for_who_accepts_a_binary_type_first(self, apis: Apis) -> None:
        result = {"statusCode": 200, "body": "AAEC", "isBase64Encoded": True}
        assert apis.returning(result).body == b"AAEC"
        assert apis.returning(result, {"accept": "text/html,image/png"}).body == b"AAEC"
        assert apis.returning(result, {"accept": "image/png,text/html"}).body == b"\x00\x01\x02"
        broken = {**result, "body": "?"}
        assert apis.returning(broken, {"accept": "image/png"}).status == 502

    @pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("PUT", "/slow"), ("GET", "/items")])
    def test_knows_no_other_method(self, apis: Apis, method: str, path: str) -> None:
        answer = apis.rest(method, path)
        assert (answer.status, answer.body) == (403, b'{"message":"Missing Authentication Token"}')
        assert answer.header("x-amzn-errortype") == "MissingAuthenticationTokenException"

    def test_refuses_what_is_larger_than_an_api_takes(self, apis: Apis) -> None:
        answer = apis.rest("POST", "/echo", b"x" * 10_500_000, JSON)
        assert (answer.status, answer.body) == (413, b'{"message":"Request Too Long"}')

    def test_answers_a_preflight_as_the_cdk_deploys_it(self, apis: Apis) -> None:
        asked = {"origin": "https://shop.example", "access-control-request-method": "GET"}
        answer = apis.rest("OPTIONS", "/items/a", headers=asked)
        assert (answer.status, answer.header("access-control-allow-origin")) == (204, "https://shop.example")
        assert answer.header("access-control-allow-credentials") == "true"
        assert answer.header("access-control-max-age") == "3600"


class TestValidation:
    def ask(self, apis: Apis, body: bytes, query: str = "?team=1") -> tuple[int, Any]:
        answer = apis.rest("POST", f"/people{query}", body, {**JSON, "x-source": "a"})
        return answer.status, answer.json().get("message")

    @pytest.mark.parametrize(
        "body", [b"", b"x", b"[]", b"{}", b'{"name": "A"}', b'{"name": "Ada", "age": -1}', b'{"name": "Ada", "x": 1}']
    )
    def test_refuses_a_body_that_is_not_like_the_model(self, apis: Apis, body: bytes) -> None:
        assert self.ask(apis, body) == (400, "Invalid request body")

    def test_takes_a_body_like_the_model(self, apis: Apis) -> None:
        assert self.ask(apis, b'{"name": "Ada", "age": 36}') == (200, None)

    def test_names_the_parameters_that_are_missing(self, apis: Apis) -> None:
        told = "Missing required request parameters: [team]"
        assert self.ask(apis, b'{"name": "Ada"}', "?page=1") == (400, told)


class TestCallers:
    def test_refuses_an_unsigned_call(self, apis: Apis) -> None:
        answer = apis.rest("GET", "/signed")
        assert (answer.status, answer.body) == (403, b'{"message":"Missing Authentication Token"}')

    def test_tells_the_function_who_signed(self, apis: Apis) -> None:
        identity = apis.rest("GET", "/signed", credentials=ROOT).json()["requestContext"]["identity"]
        assert (identity["userArn"], identity["accessKey"]) == ("arn:aws:iam::000000000000:root", "test")

    def test_refuses_who_may_not_invoke_by_name_of_the_method(self, apis: Apis) -> None:
        users, name = apis.aws.client("iam"), f"user-{time.monotonic_ns()}"
        users.create_user(UserName=name)
        key = users.create_access_key(UserName=name)["AccessKey"]
        credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        answer = apis.rest("GET", "/signed", credentials=credentials)
        arn = f"arn:aws:execute-api:{REGION}:********0000:{apis.outputs['WholeId']}/live/GET/signed"
        assert answer.status == 403
        told = f"User: arn:aws:iam::000000000000:user/{name} is not authorized to perform: execute-api:Invoke"
        assert answer.json()["Message"].startswith(f"{told} on resource: {arn}")
        statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": arn.replace("********0000", "*")}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        users.put_user_policy(UserName=name, PolicyName="call", PolicyDocument=document)
        assert apis.rest("GET", "/signed", credentials=credentials).status == 200

    def test_lets_in_who_has_a_token_of_the_user_pool(self, apis: Apis) -> None:
        people, pool = apis.aws.client("cognito-idp"), apis.outputs["PoolId"]
        people.admin_create_user(UserPoolId=pool, Username="ada")
        people.admin_set_user_password(UserPoolId=pool, Username="ada", Password="Secret-1234", Permanent=True)
        given = {"USERNAME": "ada", "PASSWORD": "Secret-1234"}
        signed = people.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=apis.outputs["ClientId"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters=given,
        )
        token = signed["AuthenticationResult"]["IdToken"]
        for header in (token, f"Bearer {token}"):
            context = apis.rest("GET", "/me", headers={"authorization": header}).json()["requestContext"]
            assert context["authorizer"]["claims"]["cognito:username"] == "ada"
        for headers in ({}, {"authorization": f"{token[:-6]}AAAAAA"}):
            answer = apis.rest("GET", "/me", headers=headers)
            assert (answer.status, answer.body) == (401, b'{"message":"Unauthorized"}')

    def test_takes_a_key_of_a_usage_plan_until_its_quota_is_used_up(self, apis: Apis) -> None:
        def ask(key: str | None) -> tuple[int, Any]:
            answer = apis.rest("GET", "/keyed", headers={} if key is None else {"x-api-key": key})
            return answer.status, answer.json().get("message")

        assert ask(None) == ask("another-key-of-twenty-characters") == (401, "Forbidden")
        answers = [ask("a-key-of-at-least-twenty-characters") for _ in range(4)]
        assert answers == [(200, None)] * 3 + [(429, "Limit Exceeded")]

    def test_answers_refusals_with_the_gateway_responses_of_the_api(self, apis: Apis) -> None:
        answer = apis.rest("GET", "/keyed")
        assert (answer.status, answer.json()) == (401, {"message": "Forbidden", "type": "INVALID_API_KEY"})
        assert (answer.header("x-why"), answer.header("x-id")) == ("no key", answer.header("x-amzn-requestid"))

    def test_obeys_the_policy_of_the_api(self, apis: Apis) -> None:
        answer = apis.aws.call(apis.outputs["NamedId"], "GET", "/closed", stage="prod")
        assert answer.status == 403
        assert "with an explicit deny in a resource-based policy" in answer.json()["Message"]


class TestTokenAuthorizer:
    @pytest.mark.parametrize(
        ("word", "status", "answer"),
        [
            ("other", 403, {"Message": "User is not authorized to access this resource"}),
            ("nothing", 500, {"message": "Internal server error"}),
            ("nested", 500, {"message": "Internal server error"}),
            ("throw", 500, {"message": None}),
            ("unauthorized", 401, {"message": "Unauthorized"}),
            ("NOT-AS-THE-EXPRESSION-WANTS", 401, {"message": "Unauthorized"}),
        ],
    )
    def test_refuses(self, apis: Apis, word: str, status: int, answer: Any) -> None:
        found = apis.token(word)
        assert (found.status, found.json()) == (status, answer)

    def test_says_when_a_policy_denies(self, apis: Apis) -> None:
        told = "User is not authorized to access this resource with an explicit deny in an identity-based policy"
        assert apis.token("deny").json() == {"Message": told}

    def test_refuses_who_brings_no_token(self, apis: Apis) -> None:
        assert apis.rest("GET", "/token").status == 401

    def test_passes_the_context_on_as_texts_and_asks_once(self, apis: Apis) -> None:
        first, second = (apis.token("allow twice").json()["requestContext"]["authorizer"] for _ in range(2))
        assert (first["principalId"], first["name"], first["open"]) == ("p", "ada", "true")
        assert first["count"] == second["count"]

    def test_reads_the_remembered_policy_for_each_method(self, apis: Apis) -> None:
        assert apis.token("allow once").status == 200
        assert apis.token("allow once", "/token/7").status == 200
        assert apis.token("allow once", method="POST").status == 403

    def test_sees_the_method_and_the_token(self, apis: Apis) -> None:
        event = json.loads(apis.token("event x").json()["requestContext"]["authorizer"]["event"])
        arn = f"arn:aws:execute-api:{REGION}:000000000000:{apis.outputs['WholeId']}/live/GET/token"
        assert event == {"type": "TOKEN", "methodArn": arn, "authorizationToken": "event x"}


class TestRequestAuthorizer:
    def test_sees_the_whole_request(self, apis: Apis) -> None:
        answer = apis.rest("GET", "/request?q=1", headers={"x-word": "event"})
        event = json.loads(answer.json()["requestContext"]["authorizer"]["event"])
        assert (event["type"], event["resource"], event["queryStringParameters"]) == ("REQUEST", "/request", {"q": "1"})
        assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
        assert "body" not in event

    def test_is_not_asked_when_a_source_is_missing(self, apis: Apis) -> None:
        assert apis.rest("GET", "/request", headers={"x-word": "allow"}).status == 401
        assert apis.rest("GET", "/request?q=1").status == 401

    def test_is_asked_each_time_when_nothing_is_remembered(self, apis: Apis) -> None:
        def count() -> int:
            answer = apis.rest("GET", "/fresh", headers={"x-word": "allow"})
            return int(answer.json()["requestContext"]["authorizer"]["count"])

        assert count() < count()
        assert apis.rest("GET", "/fresh").status == 200


class TestAccessLog:
    def line(self, apis: Apis, path: str, status: int) -> dict[str, str]:
        found = [json.loads(each) for each in apis.log("AccessLogName")]
        return next(each for each in reversed(found) if each["path"] == path and each["status"] == str(status))

    def test_has_what_the_format_asks_for(self, apis: Apis) -> None:
        answer = apis.token("allow logged", "/token/9")
        line = self.line(apis, "/live/token/9", 200)
        assert line["requestId"] == answer.header("x-amzn-requestid")
        assert (line["method"], line["resource"], line["ip"]) == ("GET", "/token/{id}", "127.0.0.1")
        assert (line["principal"], line["name"], line["backend"]) == ("p", "ada", "200")
        assert (line["length"], line["error"]) == (str(len(answer.body)), "-")
        assert int(line["latency"]) < 10_000

    def test_says_why_a_call_was_refused(self, apis: Apis) -> None:
        apis.rest("GET", "/signed", credentials=Credentials("test", "guessed"))
        line = self.line(apis, "/live/signed", 403)
        assert "signature" in line["error"]
        apis.rest("GET", "/late?do=wait")
        line = self.line(apis, "/live/late", 504)
        assert (line["error"], line["type"]) == ("Endpoint request timed out", "INTEGRATION_TIMEOUT")

    def test_of_an_http_api_has_its_request_id_and_its_authorizer(self, apis: Apis) -> None:
        answer = apis.http("/simple", {"x-word": "allow logged"})
        wanted = f"{answer.header('apigw-requestid')} GET /simple 200 127.0.0.1 ada - 200"
        assert wanted in apis.log("HttpAccessLogName")
        refused = apis.http("/simple", {"x-word": "no"})
        wanted = f"{refused.header('apigw-requestid')} GET /simple 403 127.0.0.1 - Forbidden -"
        assert wanted in apis.log("HttpAccessLogName")
