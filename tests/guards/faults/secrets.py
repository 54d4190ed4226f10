"""Faults of secrets: literals by form and by name, wherever a template can hold them."""

from __future__ import annotations

import json
from typing import Any

from tests.guards.faults.fault import Fault, add, change, section, together
from tests.guards.faults.hardened import STATES
from tests.guards.faults.parts import att, made, ref, role, sub

ENVIRONMENT, PROPERTY, TEXT = "environment-holds-no-secret", "property-holds-no-secret", "template-holds-no-secret"
PARAMETER, OUTPUT, VALUE = "parameter-hides-secret", "output-tells-no-secret", "secret-value-is-not-in-template"
# Made up, and put together here, so that no scanner takes this file for a leak.
AWS_KEY = "AKIA" + "Z7QK3VN5TWYLB2HD"
AWS_SECRET = "kV9sT2xQ7bLm4Rw8" + "ZcY1uNf6HgJ3dPa0EoKiXvBq"
STRIPE = "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dcTuVw"
GITHUB = "ghp_" + "x7Qm2Rk9Tz4Wb8Vn1Ys6Lp3Hd5Fg0JcAeUoI"
SLACK = "https://hooks.slack.com/" + "services/T02AB3CD4/B05EF6GH7/q8Rt2Yw5Zx1Vb4Nm7Kj9Lh3P"
FENCE = "-----{} RSA " + "PRIVATE KEY-----"
KEY_BLOCK = (
    f"{FENCE.format('BEGIN')}\nMIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun\n{FENCE.format('END')}"
)
JWT = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
)


def env(name: str, variable: str, value: Any, also: tuple[str, ...] = ()) -> Fault:
    return change(name, ENVIRONMENT, "Send", "Environment", "Variables", variable, to=value, also=also)


def connection(key: str, value: Any) -> Any:
    return made(
        "AWS::Events::Connection",
        AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": key, "ApiKeyValue": value}},
    )


