from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import NODE, Outside
from tests.fidelity.test_cloudformation import Stack
from tests.fidelity.test_http_api import ECHO, Curl

REST_API = "API Gateway (REST API)"
GUIDE = "apigateway/latest/developerguide/"
TOKEN = """
exports.handler = async ({ authorizationToken, methodArn }) => {
  if (authorizationToken === 'none') throw new Error('Unauthorized')
  const Effect = authorizationToken === 'good' ? 'Allow' : 'Deny'
  const Statement = [{ Action: 'execute-api:Invoke', Effect, Resource: methodArn }]
  return { principalId: 'ada', context: { team: 'blue' }, policyDocument: { Version: '2012-10-17', Statement } }
}
"""
MADE = "exports.handler = async (event) => JSON.parse(event.body)"
MODEL = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 5}}}


def uri(function: str) -> dict[str, str]:
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    return {"Fn::Sub": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"}


@pytest.fixture(scope="module")
def api(aws: Outside) -> Curl:
    """A REST API, deployed as a template, with one method for each behaviour."""
    functions = {name: aws.function(code, **NODE) for name, code in (("Echo", ECHO), ("Made", MADE), ("Token", TOKEN))}
    resources: dict[str, Any] = {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "rest", "BinaryMediaTypes": ["image/png"]}},
        "Model": {
            "Type": "AWS::ApiGateway::Model",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "Name": "New",
                "ContentType": "application/json",
                "Schema": MODEL,
            },
        },
        "Validator": {
            "Type": "AWS::ApiGateway::RequestValidator",
            "Properties": {"RestApiId": {"Ref": "Api"}, "ValidateRequestBody": True, "ValidateRequestParameters": True},
        },
        "Authorizer": {
            "Type": "AWS::ApiGateway::Authorizer",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "Name": "token",
                "Type": "TOKEN",
                "AuthorizerUri": uri(functions["Token"]),
                "IdentitySource": "method.request.header.Authorization",
                "AuthorizerResultTtlInSeconds": 0,
            },
        },
    }
    methods: dict[str, tuple[str, dict[str, Any]]] = {
        "echo": ("Echo", {}),
        "made": ("Made", {}),
        "valid": (
            "Echo",
            {
                "RequestValidatorId": {"Ref": "Validator"},
                "RequestModels": {"application/json": "New"},
                "RequestParameters": {"method.request.querystring.page": True},
            },
        ),
        "token": ("Echo", {"AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": "Authorizer"}}),
        "iam": ("Echo", {"AuthorizationType": "AWS_IAM"}),
        "key": ("Echo", {"ApiKeyRequired": True}),
    }
    for path, (function, more) in methods.items():
        resources[f"Path{path}"] = {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "PathPart": path,
            },
        }
        resources[f"Method{path}"] = {
            "Type": "AWS::ApiGateway::Method",
            "DependsOn": "Model",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ResourceId": {"Ref": f"Path{path}"},
                "HttpMethod": "ANY" if path != "valid" else "POST",
                "AuthorizationType": "NONE",
                "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri(functions[function])},
                **more,
            },
        }
    for name, function in functions.items():
        resources[f"Permission{name}"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": function,
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {"Fn::Sub": "arn:aws:execute-api:us-east-1:000000000000:${Api}/*"},
            },
        }
    resources["Deployment"] = {
        "Type": "AWS::ApiGateway::Deployment",
        "DependsOn": [f"Method{path}" for path in methods],
        "Properties": {"RestApiId": {"Ref": "Api"}},
    }
    resources["Stage"] = {
        "Type": "AWS::ApiGateway::Stage",
        "Properties": {
            "RestApiId": {"Ref": "Api"},
            "DeploymentId": {"Ref": "Deployment"},
            "StageName": "prod",
            "Variables": {"kind": "x"},
        },
    }
    stack = Stack(aws, {"Resources": resources, "Outputs": {"Id": {"Value": {"Ref": "Api"}}}})
    assert stack.status == "CREATE_COMPLETE", stack.reasons()
    return Curl(f"{aws.app_url}/_api/{stack.outputs()['Id']}")


def message(answer: tuple[int, dict[str, list[str]], bytes]) -> tuple[int, Any]:
    return answer[0], json.loads(answer[2])


@behaviour(
    REST_API,
    "the event has format 1.0, with every header and query value",
    GUIDE + "set-up-lambda-proxy-integrations.html",
)
def test_event(api: Curl) -> None:
    event = api.json("/prod/echo?a=1&a=2", "--header", "X-Own: v")
    assert (event["httpMethod"], event["path"], event["resource"]) == ("GET", "/echo", "/echo")
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["headers"]["X-Own"] == "v"
    assert event["stageVariables"] == {"kind": "x"}
    assert event["requestContext"]["stage"] == "prod"
    assert event["body"] is None


