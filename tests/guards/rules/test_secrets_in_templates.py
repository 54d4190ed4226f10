"""The rules on secrets in templates: environment, properties, text."""

from __future__ import annotations

from typing import Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import check
from tests.guards.rules.judged import judged

ENVIRONMENT, PROPERTY = "environment-holds-no-secret", "property-holds-no-secret"
TEXT, VALUE = "template-holds-no-secret", "secret-value-is-not-in-template"
PARAMETER, OUTPUT = "parameter-hides-secret", "output-tells-no-secret"
RULES = [ENVIRONMENT, PROPERTY, TEXT, VALUE, PARAMETER, OUTPUT]
INSTEAD = (
    "keep it in Secrets Manager or as a SecureString in Parameter Store, and let the environment hold only its name or "
    "ARN (our functions: `secrets=`)"
)
NEW = ", and issue a new one, since this one has been written down"
AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"


def function(**variables: Any) -> dict[str, Any]:
    return {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": variables}}}


class TestEnvironment:
    def test_finds_a_simple_password_by_the_name_of_its_variable(self) -> None:
        assert judged(ENVIRONMENT, {"Greet": function(DB_PASSWORD="hunter2")}) == [
            (
                "error: DB_PASSWORD holds a password in plain text: everybody who may read the configuration or this "
                "template "
                "reads it\n"
                "  at:  Shop/Greet (AWS::Lambda::Function) Environment.Variables.DB_PASSWORD\n"
                f"  fix: {INSTEAD}{NEW}"
            )
        ]

    def test_finds_a_key_by_its_form_under_any_name(self) -> None:
        assert judged(ENVIRONMENT, {"Greet": function(CONFIG=f'{{"aws": "{AWS_KEY}"}}')}) == [
            (
                "error: CONFIG holds an AWS access key in plain text: everybody who may read the configuration or this "
                "template reads it\n"
                "  at:  Shop/Greet (AWS::Lambda::Function) Environment.Variables.CONFIG\n"
                f"  fix: {INSTEAD}{NEW}"
            )
        ]

    def test_warns_of_what_may_be_the_name_of_a_secret(self) -> None:
        assert judged(ENVIRONMENT, {"Greet": function(DB_SECRET="orders-db")}) == [
            (
                "warning: DB_SECRET may hold a secret in plain text: everybody who may read the configuration or "
                "this template "
                "reads it\n"
                "  at:  Shop/Greet (AWS::Lambda::Function) Environment.Variables.DB_SECRET\n"
                f"  fix: if it is the name of a secret, call it DB_SECRET_NAME; otherwise {INSTEAD}"
            )
        ]

    @pytest.mark.parametrize(
        ("kind", "properties"),
        [
            (
                "AWS::ECS::TaskDefinition",
                {"ContainerDefinitions": [{"Environment": [{"Name": "DB_PASSWORD", "Value": "hunter2"}]}]},
            ),
            (
                "AWS::CodeBuild::Project",
                {"Environment": {"EnvironmentVariables": [{"Name": "DB_PASSWORD", "Value": "hunter2"}]}},
            ),
            ("AWS::Amplify::App", {"EnvironmentVariables": [{"Name": "DB_PASSWORD", "Value": "hunter2"}]}),
            (
                "AWS::AppRunner::Service",
                {"ImageConfiguration": {"RuntimeEnvironmentVariables": [{"Name": "DB_PASSWORD", "Value": "hunter2"}]}},
            ),
        ],
    )
    def test_finds_it_in_other_environments(self, kind: str, properties: dict[str, Any]) -> None:
        [found] = judged(ENVIRONMENT, {"Here": {"Type": kind, "Properties": properties}})
        assert found.startswith("error: DB_PASSWORD holds a password in plain text")

    @pytest.mark.parametrize(
        "value",
        [
            {"Fn::If": ["IsProd", {"Ref": "Other"}, "hunter2"]},
            {"Fn::Join": ["", ["hun", "ter2"]]},
            {"Fn::Sub": "hunter2"},
            {"Fn::FindInMap": ["Passwords", {"Ref": "AWS::Region"}, "db"]},
        ],
    )
    def test_finds_it_wherever_the_template_itself_says_it(self, value: object) -> None:
        mappings = {"Passwords": {"eu-west-1": {"db": "hunter2"}}}
        found = judged(ENVIRONMENT, {"Greet": function(DB_PASSWORD=value)}, Mappings=mappings)
        assert [each.split("\n")[0] for each in found] == [
            (
                "error: DB_PASSWORD holds a password in plain text: everybody who may read the configuration or this "
                "template "
                "reads it"
            )
        ]

    @pytest.mark.parametrize(
        "value",
        [
            {"Ref": "Password"},
            {"Fn::GetAtt": ["Secret", "Arn"]},
            {"Fn::Sub": "${Password}"},
            {"Fn::ImportValue": "password"},
            "{{resolve:secretsmanager:db:SecretString:password}}",
            {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Secret"}, ":SecretString:password}}"]]},
            "",
        ],
    )
    def test_passes_references(self, value: object) -> None:
        parameters = {"Password": {"Type": "String", "NoEcho": True, "Default": "hunter2"}}
        assert judged(ENVIRONMENT, {"Greet": function(DB_PASSWORD=value)}, Parameters=parameters) == []

    def test_finds_a_key_by_how_it_looks(self) -> None:
        key = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
        [found] = judged(ENVIRONMENT, {"Greet": function(STORAGE=key)})
        assert found.startswith("error: STORAGE holds what looks like a key in plain text: ")
        [found] = judged(ENVIRONMENT, {"Greet": function(STORAGE=key[:30])})
        assert found.startswith("warning: STORAGE holds what looks like a key in plain text: ")
        assert found.endswith("; otherwise acknowledge this, and say what it is")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("TABLE", "Orders-ReadModelTable-ProductionEnvironment"),
            ("BUNDLE", "a93fa1f5c0e7f0d3d1b2a3c4d5e6f708192a3b4c"),
            ("POOL", "eu-west-1_AbCdEfGhI"),
            ("PUBLIC_KEY", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0Z3VS5JJcds3xfn"),
            ("ID", "1abc23d4-567f-8ab9-cde0-1fab234c5d67"),
        ],
    )
    def test_passes_names_and_hashes(self, name: str, value: str) -> None:
        assert judged(ENVIRONMENT, {"Greet": function(**{name: value})}) == []

    def test_finds_a_secret_inside_of_an_object_written_as_text(self) -> None:
        [found] = judged(ENVIRONMENT, {"Greet": function(CONFIG='{"db": {"password": "hunter2"}}')})
        assert found.split("\n")[1].endswith("Environment.Variables.CONFIG.db.password")

    def test_passes_what_is_no_secret(self) -> None:
        harmless = {
            "TABLE": "users",
            "SECRET_ARN": "arn:aws:secretsmanager:x",
            "TOKEN_TTL": "3600",
            "LOG_LEVEL": "INFO",
        }
        assert judged(ENVIRONMENT, {"Greet": function(**harmless)}) == []