FAULTS = [
    env("a password of low entropy", "DB_PASSWORD", "hunter2"),
    env("a password that everybody tries", "PASSWORD", "changeme"),
    env("a password of digits", "ADMIN_PASSWORD", 12345678),
    env("a password in camel case", "mysqlRootPassword", "S3cure!Pa55"),
    env("a signing secret of plain words", "JWT_SECRET", "supersecret"),
    env("a key of AWS", "KEY_ID", AWS_KEY),
    env("a secret key of AWS", "AWS_SECRET", AWS_SECRET),
    env("a key of Stripe under a harmless name", "PAYMENTS", STRIPE),
    env("a token of GitHub", "UPSTREAM", GITHUB),
    env("a hook of Slack", "NOTIFY_URL", SLACK),
    env("a private key", "CERTIFICATE", KEY_BLOCK),
    env("a token of JWT", "BACKEND_AUTH", JWT),
    env("a password in an address", "DATABASE_URL", "postgres://shop:hunter2@db.example.com:5432/shop"),
    env("a password in JSON", "SETTINGS", json.dumps({"db": {"user": "shop", "password": "hunter2"}})),
    env("a password put together", "DB_PASSWORD", {"Fn::Join": ["", ["hun", "ter2"]]}),
    env("a password in an address put together", "DATABASE_URL", sub("postgres://shop:hunter2@${Proxy.Endpoint}/shop")),
    together(
        env("a password by way of a mapping", "DB_PASSWORD", {"Fn::FindInMap": ["Stage", "prod", "Pass"]}),
        section("its mapping", "", None, "Mappings", Stage={"prod": {"Pass": "hunter2"}}),
    ),
    together(
        env("a password by way of a default", "DB_PASSWORD", ref("Phrase")),
        section("its default", "", None, "Parameters", Phrase={"Type": "String", "Default": "hunter2"}),
    ),
    together(
        env(
            "a password under a condition",
            "DB_PASSWORD",
            {"Fn::If": ["Prod", "{{resolve:secretsmanager:db}}", "hunter2"]},
        ),
        section("its condition", "", None, "Conditions", Prod={"Fn::Equals": [ref("AWS::Region"), "eu-west-1"]}),
    ),
    add(
        "a password of a container",
        ENVIRONMENT,
        "Batch",
        Batch=made(
            "AWS::ECS::TaskDefinition",
            ContainerDefinitions=[
                {"Name": "main", "Image": "batch", "Environment": [{"Name": "DB_PASSWORD", "Value": "hunter2"}]}
            ],
        ),
    ),
    together(
        add(
            "a token of a build",
            ENVIRONMENT,
            "Build",
            Build=made(
                "AWS::CodeBuild::Project",
                Artifacts={"Type": "NO_ARTIFACTS"},
                Environment={
                    "ComputeType": "BUILD_GENERAL1_SMALL",
                    "EnvironmentVariables": [{"Name": "NPM_TOKEN", "Value": "n8Xw3Qz7Lk2Vb9Rt"}],
                    "Image": "aws/codebuild/standard:7.0",
                    "Type": "ARM_CONTAINER",
                },
                ServiceRole=att("BuildRole"),
                Source={"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"},
            ),
        ),
        add("its role", "", None, BuildRole=role("codebuild")),
    ),
    change("the password of a database", PROPERTY, "Reports", "MasterUserPassword", to="hunter2hunter2"),
    add("the key of a connection", PROPERTY, "Partner", Partner=connection("x-api-key", "n8Xw3Qz7Lk2Vb9Rt")),
    add(
        "a password in Parameter Store",
        PROPERTY,
        "DbPassword",
        DbPassword=made("AWS::SSM::Parameter", Name="/shop/db/password", Type="String", Value="hunter2"),
    ),
    add(
        "the secret of an identity provider",
        PROPERTY,
        "Login2",
        Login2=made(
            "AWS::Cognito::UserPoolIdentityProvider",
            ProviderDetails={"client_id": "shop", "client_secret": "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"},
            ProviderName="Google",
            ProviderType="Google",
            UserPoolId=ref("Users"),
        ),
    ),
    add(
        "the token of a cache",
        PROPERTY,
        "Cache",
        Cache=made(
            "AWS::ElastiCache::ReplicationGroup",
            AuthToken="hunter2hunter2hunter2",
            ReplicationGroupDescription="sessions",
            TransitEncryptionEnabled=True,
        ),
    ),
    change("a variable of a stage", PROPERTY, "RestStage", "Variables", to={"backendPassword": "hunter2"}),
    change("a token that a schedule sends", PROPERTY, "Nightly", "Target", "Input", to=json.dumps({"apiKey": STRIPE})),
    add(
        "the password of a console user",
        PROPERTY,
        "Admin",
        Admin=made("AWS::IAM::User", LoginProfile={"Password": "hunter2hunter2"}),
    ),
    add("a whole secret", VALUE, "Plain", Plain=made("AWS::SecretsManager::Secret", SecretString="hunter2")),
    add(
        "a secret of a user and a password",
        VALUE,
        "Plain",
        Plain=made("AWS::SecretsManager::Secret", SecretString=json.dumps({"username": "shop", "password": "hunter2"})),
    ),
    change(
        "a password in the template of a generated secret",
        VALUE,
        "Login",
        "GenerateSecretString",
        to={"SecretStringTemplate": json.dumps({"password": "hunter2"}), "GenerateStringKey": "other"},
    ),
    section(
        "a parameter that shows its secret", PARAMETER, "PaymentToken", "Parameters", PaymentToken={"Type": "String"}
    ),
    section(
        "a parameter that shows a password",
        PARAMETER,
        "DbPassword",
        "Parameters",
        DbPassword={"Type": "String", "NoEcho": False},
    ),
    section(
        "a parameter with a password by default",
        PARAMETER,
        "DbPassword",
        "Parameters",
        DbPassword={"Type": "String", "NoEcho": True, "Default": "hunter2"},
    ),
    section("an output of a hidden parameter", OUTPUT, "Token", "Outputs", Token={"Value": ref("PaymentToken")}),
    section(
        "an output that resolves a secret",
        OUTPUT,
        "Password",
        "Outputs",
        Password={"Value": sub("{{resolve:secretsmanager:${Login}:SecretString:password}}")},
    ),
    change(
        "a password in code",
        TEXT,
        "Send",
        "Code",
        to={"ZipFile": "const password = 'hunter2';\nexports.handler = async () => connect(password);\n"},
    ),
    change(
        "a token in a workflow",
        TEXT,
        "Fulfil",
        "DefinitionString",
        to=json.dumps({"StartAt": "Pay", "States": STATES, "Comment": f"calls Stripe with {STRIPE}"}),
    ),
    change("a key in a description", PROPERTY, "Send", "Description", to=f"sends mail with {AWS_KEY}"),
    add(
        "a password in the start of an instance",
        TEXT,
        "Bastion",
        Bastion=made(
            "AWS::EC2::Instance",
            ImageId="ami-0123456789abcdef0",
            UserData={"Fn::Base64": "#!/bin/sh\nexport DB_PASSWORD=hunter2\n./run\n"},
        ),
    ),
    Fault(
        "a key in the metadata",
        TEXT,
        "Send",
        lambda template: template["Resources"]["Send"].update(Metadata={"note": f"key: {STRIPE}"}),
    ),
]
