"""One CloudFormation template with a resource of every kind the examples use, in the shape the CDK writes them."""

from __future__ import annotations

from typing import Any

Template = dict[str, Any]


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str = "Arn") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def join(*parts: Any) -> dict[str, list[Any]]:
    return {"Fn::Join": ["", list(parts)]}


def function(name: str, key: str, bucket: str, statements: list[Any], **properties: Any) -> Template:
    """A function with its own role, its own managed policy and its own log group, as `SecureFunction` makes them."""
    log_statement = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": att(f"{name}Logs"),
    }
    return {
        f"{name}Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"RetentionInDays": 30},
            "DeletionPolicy": "Delete",
        },
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
                "ManagedPolicyArns": [ref(f"{name}Base")],
            },
        },
        f"{name}Base": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": "Write its log and its traces",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        log_statement,
                        {
                            "Effect": "Allow",
                            "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
                            "Resource": "*",
                        },
                    ],
                },
            },
        },
        **(
            {
                f"{name}Grants": {
                    "Type": "AWS::IAM::ManagedPolicy",
                    "Properties": {
                        "Roles": [ref(f"{name}Role")],
                        "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
                    },
                }
            }
            if statements
            else {}
        ),
        name: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Architectures": ["arm64"],
                "Code": {"S3Bucket": bucket, "S3Key": key},
                "Handler": "index.handler",
                "LoggingConfig": {"LogFormat": "JSON", "LogGroup": ref(f"{name}Logs")},
                "MemorySize": 512,
                "RecursiveLoop": "Terminate",
                "Role": att(f"{name}Role"),
                "Runtime": "nodejs24.x",
                "Timeout": 10,
                "TracingConfig": {"Mode": "Active"},
                **properties,
            },
            "DependsOn": [f"{name}Role"],
        },
    }


def route(api: str, key: str, target: str, **properties: Any) -> Template:
    name = "".join(part.strip("{}").capitalize() for part in key.replace("/", " ").split())
    verb, _, path = key.partition(" ")
    return {
        f"{name}Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": ref(api),
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": att(target),
                "PayloadFormatVersion": "2.0",
            },
        },
        f"{name}Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": ref(api),
                "RouteKey": key,
                "AuthorizationType": "NONE",
                "Target": join("integrations/", ref(f"{name}Integration")),
                **properties,
            },
        },
        f"{name}Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": att(target),
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": join(
                    "arn:",
                    ref("AWS::Partition"),
                    ":execute-api:us-east-1:",
                    ref("AWS::AccountId"),
                    ":",
                    ref(api),
                    f"/*/{'*' if verb == 'ANY' else verb}{path}",
                ),
            },
        },
    }


