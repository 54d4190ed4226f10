"""Gaps of the base in who is let in: what stock does, and what the mended one does instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import REGION
from tests.local.runtime.functions import zip_of

if TYPE_CHECKING:
    from tests.local.runtime.deployed import Answer, App

OTHERS = ["x", "Bearer x", "Basic dGVzdDp0ZXN0", "AWS3-HTTPS AWSAccessKeyId=test", "aws4-hmac-sha256 Credential=test/x"]
LIST_TABLES = {"x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0"}


def ask(
    app: App, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Ask the port of the AWS API: status, headers, body."""
    request = Request(app.aws.endpoint + path, method=method, headers=headers or {}, data=body)
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, {key.lower(): value for key, value in answer.headers.items()}, answer.read()
    except HTTPError as error:
        with error:
            return error.code, {key.lower(): value for key, value in error.headers.items()}, error.read()


def code(act: Any) -> str:
    """The code of the error, empty when there is none."""
    try:
        act()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def returning_api(app: App) -> str:
    """The id of an API whose function returns what it is sent."""
    gateway = app.aws.client("apigatewayv2")
    found = [each["ApiId"] for each in gateway.get_apis()["Items"] if each["Name"] == "returning"]
    if found:
        return str(found[0])
    functions = app.aws.client("lambda")
    source = "import json\ndef handler(event, context): return json.loads(event['body'])"
    arn = functions.create_function(
        FunctionName="returning",
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": zip_of({"index.py": source})},
        Role=functions.get_function_configuration(FunctionName=app.outputs["Echo"])["Role"],
    )["FunctionArn"]
    functions.add_permission(
        FunctionName="returning",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    api: str = gateway.create_api(Name="returning", ProtocolType="HTTP")["ApiId"]
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    integration = gateway.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    gateway.create_route(ApiId=api, RouteKey="POST /", Target=f"integrations/{integration}")
    return api


def ask_returning(app: App, result: dict[str, Any]) -> Answer:
    """Have a function return this."""
    body, headers = json.dumps(result).encode(), {"content-type": "application/json"}
    return app.aws.call(returning_api(app), "POST", "/", body=body, headers=headers)


class TestCallersAreVerified:
    @pytest.mark.parametrize("authorization", OTHERS)
    def test_refuses_another_kind_of_authorization_on_the_aws_port(
        self, stock: App, mended: App, authorization: str
    ) -> None:
        headers = {**LIST_TABLES, "authorization": authorization}
        assert ask(stock, "POST", "/", headers, b"{}")[0] == 200
        status, _, body = ask(mended, "POST", "/", headers, b"{}")
        assert status == 400
        assert json.loads(body)["__type"].endswith("IncompleteSignatureException")

    @pytest.mark.parametrize("authorization", OTHERS)
    def test_refuses_another_kind_of_authorization_on_a_route_with_iam(
        self, stock: App, mended: App, authorization: str
    ) -> None:
        headers = {"authorization": authorization}
        assert stock.call("GET", "/users/nobody", headers=headers).status == 404  # the function was asked
        answer = mended.call("GET", "/users/nobody", headers=headers)
        assert (answer.status, answer.body) == (403, b'{"message":"Forbidden"}')

    def test_leaves_other_kinds_of_authorization_to_other_routes(self, mended: App) -> None:
        assert mended.call("GET", "/echo", headers={"authorization": "Bearer x"}).status == 200
        assert mended.call("GET", "/me", headers={"authorization": "Bearer x"}).status == 401

    @pytest.mark.parametrize(
        "query", ["X-Amz-Credential=test/20260101/us-east-1/dynamodb/aws4_request", "AWSAccessKeyId=test&Signature=x",
                  ("X-Amz-Credential=test/20260101/us-east-1/s3/aws4_request&X-Amz-Signature=0"
                   "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host")],
    )  # fmt: skip
    @pytest.mark.parametrize("authorization", [{}, {"authorization": "x"}])
    def test_refuses_credentials_in_a_query_that_do_not_verify(
        self, mended: App, query: str, authorization: dict[str, str]
    ) -> None:
        status, _, body = ask(mended, "POST", f"/?{query}", {**LIST_TABLES, **authorization}, b"{}")
        assert (status, b"TableNames" in body) in {(400, False), (403, False)}

    def test_refuses_an_asymmetric_signature_that_does_not_verify(self, mended: App) -> None:
        signed = "Credential=test/20260101/dynamodb/aws4_request, SignedHeaders=host;x-amz-region-set, Signature=00"
        headers = {"authorization": f"AWS4-ECDSA-P256-SHA256 {signed}", "x-amz-region-set": "*"}
        assert ask(mended, "POST", "/", {**LIST_TABLES, **headers}, b"{}")[0] in {400, 403}
        assert mended.call("GET", "/users/nobody", headers=headers).status == 403

    def test_verifies_the_root_key(self, stock: App, mended: App) -> None:
        def listing(app: App, key: str, secret: str) -> str:
            return code(app.aws.client("dynamodb", key, secret).list_tables)

        assert listing(stock, "test", "guessed") == listing(stock, "000000000000", "guessed") == ""
        assert listing(mended, "test", "guessed") == "InvalidSignatureException"
        assert listing(mended, "000000000000", "guessed") == "InvalidSignatureException"
        assert listing(mended, "111111111111", "guessed") == "InvalidSignatureException"
        assert listing(mended, "test", "test") == listing(mended, "000000000000", "test") == ""

    def test_verifies_the_root_key_on_a_route_with_iam(self, stock: App, mended: App) -> None:
        def status(app: App, secret: str) -> int:
            return app.call("GET", "/users/nobody", credentials=Credentials("test", secret)).status

        assert status(stock, "guessed") == 404
        assert (status(mended, "guessed"), status(mended, "test")) == (403, 404)

    def test_verifies_the_root_key_of_files(self, stock: App, mended: App) -> None:
        def listing(app: App, secret: str) -> str:
            return code(app.aws.client("s3", "test", secret).list_buckets)

        assert (listing(stock, "guessed"), listing(mended, "guessed")) == ("", "SignatureDoesNotMatch")
        assert listing(mended, "test") == ""

    def test_serves_links_that_the_root_user_has_signed_and_no_altered_ones(self, mended: App) -> None:
        s3 = mended.aws.client("s3")
        bucket = mended.outputs["Files"]
        s3.put_object(Bucket=bucket, Key="linked", Body=b"here")
        link = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "linked"})
        path = link.removeprefix(mended.aws.endpoint)
        assert ask(mended, "GET", path)[::2] == (200, b"here")
        assert ask(mended, "GET", path.replace("linked", "other"))[0] == 403
        s3.delete_object(Bucket=bucket, Key="linked")

    def test_tells_the_root_user_who_it_is(self, mended: App) -> None:
        identity = mended.aws.client("sts").get_caller_identity()
        assert identity["Arn"] == "arn:aws:iam::000000000000:root"

    def test_lists_no_buckets_for_nobody(self, stock: App, mended: App) -> None:
        def listing(app: App) -> str:
            client = app.aws.client("s3")
            nobody = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"})
            import boto3  # noqa: PLC0415 - the client of `Deployed` always signs

            return code(
                boto3.client(
                    "s3", endpoint_url=client.meta.endpoint_url, region_name=REGION, config=nobody
                ).list_buckets
            )

        assert (listing(stock), listing(mended)) == ("", "AccessDenied")