class TestProperties:
    def test_finds_the_password_of_a_database(self) -> None:
        database = {"Type": "AWS::RDS::DBInstance", "Properties": {"MasterUserPassword": "hunter2"}}
        assert judged(PROPERTY, {"Db": database}) == [
            "error: MasterUserPassword holds a password in plain text: everybody who may read this template reads it\n"
            "  at:  Shop/Db (AWS::RDS::DBInstance) MasterUserPassword\n"
            "  fix: refer to a secret instead: `{{resolve:secretsmanager:<secret>:SecretString:<key>}}`" + NEW
        ]

    @pytest.mark.parametrize(
        ("kind", "properties"),
        [
            ("AWS::ElastiCache::ReplicationGroup", {"AuthToken": "a1b2c3d4e5f6g7h8"}),
            ("AWS::SSM::Parameter", {"Name": "/app/db-password", "Type": "String", "Value": "hunter2"}),
            ("AWS::ApiGateway::ApiKey", {"Value": "a1b2c3d4e5f6g7h8i9j0"}),
            ("AWS::IAM::User", {"LoginProfile": {"Password": "hunter2"}}),
            ("AWS::Events::Connection", {"AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyValue": "k3y-v4lue"}}}),
            ("AWS::SSM::Parameter", {"Name": "/app/payments", "Type": "String", "Value": STRIPE}),
            ("Custom::Thing", {"Nested": [{"ApiKey": "a1b2c3d4e5"}]}),
        ],
    )
    def test_finds_a_literal_in_other_resources(self, kind: str, properties: dict[str, Any]) -> None:
        found = judged(PROPERTY, {"Here": {"Type": kind, "Properties": properties}})
        assert len(found) == 1
        assert found[0].startswith("error: ")

    @pytest.mark.parametrize(
        ("kind", "properties"),
        [
            ("AWS::RDS::DBInstance", {"MasterUserPassword": "{{resolve:secretsmanager:db:SecretString:password}}"}),
            ("AWS::Cognito::UserPool", {"Policies": {"PasswordPolicy": {"MinimumLength": 12}}}),
            ("AWS::Cognito::UserPoolClient", {"TokenValidityUnits": {"AccessToken": "hours"}, "GenerateSecret": True}),
            ("AWS::SSM::Parameter", {"Name": "/app/db-secret-name", "Type": "String", "Value": "orders-db"}),
            (
                "AWS::IAM::Policy",
                {"PolicyDocument": {"Statement": {"Condition": {"StringEquals": {"app:token": "abcdef123456"}}}}},
            ),
        ],
    )
    def test_passes_references_and_settings(self, kind: str, properties: dict[str, Any]) -> None:
        assert judged(PROPERTY, {"Here": {"Type": kind, "Properties": properties}}) == []