@behaviour(REST_API, "a body of a binary media type comes in base64", GUIDE + "api-gateway-payload-encodings.html")
def test_binary(api: Curl, tmp_path: Any) -> None:
    (tmp_path / "png").write_bytes(b"\xff\x00")
    event = api.json("/prod/echo", "--header", "Content-Type: image/png", "--data-binary", f"@{tmp_path / 'png'}")
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\xff\x00"


@behaviour(
    REST_API,
    "several values of one header are sent, each on its own",
    GUIDE + "set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format",
)
def test_answers(api: Curl) -> None:
    answer = {"statusCode": 418, "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]}, "body": "tea"}
    status, headers, body = api(
        "/prod/made", "--data", json.dumps(answer), "--header", "Content-Type: application/json"
    )
    assert (status, headers["set-cookie"], body) == (418, ["a=1", "b=2"], b"tea")


@behaviour(
    REST_API, "an answer that is none is 502 Internal server error", GUIDE + "set-up-lambda-proxy-integrations.html"
)
def test_malformed(api: Curl) -> None:
    answer = api("/prod/made", "--data", '{"hello": 1}', "--header", "Content-Type: application/json")
    assert message(answer) == (502, {"message": "Internal server error"})


@behaviour(
    REST_API, "what has no method is 403 Missing Authentication Token", GUIDE + "supported-gateway-response-types.html"
)
def test_no_route(api: Curl) -> None:
    assert message(api("/prod/nowhere")) == (403, {"message": "Missing Authentication Token"})


@behaviour(
    REST_API,
    "a body that does not fit its model is 400, and no function runs",
    GUIDE + "api-gateway-method-request-validation.html",
)
def test_bodies(api: Curl) -> None:
    for body in ('{"name": 7}', "{}", '{"name": "too long"}'):
        answer = api("/prod/valid?page=1", "--data", body, "--header", "Content-Type: application/json")
        assert message(answer) == (400, {"message": "Invalid request body"})
    assert (
        api("/prod/valid?page=1", "--data", '{"name": "ada"}', "--header", "Content-Type: application/json")[0] == 200
    )


@behaviour(REST_API, "a parameter that is missing is named", GUIDE + "api-gateway-method-request-validation.html")
def test_parameters(api: Curl) -> None:
    answer = api("/prod/valid", "--data", '{"name": "ada"}', "--header", "Content-Type: application/json")
    assert message(answer) == (400, {"message": "Missing required request parameters: [page]"})


@behaviour(
    REST_API,
    "a token authorizer allows, denies, or knows nobody: 200, 403, 401",
    GUIDE + "apigateway-use-lambda-authorizer.html",
)
def test_tokens(api: Curl) -> None:
    event = api.json("/prod/token", "--header", "Authorization: good")
    assert event["requestContext"]["authorizer"]["principalId"] == "ada"
    assert event["requestContext"]["authorizer"]["team"] == "blue"
    denied = {
        "Message": "User is not authorized to access this resource with an explicit deny in an identity-based policy"
    }
    status, told = message(api("/prod/token", "--header", "Authorization: bad"))
    assert (status, told.get("Message", "")[:42]) == (403, denied["Message"][:42])
    assert message(api("/prod/token", "--header", "Authorization: none")) == (401, {"message": "Unauthorized"})
    assert message(api("/prod/token")) == (401, {"message": "Unauthorized"})


@behaviour(REST_API, "a method with IAM authorization wants a signature", GUIDE + "permissions.html")
def test_iam(api: Curl) -> None:
    assert message(api("/prod/iam")) == (403, {"message": "Missing Authentication Token"})
    event = api.json("/prod/iam", "--aws-sigv4", "aws:amz:us-east-1:execute-api", "--user", "test:test")
    assert event["requestContext"]["identity"]["accountId"] == "000000000000"


@behaviour(
    REST_API, "a method that wants a key refuses who has none: 403 Forbidden", GUIDE + "api-gateway-api-key-source.html"
)
def test_keys(api: Curl) -> None:
    assert message(api("/prod/key")) == (403, {"message": "Forbidden"})


@behaviour(REST_API, "every answer names its request", GUIDE + "api-gateway-gateway-response-definition.html")
def test_request_ids(api: Curl) -> None:
    _, headers, body = api("/prod/echo")
    assert headers["x-amzn-requestid"] == [json.loads(body)["requestContext"]["requestId"]]