class TestLogStreamArn:
    def test_lets_a_function_write_to_its_own_log_group_and_no_other(self, stock: App, mended: App) -> None:
        def outcome(app: App, group: str) -> str:
            stream = {"logGroupName": app.outputs[group], "logStreamName": "mine"}
            return json.dumps(app.act("logs", "create_log_stream", **stream))

        assert "AccessDeniedException" in outcome(stock, "ReadLogs")
        assert "errorType" not in outcome(mended, "ReadLogs")
        other = f"arn:aws:logs:{REGION}:000000000000:log-group:{mended.outputs['CreateLogs']}:log-stream:mine"
        assert f"not authorized to perform: logs:CreateLogStream on resource: {other} because" in outcome(
            mended, "CreateLogs"
        )

    def test_names_the_group_where_no_stream_is_meant(self, mended: App) -> None:
        told = mended.act("logs", "describe_log_streams", logGroupName=mended.outputs["ReadLogs"])["errorMessage"]
        assert f":log-group:{mended.outputs['ReadLogs']}:log-stream: because" in told


class TestHttpApiSendable:
    @pytest.mark.parametrize(
        "result", [{"statusCode": 101}, {"statusCode": 200, "headers": {"x-\u540d": "1"}},
                   {"statusCode": 200, "headers": {"x y": "1"}}, {"statusCode": 200, "headers": {"x-a": "1\0"}},
                   {"statusCode": 200, "cookies": ["a=1\r\nx-forged: 1"]}],
    )  # fmt: skip
    def test_is_an_error_of_the_server_as_on_aws(self, stock: App, mended: App, result: dict[str, Any]) -> None:
        def answer(app: App) -> tuple[int, bytes]:
            try:
                found = ask_returning(app, result)
            except OSError as error:  # what comes of an answer that is broken off
                return 0, str(error).encode()
            assert found.header("x-forged") == ""
            return found.status, found.body

        assert ask_returning(mended, {"statusCode": 200, "body": "good"}).body == b"good"
        wanted = (500, b'{"message":"Internal Server Error"}')
        assert answer(stock) != wanted
        assert answer(mended) == wanted