class TestText:
    def test_finds_a_key_in_code_that_stands_in_the_template(self) -> None:
        code = f"import stripe\nstripe.key_of_ours = '{STRIPE}'\n"
        pay = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": code}}}
        assert judged(TEXT, {"Pay": pay}) == [
            (
                "error: ZipFile holds a Stripe key in plain text: everybody who may read this template reads it\n"
                "  at:  Shop/Pay (AWS::Lambda::Function) Code.ZipFile\n"
                f"  fix: read it from Secrets Manager where it is used{NEW}"
            )
        ]

    def test_finds_a_password_that_code_assigns(self) -> None:
        code = 'client = connect(user="app", password="hunter2")'
        pay = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": code}}}
        [found] = judged(TEXT, {"Pay": pay})
        assert found.startswith("error: password holds a password in plain text")

    def test_finds_it_in_the_script_of_an_instance(self) -> None:
        script = {"Fn::Base64": {"Fn::Sub": "#!/bin/bash\nexport DB_PASSWORD=hunter2\ncurl ${Url}"}}
        [found] = judged(TEXT, {"Vm": {"Type": "AWS::EC2::Instance", "Properties": {"UserData": script}}})
        assert found.startswith("error: DB_PASSWORD holds a password in plain text")

    @pytest.mark.parametrize(
        ("section", "content", "where"),
        [
            ("Outputs", {"Key": {"Value": AWS_KEY}}, "Shop/Key (Output) Value"),
            ("Mappings", {"Keys": {"eu-west-1": {"key": AWS_KEY}}}, "Shop/Keys (Mapping) eu-west-1.key"),
            ("Metadata", {"Notes": [f"use {AWS_KEY}"]}, "Shop (Stack) Metadata.Notes.0"),
        ],
    )
    def test_finds_a_key_in_every_section(self, section: str, content: dict[str, Any], where: str) -> None:
        [found] = judged(TEXT, {}, **{section: content})
        assert found.split("\n")[1] == f"  at:  {where}"

    def test_finds_a_key_in_metadata_and_description(self) -> None:
        resource = {"Type": "AWS::SQS::Queue", "Metadata": {"note": AWS_KEY}}
        found = judged(TEXT, {"Queue": resource}, Description=f"deploys with {AWS_KEY}")
        assert sorted(each.split("\n")[1] for each in found) == [
            "  at:  Shop (Stack) Description",
            "  at:  Shop/Queue (AWS::SQS::Queue) Metadata.note",
        ]

    def test_finds_a_header_in_a_state_machine(self) -> None:
        headers = '{"Authorization":"Bearer a1b2c3d4e5"}'
        start = '{"StartAt":"A","States":{"A":{"Type":"Task","Arguments":{"Headers":' + headers + ',"F":"'
        definition = {"Fn::Join": ["", [start, {"Ref": "Other"}, '"}}}}']]}
        machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": definition}}
        [found] = judged(TEXT, {"Machine": machine})
        assert found.startswith(
            "error: Authorization holds a token in plain text: everybody who may read this template"
        )
        harmless = {"Fn::Join": ["", [start.replace("a1b2c3d4e5", "<token>"), {"Ref": "Other"}, '"}}}}']]}
        machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": harmless}}
        assert judged(TEXT, {"Machine": machine}) == []

    def test_passes_code_that_reads_it_from_elsewhere(self) -> None:
        code = "password = os.environ['DB_PASSWORD']\ntoken = event['token']\n"
        pay = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": code}}}
        assert judged(TEXT, {"Pay": pay}) == []


