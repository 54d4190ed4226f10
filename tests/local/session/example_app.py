"""A hand-written assembly of two stacks: an open API, and one whose routes want IAM and whose functions use a table."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
VERSION = "/cdk-bootstrap/hnb659fds/version"

GREET = """
import json
def handler(event, context):
    body = json.loads(event.get("body") or "{}")
    print("greeting", body.get("name"))
    return {"statusCode": 200, "body": json.dumps({"message": f"Hello, {body.get('name', 'stranger')}!"})}
"""
USERS = """
import json, os, boto3
table = boto3.client("dynamodb")
def create(event, context):
    user = json.loads(event["body"])
    table.put_item(TableName=os.environ["USERS_TABLE"], Item={"id": {"S": user["id"]}})
    return {"statusCode": 201, "body": json.dumps(user)}
def read(event, context):
    key = {"id": {"S": event["pathParameters"]["id"]}}
    found = table.get_item(TableName=os.environ["USERS_TABLE"], Key=key).get("Item")
    return {"statusCode": 200 if found else 404, "body": json.dumps({"id": found["id"]["S"]} if found else {})}
"""


class ExampleApp:
    """Writes an assembly, one stack at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._artifacts: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def add_stack(
        self, name: str, template: Mapping[str, Any], *, needs: tuple[str, ...] = (), **properties: Any
    ) -> None:
        code = self._assets_of(name)
        (self.folder / f"{name}.template.json").write_text(json.dumps(template))
        (self.folder / f"{name}.assets.json").write_text(json.dumps({"version": "53.0.0", "files": code}))
        self._artifacts[f"{name}.assets"] = {
            "type": "cdk:asset-manifest",
            "properties": {"file": f"{name}.assets.json", "bootstrapStackVersionSsmParameter": VERSION},
        }
        self._artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "displayName": name,
            "dependencies": [f"{name}.assets", *needs],
            "properties": {"templateFile": f"{name}.template.json", **properties},
        }
        (self.folder / "manifest.json").write_text(json.dumps({"version": "53.0.0", "artifacts": self._artifacts}))

    def code(self, source: str) -> dict[str, Any]:
        """Stage a Python handler and return the function's Code property."""
        key = hashlib.sha256(source.encode()).hexdigest()
        staged = self.folder / f"asset.{key}"
        staged.mkdir(exist_ok=True)
        (staged / "index.py").write_text(source)
        return {"S3Bucket": {"Fn::Sub": BUCKET}, "S3Key": f"{key}.zip"}

    def _assets_of(self, _name: str) -> dict[str, Any]:
        return {
            path.name.removeprefix("asset."): {
                "source": {"path": path.name, "packaging": "zip"},
                "destinations": {
                    "here": {"bucketName": BUCKET, "objectKey": f"{path.name.removeprefix('asset.')}.zip"}
                },
            }
            for path in sorted(self.folder.glob("asset.*"))
        }


def function(
    code: Mapping[str, Any], handler: str, *, statement: Mapping[str, Any] | None, path: str, **variables: Any
) -> dict[str, Any]:
    """A function with its own role and log group; `statement` is all it may do besides logging."""
    name = path.replace("/", "")
    statements = [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {"Fn::GetAtt": [f"{name}Logs", "Arn"]},
        }
    ]
    return {
        f"{name}Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
        f"{name}Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "sts:AssumeRole",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                        }
                    ],
                },
                "ManagedPolicyArns": [{"Ref": f"{name}Grants"}],
            },
        },
        f"{name}Grants": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": statements if statement is None else [*statements, statement],
                }
            },
        },
        name: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": handler,
                "Code": code,
                "Role": {"Fn::GetAtt": [f"{name}Role", "Arn"]},
                "Timeout": 10,
                "MemorySize": 256,
                "Environment": {"Variables": variables},
                "LoggingConfig": {"LogGroup": {"Ref": f"{name}Logs"}},
            },
            "Metadata": {"aws:cdk:path": f"{path}/Resource"},
        },
    }


def http_api(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": name, "ProtocolType": "HTTP", **properties}},
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
        },
    }


def route(key: str, target: str, *, auth: str = "NONE", example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    name = f"{target}Route"
    arn = {"Fn::GetAtt": [target, "Arn"]}
    return {
        f"{target}Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": arn,
                "PayloadFormatVersion": "2.0",
            },
        },
        name: {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "RouteKey": key,
                "AuthorizationType": auth,
                "Target": {"Fn::Join": ["", ["integrations/", {"Ref": f"{target}Integration"}]]},
            },
            **({} if example is None else {"Metadata": {"constructs-lib:example": example}}),
        },
        f"{target}Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": arn,
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {
                    "Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*"
                },
            },
        },
    }


def table() -> dict[str, Any]:
    return {
        "Users": {
            "Type": "AWS::DynamoDB::Table",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            },
            "Metadata": {"aws:cdk:path": "Users/Users/Table/Resource"},
        }
    }


def may(action: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": f"dynamodb:{action}", "Resource": {"Fn::GetAtt": ["Users", "Arn"]}}


def greeting(app: ExampleApp, source: str = GREET) -> dict[str, Any]:
    return {
        "Resources": {
            **http_api("Greeting", CorsConfiguration={"AllowOrigins": ["*"], "AllowMethods": ["POST"]}),
            **function(app.code(source), "index.handler", statement=None, path="Greeting/Greet"),
            **route("POST /greet", "GreetingGreet", example={"body": {"name": "Ada"}}),
        },
        "Outputs": {"ApiId": {"Value": {"Ref": "Api"}}},
    }


def users(app: ExampleApp, *, create_may: str = "PutItem") -> dict[str, Any]:
    code, name = app.code(USERS), {"Ref": "Users"}
    return {
        "Resources": {
            **http_api("Users"),
            **table(),
            **function(code, "index.create", statement=may(create_may), path="Users/CreateUser", USERS_TABLE=name),
            **function(code, "index.read", statement=may("GetItem"), path="Users/ReadUser", USERS_TABLE=name),
            **route("POST /users", "UsersCreateUser", auth="AWS_IAM", example={"body": {"id": "ada"}}),
            **route("GET /users/{id}", "UsersReadUser", auth="AWS_IAM", example={"path": "/users/ada"}),
        },
        "Outputs": {"Table": {"Value": name}, "ApiId": {"Value": {"Ref": "Api"}}},
    }


def write_example(folder: Path, *, greet: str = GREET, create_may: str = "PutItem") -> Path:
    """Write the assembly and return its folder."""
    app = ExampleApp(folder)
    app.add_stack("Greeting", greeting(app, greet))
    app.add_stack("Users", users(app, create_may=create_may))
    return folder