class TestLoopbackOnly:
    def test_answers_under_the_names_of_this_machine_only(self, stock: App, mended: App) -> None:
        port = urlsplit(mended.aws.endpoint).port
        for name in ("evil.example", "169.254.169.254", "localhost.evil.example", "127.0.0.1.nip.io", ""):
            headers = {"host": f"{name}:{port}" if name else name}
            assert ask(stock, "GET", "/_ministack/health", headers)[0] == 200
            assert ask(mended, "GET", "/_ministack/health", headers)[0] == 403
        for name in ("127.0.0.1", "localhost", "LocalHost", "[::1]", "files.s3.localhost"):
            assert ask(mended, "GET", "/_ministack/health", {"host": f"{name}:{port}"})[0] == 200
            assert ask(mended, "GET", "/_ministack/health", {"host": name})[0] == 200

    @pytest.mark.parametrize(
        "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://localhost.evil.example"},
                    {"origin": "http://localhost@evil.example"}, {"sec-fetch-site": "cross-site"},
                    {"sec-fetch-site": "cross-site", "referer": "https://evil.example/"}],
    )  # fmt: skip
    def test_refuses_pages_of_other_machines(self, stock: App, mended: App, headers: dict[str, str]) -> None:
        assert ask(stock, "GET", "/_ministack/health", headers)[0] == 200
        assert ask(stock, "OPTIONS", "/", headers)[1]["access-control-allow-origin"] == "*"
        assert ask(mended, "GET", "/_ministack/health", headers)[0] == 403
        status, answered, _ = ask(mended, "OPTIONS", "/", headers)
        assert (status, [name for name in answered if name.startswith("access-control-")]) == (403, [])

    @pytest.mark.parametrize(
        "headers", [{}, {"origin": "http://localhost:5173"}, {"sec-fetch-site": "none"},
                    {"sec-fetch-site": "cross-site", "referer": "http://localhost:5173/"}],
    )  # fmt: skip
    def test_answers_others_without_inviting_pages(self, mended: App, headers: dict[str, str]) -> None:
        for method, path in (("GET", "/_ministack/health"), ("OPTIONS", "/"), ("OPTIONS", "/2015-03-31/functions")):
            status, answered, _ = ask(mended, method, path, headers)
            assert (status, [name for name in answered if name.startswith("access-control-")]) == (200, [])

    def test_gives_pages_of_this_machine_what_the_rules_of_a_bucket_give_them(self, mended: App) -> None:
        s3, bucket = mended.aws.client("s3"), "for-pages"
        s3.create_bucket(Bucket=bucket)
        here = "http://localhost:5173"
        rules = [{"AllowedOrigins": [here], "AllowedMethods": ["PUT", "GET"], "AllowedHeaders": ["*"]}]
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
        asked = {"origin": here, "access-control-request-method": "PUT"}
        assert ask(mended, "OPTIONS", f"/{bucket}/a", asked)[1]["access-control-allow-origin"] == here
        link = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a"})
        path = link.removeprefix(mended.aws.endpoint)
        status, answered, _ = ask(mended, "PUT", path, {"origin": here, "content-type": ""}, b"body")
        assert (status, answered["access-control-allow-origin"]) == (200, here)
        other = {**asked, "origin": "http://localhost:4000"}
        assert "access-control-allow-origin" not in ask(mended, "OPTIONS", f"/{bucket}/a", other)[1]

    @pytest.mark.parametrize(
        ("method", "path"), [("POST", "/_ministack/config"), ("GET", "/_ministack/lambda-code/{}"),
                             ("GET", "/_ministack/sqs/messages"), ("GET", "/_ministack/ses/messages")],
    )  # fmt: skip
    def test_has_no_back_doors(self, stock: App, mended: App, method: str, path: str) -> None:
        body = b"{}" if method == "POST" else None
        assert ask(stock, method, path.format(stock.outputs["Echo"]), body=body)[0] in {200, 400}
        status, _, body = ask(mended, method, path.format(mended.outputs["Echo"]), body=body)
        assert (status, body) == (404, b'{"message":"Not Found"}')

    def test_cannot_be_erased_from_outside(self, mended: App) -> None:
        assert ask(mended, "POST", "/_ministack/reset")[0] == 404
        assert mended.outputs["Table"] in mended.aws.client("dynamodb").list_tables()["TableNames"]

    def test_takes_what_custom_resources_answer(self, mended: App) -> None:
        assert ask(mended, "PUT", "/_ministack/cfn-response/no-such-token", body=b"{}")[0] == 200

    def test_gives_nobody_the_credentials_of_a_function(self, mended: App) -> None:
        path = f"/_constructs_lib/role-session?function={mended.outputs['Echo']}&region={REGION}"
        for headers in ({}, {"x-constructs-lib-key": ""}, {"x-constructs-lib-key": "guessed"}):
            assert ask(mended, "GET", path, headers)[::2] == (403, b'{"message": "Forbidden"}')