def test_never_shows_a_value() -> None:
    secrets = [AWS_KEY, STRIPE, "hunter2", "q8Wz-k2-secret-value", "s3cret-in-default", "ghp_" + "a1B2" * 9]
    resources = {
        "Greet": function(DB_PASSWORD="hunter2", KEY_OF=STRIPE),
        "Weird": function(**{secrets[5]: "x", "MAP": {"Fn::FindInMap": [secrets[5], "a", "b"]}}),
        "Db": {"Type": "AWS::RDS::DBInstance", "Properties": {"MasterUserPassword": "q8Wz-k2-secret-value"}},
        "Key": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "q8Wz-k2-secret-value"}},
        "Code": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": f"key = '{AWS_KEY}'"}}},
    }
    app = Assembly.of(
        {
            "App": {
                "Resources": resources,
                "Parameters": {"DbPassword": {"Type": "String", "Default": "s3cret-in-default"}},
                "Outputs": {
                    "AdminPassword": {"Value": "q8Wz-k2-secret-value"},
                    "Url": {"Value": f"https://u:hunter2@{AWS_KEY}/"},
                },
                "Mappings": {"Keys": {secrets[5]: {"key": AWS_KEY}}},
            }
        }
    )
    report = check(app, only=RULES)
    assert {finding.rule for finding in report.findings} == set(RULES)
    shown = repr([(str(each), each.id, each.at, each.evidence) for each in report.findings]) + repr(report.findings)
    assert [secret for secret in secrets if secret in shown] == []


def test_finds_a_password_by_way_of_the_default_of_a_parameter_that_does_not_say_so() -> None:
    variables = function(DB_PASSWORD={"Ref": "Phrase"})
    [found] = judged(ENVIRONMENT, {"Greet": variables}, Parameters={"Phrase": {"Type": "String", "Default": "hunter2"}})
    assert found.startswith("error: DB_PASSWORD holds a password in plain text")
    hidden = {"Phrase": {"Type": "String", "NoEcho": True, "Default": "hunter2"}}
    assert judged(ENVIRONMENT, {"Greet": variables}, Parameters=hidden) == []  # parameter-hides-secret says so


def test_finds_a_variable_that_is_called_like_a_resource() -> None:
    resources = {"Greet": function(DbPassword="hunter2"), "DbPassword": {"Type": "AWS::SecretsManager::Secret"}}
    assert len(judged(ENVIRONMENT, resources)) == 1