def template(bucket: str, keys: dict[str, str]) -> Template:
    put_user = {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": att("Users")}
    read_user = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": att("Users")}
    read_secret = {
        "Effect": "Allow",
        "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
        "Resource": ref("Secret"),
    }
    read_parameter = {
        "Effect": "Allow",
        "Action": "ssm:GetParameter",
        "Resource": join(
            "arn:", ref("AWS::Partition"), ":ssm:us-east-1:", ref("AWS::AccountId"), ":parameter/app/plan"
        ),
    }
    return {
        "Resources": {
            "Users": {
                "Type": "AWS::DynamoDB::GlobalTable",
                "Properties": {
                    "AttributeDefinitions": [
                        {"AttributeName": "id", "AttributeType": "S"},
                        {"AttributeName": "email", "AttributeType": "S"},
                    ],
                    "BillingMode": "PAY_PER_REQUEST",
                    "GlobalSecondaryIndexes": [
                        {
                            "IndexName": "byEmail",
                            "KeySchema": [{"AttributeName": "email", "KeyType": "HASH"}],
                            "Projection": {"ProjectionType": "ALL"},
                        }
                    ],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "Replicas": [
                        {
                            "DeletionProtectionEnabled": True,
                            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                            "Region": "us-east-1",
                            "Tags": [{"Key": "team", "Value": "users"}],
                        }
                    ],
                    "SSESpecification": {"SSEEnabled": True},
                    "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
                    "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
                },
                "DeletionPolicy": "Retain",
            },
            "Plain": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                    "BillingMode": "PAY_PER_REQUEST",
                    "DeletionProtectionEnabled": True,
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                    "SSESpecification": {"SSEEnabled": True},
                    "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
                    "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
                },
            },
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {
                    "EnableKeyRotation": True,
                    "KeyPolicy": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": "kms:*",
                                "Principal": {
                                    "AWS": join("arn:", ref("AWS::Partition"), ":iam::", ref("AWS::AccountId"), ":root")
                                },
                                "Resource": "*",
                            }
                        ],
                    },
                },
            },
            "Secret": {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {
                    "GenerateSecretString": {
                        "SecretStringTemplate": '{"user": "app"}',
                        "GenerateStringKey": "password",
                        "ExcludePunctuation": True,
                        "PasswordLength": 40,
                    },
                    "Description": "of the payment provider",
                },
            },
            "Empty": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {}}},
            "Parameter": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": "/app/plan", "Type": "String", "Value": "gold"},
            },
            "Files": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketEncryption": {
                        "ServerSideEncryptionConfiguration": [
                            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                        ]
                    },
                    "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": True},
                    "Tags": [{"Key": "team", "Value": "files"}],
                },
            },
            "FilesPolicy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": ref("Files"),
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Deny",
                                "Action": "s3:*",
                                "Principal": {"AWS": "*"},
                                "Resource": [att("Files"), join(att("Files"), "/*")],
                                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                            }
                        ],
                    },
                },
            },
            "Pool": {
                "Type": "AWS::Cognito::UserPool",
                "Properties": {"UserPoolName": "people", "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}},
            },
            "PoolClient": {
                "Type": "AWS::Cognito::UserPoolClient",
                "Properties": {
                    "UserPoolId": ref("Pool"),
                    "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
                },
            },
            "AccessLogs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
            "Api": {
                "Type": "AWS::ApiGatewayV2::Api",
                "Properties": {
                    "Name": "Users",
                    "ProtocolType": "HTTP",
                    "CorsConfiguration": {
                        "AllowOrigins": ["https://example.com"],
                        "AllowMethods": ["GET", "POST"],
                        "AllowHeaders": ["content-type", "authorization"],
                        "MaxAge": 3600,
                        "AllowCredentials": True,
                    },
                },
            },
            "Stage": {
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {
                    "ApiId": ref("Api"),
                    "AutoDeploy": True,
                    "StageName": "$default",
                    "AccessLogSettings": {"DestinationArn": att("AccessLogs"), "Format": '{"id":"$context.requestId"}'},
                    "DefaultRouteSettings": {
                        "DetailedMetricsEnabled": True,
                        "ThrottlingBurstLimit": 100,
                        "ThrottlingRateLimit": 50,
                    },
                },
            },
            "Jwt": {
                "Type": "AWS::ApiGatewayV2::Authorizer",
                "Properties": {
                    "ApiId": ref("Api"),
                    "AuthorizerType": "JWT",
                    "IdentitySource": ["$request.header.Authorization"],
                    "Name": "people",
                    "JwtConfiguration": {
                        "Audience": [ref("PoolClient")],
                        "Issuer": join("https://cognito-idp.us-east-1.", ref("AWS::URLSuffix"), "/", ref("Pool")),
                    },
                },
            },
            **function(
                "Create", keys["create"], bucket, [put_user], Environment={"Variables": {"TABLE": ref("Users")}}
            ),
            **function(
                "Read",
                keys["read"],
                bucket,
                [read_user, read_secret, read_parameter],
                Runtime="python3.13",
                Environment={
                    "Variables": {"TABLE": ref("Users"), "SECRET": ref("Secret"), "PARAMETER": ref("Parameter")}
                },
            ),
            **function("Echo", keys["echo"], bucket, []),
            **route("Api", "POST /users", "Create"),
            **route("Api", "GET /users/{id}", "Read", AuthorizationType="AWS_IAM"),
            **route("Api", "GET /me", "Echo", AuthorizationType="JWT", AuthorizerId=ref("Jwt")),
            **route("Api", "ANY /echo", "Echo"),
        },
        "Outputs": {
            "Url": {"Value": att("Api", "ApiEndpoint"), "Export": {"Name": "users-url"}},
            "ApiId": {"Value": ref("Api")},
            "Table": {"Value": ref("Users")},
            "Stream": {"Value": att("Users", "StreamArn")},
            "Secret": {"Value": ref("Secret")},
            "Empty": {"Value": ref("Empty")},
            "Files": {"Value": ref("Files")},
            "Pool": {"Value": ref("Pool")},
            "PoolClient": {"Value": ref("PoolClient")},
            "Key": {"Value": att("Key")},
            "Create": {"Value": ref("Create")},
            "Read": {"Value": ref("Read")},
            "Echo": {"Value": ref("Echo")},
            "CreateLogs": {"Value": ref("CreateLogs")},
            "ReadLogs": {"Value": ref("ReadLogs")},
            "Plain": {"Value": ref("Plain")},
        },
    }
