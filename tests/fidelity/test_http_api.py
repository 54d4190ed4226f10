from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import Outside

if TYPE_CHECKING:
    from collections.abc import Sequence

HTTP_API = "API Gateway (HTTP API)"
GUIDE = "apigateway/latest/developerguide/"
ECHO = "exports.handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) });"
MADE = "exports.handler = async (event) => JSON.parse(event.body);"  # answers what it is sent


class Curl:
    """curl, asking one address."""

    def __init__(self, base: str) -> None:
        self._base = base

    def __call__(self, path: str, *arguments: str) -> tuple[int, dict[str, list[str]], bytes]:
        command = [
            "curl",
            "--silent",
            "--max-time",
            "40",
            "--dump-header",
            "/dev/stderr",
            *arguments,
            self._base + path,
        ]
        done = subprocess.run(command, capture_output=True, check=True)
        lines = done.stderr.decode().strip().splitlines()
        headers: dict[str, list[str]] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        return int(lines[0].split()[1]), headers, done.stdout

    def json(self, path: str, *arguments: str) -> Any:
        return json.loads(self(path, *arguments)[2])


class Gateway:
    """An API with routes to functions."""

    def __init__(self, aws: Outside, **more: Any) -> None:
        self._aws, self._client = aws, aws.client("apigatewayv2")
        self.id = self._client.create_api(Name=aws.name("api"), ProtocolType="HTTP", **more)["ApiId"]
        self._client.create_stage(ApiId=self.id, StageName="$default", AutoDeploy=True)
        self.curl = Curl(f"{aws.app_url}/_api/{self.id}")

    def route(self, key: str, code: str, *, version: str = "2.0", runtime: str = "nodejs22.x", **route: Any) -> str:
        """A route to a new function; its name."""
        name = self._aws.function(code, Runtime=runtime)
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        integration = self._client.create_integration(
            ApiId=self.id, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion=version
        )["IntegrationId"]
        self._client.create_route(ApiId=self.id, RouteKey=key, Target=f"integrations/{integration}", **route)
        self._aws.client("lambda").add_permission(
            FunctionName=name,
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{self.id}/*",
        )
        return name


@pytest.fixture(scope="module")
def echo(aws: Outside) -> Curl:
    """An API that answers with the event it gets."""
    gateway = Gateway(aws)
    gateway.route("ANY /echo/{id}", ECHO)
    gateway.route("GET /old", ECHO, version="1.0")
    return gateway.curl


@pytest.fixture(scope="module")
def made(aws: Outside) -> Curl:
    """An API that answers what it is told."""
    gateway = Gateway(aws)
    gateway.route("POST /", MADE)
    return gateway.curl


def told(value: object) -> Sequence[str]:
    return ("--request", "POST", "--header", "Content-Type: application/json", "--data-binary", json.dumps(value))


@behaviour(
    HTTP_API,
    "the event has format 2.0: route, path, query, headers, parameters, body",
    GUIDE + "http-api-develop-integrations-lambda.html",
)
def test_event(echo: Curl) -> None:
    event = echo.json("/echo/7?a=1&a=2&b=", "--request", "PUT", "--header", "X-Own: v", "--data", "text")
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "ANY /echo/{id}", "/echo/7")
    assert event["rawQueryString"] == "a=1&a=2&b="
    assert event["queryStringParameters"] == {"a": "1,2", "b": ""}
    assert event["pathParameters"] == {"id": "7"}
    assert event["headers"]["x-own"] == "v"
    assert event["requestContext"]["http"]["method"] == "PUT"
    assert {"accountId", "apiId", "domainName", "requestId", "stage", "time", "timeEpoch"} <= set(
        event["requestContext"]
    )


@behaviour(HTTP_API, "a body that is no text comes in base64", GUIDE + "http-api-develop-integrations-lambda.html")
def test_binary_in(echo: Curl, tmp_path: Any) -> None:
    file = tmp_path / "bytes"
    file.write_bytes(b"\xff\x00\xfe")
    event = echo.json("/echo/1", "--data-binary", f"@{file}", "--header", "Content-Type: application/octet-stream")
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\xff\x00\xfe"


@behaviour(HTTP_API, "cookies come in a list of their own", GUIDE + "http-api-develop-integrations-lambda.html")
def test_cookies_in(echo: Curl) -> None:
    event = echo.json("/echo/1", "--header", "Cookie: a=1; b=2")
    assert event["cookies"] == ["a=1", "b=2"]


@behaviour(
    HTTP_API,
    "format 1.0 has single and multiple values of headers and query",
    GUIDE + "http-api-develop-integrations-lambda.html",
)
def test_old_format(echo: Curl) -> None:
    event = echo.json("/old?a=1&a=2")
    assert (event["version"], event["httpMethod"], event["resource"]) == ("1.0", "GET", "/old")
    assert event["queryStringParameters"] == {"a": "2"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}


@behaviour(
    HTTP_API,
    "format 1.0 wants an answer with a status, and sends several values of one header",
    GUIDE + "http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.response",
)
def test_old_answers(aws: Outside) -> None:
    gateway = Gateway(aws)
    gateway.route("POST /", MADE, version="1.0")
    answer = {"statusCode": 201, "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]}, "body": "made"}
    status, headers, body = gateway.curl("/", *told(answer))
    assert (status, headers["set-cookie"], body) == (201, ["a=1", "b=2"], b"made")
    status, _, body = gateway.curl("/", *told({"hello": "world"}))
    assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})


@behaviour(
    HTTP_API,
    "status, headers, cookies and a base64 body of the answer are what the caller gets",
    GUIDE + "http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.response",
)
def test_answers(made: Curl) -> None:
    answer = {
        "statusCode": 201,
        "headers": {"x-own": "v", "content-type": "image/png"},
        "cookies": ["a=1", "b=2"],
        "body": base64.b64encode(b"\xff\x00").decode(),
        "isBase64Encoded": True,
    }
    status, headers, body = made("/", *told(answer))
    assert (status, headers["x-own"], headers["content-type"], headers["set-cookie"], body) == (
        201,
        ["v"],
        ["image/png"],
        ["a=1", "b=2"],
        b"\xff\x00",
    )


@behaviour(
    HTTP_API,
    "an answer without a status is a JSON body with status 200",
    GUIDE + "http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.response",
)
def test_bare_answers(made: Curl) -> None:
    status, headers, body = made("/", *told({"hello": "world"}))
    assert (status, headers["content-type"], json.loads(body)) == (200, ["application/json"], {"hello": "world"})


@behaviour(
    HTTP_API, "an answer that is none is 500 Internal Server Error", GUIDE + "http-api-troubleshooting-lambda.html"
)
def test_malformed_answers(made: Curl) -> None:
    status, _, body = made("/", *told({"statusCode": "many"}))
    assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})


@behaviour(
    HTTP_API, "a function that fails is 500, and tells nobody why", GUIDE + "http-api-troubleshooting-lambda.html"
)
def test_failures(aws: Outside) -> None:
    gateway = Gateway(aws)
    gateway.route("GET /", "exports.handler = async () => { throw new Error('secret'); };")
    status, _, body = gateway.curl("/")
    assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})


@behaviour(
    HTTP_API,
    "without a permission for the API a function is not invoked: 500",
    GUIDE + "http-api-troubleshooting-lambda.html",
)
def test_permissions(aws: Outside) -> None:
    gateway = Gateway(aws)
    name = gateway.route("GET /", ECHO)
    aws.client("lambda").remove_permission(FunctionName=name, StatementId="api")
    assert gateway.curl("/")[0] == 500


@behaviour(
    HTTP_API,
    "the most specific route answers: whole paths, then parameters, then {proxy+}, then $default",
    GUIDE + "http-api-develop-routes.html#http-api-develop-routes.evaluation",
)
def test_routes(aws: Outside) -> None:
    gateway = Gateway(aws)
    keys = ["GET /pets/dog", "GET /pets/{id}", "ANY /{proxy+}", "$default"]
    for key in keys:
        gateway.route(key, f"exports.handler = async () => {json.dumps(key)};")
    asked = [("/pets/dog", "GET"), ("/pets/7", "GET"), ("/pets/dog", "POST"), ("/", "GET")]
    assert [gateway.curl(path, "--request", method)[2].decode() for path, method in asked] == keys


@behaviour(HTTP_API, "what has no route is 404 Not Found", GUIDE + "http-api-develop-routes.html")
def test_no_route(echo: Curl) -> None:
    status, _, body = echo("/nowhere")
    assert (status, json.loads(body)) == (404, {"message": "Not Found"})


@behaviour(HTTP_API, "a preflight is answered by the rules of the API, not by a function", GUIDE + "http-api-cors.html")
def test_cors(aws: Outside) -> None:
    rules = {
        "AllowOrigins": ["https://shop.example"],
        "AllowMethods": ["GET", "PUT"],
        "AllowHeaders": ["x-own"],
        "MaxAge": 60,
    }
    gateway = Gateway(aws, CorsConfiguration=rules)
    gateway.route("GET /", ECHO)
    asks = ("--header", "Access-Control-Request-Method: GET", "--request", "OPTIONS")
    status, headers, _ = gateway.curl("/", *asks, "--header", "Origin: https://shop.example")
    assert status == 204
    assert headers["access-control-allow-origin"] == ["https://shop.example"]
    assert headers["access-control-max-age"] == ["60"]
    _, headers, _ = gateway.curl("/", *asks, "--header", "Origin: https://evil.example")
    assert "access-control-allow-origin" not in headers


@behaviour(
    HTTP_API,
    "a route with IAM authorization refuses who does not sign: 403 Forbidden",
    GUIDE + "http-api-access-control-iam.html",
)
def test_iam(aws: Outside) -> None:
    gateway = Gateway(aws)
    gateway.route("GET /", ECHO, AuthorizationType="AWS_IAM")
    status, _, body = gateway.curl("/")
    assert (status, json.loads(body)) == (403, {"message": "Forbidden"})
    signing = ("--aws-sigv4", "aws:amz:us-east-1:execute-api", "--user", "test:test")
    event = gateway.curl.json("/", *signing)
    assert event["requestContext"]["authorizer"]["iam"]["accountId"] == "000000000000"


@behaviour(
    HTTP_API,
    "a Lambda authorizer answers isAuthorized, and its context reaches the function",
    GUIDE + "http-api-lambda-authorizer.html",
)
def test_lambda_authorizers(aws: Outside) -> None:
    gateway, client = Gateway(aws), aws.client("apigatewayv2")
    answer = "{ isAuthorized: event.headers['x-key'] === 'k', context: { who: 'ada' } }"
    code = f"exports.handler = async (event) => ({answer});"
    name = aws.function(code, Runtime="nodejs22.x")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    aws.client("lambda").add_permission(
        FunctionName=name, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    authorizer = client.create_authorizer(
        ApiId=gateway.id,
        AuthorizerType="REQUEST",
        Name="key",
        IdentitySource=["$request.header.x-key"],
        AuthorizerUri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
        AuthorizerPayloadFormatVersion="2.0",
        EnableSimpleResponses=True,
    )["AuthorizerId"]
    gateway.route("GET /", ECHO, AuthorizationType="CUSTOM", AuthorizerId=authorizer)
    assert gateway.curl("/")[0] == 401
    assert gateway.curl("/", "--header", "X-Key: wrong")[0] == 403
    event = gateway.curl.json("/", "--header", "X-Key: k")
    assert event["requestContext"]["authorizer"]["lambda"] == {"who": "ada"}


@behaviour(
    HTTP_API,
    "an integration that takes longer than its timeout is 503 Service Unavailable",
    GUIDE + "http-api-quotas.html",
)
def test_timeouts(aws: Outside) -> None:
    gateway, client = Gateway(aws), aws.client("apigatewayv2")
    gateway.route("GET /", "exports.handler = () => new Promise((done) => setTimeout(done, 3000));")
    integration = client.get_integrations(ApiId=gateway.id)["Items"][0]["IntegrationId"]
    client.update_integration(ApiId=gateway.id, IntegrationId=integration, TimeoutInMillis=100)
    status, _, body = gateway.curl("/")
    assert (status, json.loads(body)) == (503, {"message": "Service Unavailable"})


@behaviour(HTTP_API, "HEAD is answered without a body", GUIDE + "http-api-develop-routes.html")
def test_head(echo: Curl) -> None:
    status, _, body = echo("/echo/1", "--head")
    assert status == 200
    assert b"routeKey" not in body


@behaviour(HTTP_API, "stage variables are in the event", GUIDE + "http-api-stages.stage-variables.html")
def test_stage_variables(aws: Outside) -> None:
    gateway = Gateway(aws)
    gateway.route("GET /", ECHO)
    aws.client("apigatewayv2").update_stage(ApiId=gateway.id, StageName="$default", StageVariables={"kind": "x"})
    assert gateway.curl.json("/")["stageVariables"] == {"kind": "x"}


@behaviour(HTTP_API, "every answer names its request", GUIDE + "http-api-logging-variables.html")
def test_request_ids(echo: Curl) -> None:
    _, headers, body = echo("/echo/1")
    assert headers["apigw-requestid"] == [json.loads(body)["requestContext"]["requestId"]]


@behaviour(HTTP_API, "Python functions answer as Node's do", GUIDE + "http-api-develop-integrations-lambda.html")
def test_python(aws: Outside) -> None:
    gateway = Gateway(aws)
    gateway.route(
        "GET /{name}",
        "def handler(event, context):\n    return {'hello': event['pathParameters']['name']}\n",
        runtime="python3.13",
    )
    assert gateway.curl.json("/ada%20l") == {"hello": "ada l"}
