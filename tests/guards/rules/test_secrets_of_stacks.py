"""The rules on secrets that a stack is given, keeps or tells: values of secrets, parameters, outputs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.guards.rules.judged import judged

VALUE, PARAMETER, OUTPUT = "secret-value-is-not-in-template", "parameter-hides-secret", "output-tells-no-secret"
NEW = ", and issue a new one, since this one has been written down"
AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"


class TestValuesOfSecrets:
    def test_finds_the_value_of_a_secret(self) -> None:
        secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "hunter2-and-more"}}
        assert judged(VALUE, {"Key": secret}) == [
            (
                "error: SecretString holds a secret in plain text: the value of the secret stands in the template, "
                "where "
                "everybody who may read that reads it\n"
                "  at:  Shop/Key (AWS::SecretsManager::Secret) SecretString\n"
                f"  fix: let AWS make the value with GenerateSecretString, or put it into the secret after the "
                f"deployment{NEW}"
            )
        ]

    def test_finds_one_key_of_a_secret_that_is_an_object(self) -> None:
        told_in_json = json.dumps({"username": "app", "password": "hunter2"})
        secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": told_in_json}}
        [found] = judged(VALUE, {"Key": secret})
        assert found.split("\n")[1] == "  at:  Shop/Key (AWS::SecretsManager::Secret) SecretString.password"

    @pytest.mark.parametrize(
        "properties",
        [
            {"GenerateSecretString": {"SecretStringTemplate": '{"username": "app"}', "GenerateStringKey": "password"}},
            {
                "GenerateSecretString": {
                    "SecretStringTemplate": '{"password": "soon-replaced-1"}',
                    "GenerateStringKey": "password",
                }
            },
            {"SecretString": {"Ref": "Given"}},
            {"SecretString": ""},
            {"SecretString": "{}"},
            {"SecretString": "<put the key here>"},
            {"Name": "orders/db"},
        ],
    )
    def test_passes_generated_and_given_values(self, properties: dict[str, Any]) -> None:
        secret = {"Type": "AWS::SecretsManager::Secret", "Properties": properties}
        assert judged(VALUE, {"Key": secret}, Parameters={"Given": {"Type": "String", "NoEcho": True}}) == []


class TestParameters:
    def test_finds_a_secret_that_is_shown(self) -> None:
        assert judged(PARAMETER, {}, Parameters={"DbPassword": {"Type": "String"}}) == [
            (
                "error: parameter DbPassword takes a password without NoEcho: its value is shown to everybody who may "
                "describe the stack\n"
                "  at:  Shop/DbPassword (Parameter) NoEcho\n"
                "  fix: set NoEcho: true; better, take the name of a secret and let AWS resolve it"
            )
        ]

    def test_finds_a_secret_by_default(self) -> None:
        fix = f"leave the default out, so that whoever deploys has to give the value{NEW}"
        hidden = {"DbPassword": {"Type": "String", "NoEcho": "true", "Default": "hunter2"}}
        assert judged(PARAMETER, {}, Parameters=hidden) == [
            (
                "error: parameter DbPassword hides its value, and its default stands in the template for all to read\n"
                "  at:  Shop/DbPassword (Parameter) Default\n"
                f"  fix: {fix}"
            )
        ]
        shown = {"DbPassword": {"Type": "String", "Default": "hunter2"}}
        assert [each.split("\n")[0] for each in judged(PARAMETER, {}, Parameters=shown)] == [
            (
                "error: the default of parameter DbPassword is a password in plain text: everybody who may read this "
                "template "
                "reads it"
            ),
            (
                "error: parameter DbPassword takes a password without NoEcho: its value is shown to everybody who may "
                "describe the stack"
            ),
        ]

    def test_finds_a_key_by_its_form_in_a_default(self) -> None:
        [found] = judged(PARAMETER, {}, Parameters={"Config": {"Type": "String", "Default": AWS_KEY}})
        assert found.startswith("error: Default of parameter Config holds an AWS access key in plain text\n")

    def test_warns_of_what_may_take_a_name(self) -> None:
        assert judged(PARAMETER, {}, Parameters={"DbSecret": {"Type": "String"}}) == [
            (
                "warning: parameter DbSecret may take a secret, and its value is shown to everybody who may describe "
                "the "
                "stack\n"
                "  at:  Shop/DbSecret (Parameter) NoEcho\n"
                "  fix: set NoEcho: true; if it takes the name of a secret, call it DbSecretName"
            )
        ]

    @pytest.mark.parametrize(
        ("name", "parameter"),
        [
            ("DbPassword", {"Type": "String", "NoEcho": True}),
            ("DbPassword", {"Type": "String", "NoEcho": True, "Default": ""}),
            ("DbPassword", {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/app/password"}),
            ("DbSecretArn", {"Type": "String"}),
            ("DbSecret", {"Type": "String", "Default": "arn:aws:secretsmanager:eu-west-1:1:secret:db"}),
            ("MaxTokens", {"Type": "Number", "Default": 4096}),
            ("AuthToken", {"Type": "String", "AllowedValues": ["optional", "required"]}),
        ],
    )
    def test_passes_those_that_hide_or_only_name_it(self, name: str, parameter: dict[str, Any]) -> None:
        assert judged(PARAMETER, {}, Parameters={name: parameter}) == []


class TestOutputs:
    FIX = "export the name or ARN of a secret instead, and let who needs the value read it from Secrets Manager"

    def test_finds_a_hidden_parameter_that_is_told(self) -> None:
        parameters = {"Given": {"Type": "String", "NoEcho": True}}
        outputs = {"Url": {"Value": {"Fn::Sub": "postgres://app:${Given}@${Db.Endpoint.Address}/app"}}}
        assert judged(OUTPUT, {}, Parameters=parameters, Outputs=outputs) == [
            (
                "error: output Url tells the value of parameter Given to everybody who may describe the stack\n"
                "  at:  Shop/Url (Output) Value\n"
                f"  fix: {self.FIX}"
            )
        ]

    @pytest.mark.parametrize(
        ("value", "what"),
        [
            ({"Fn::GetAtt": ["Key", "SecretAccessKey"]}, "the secret access key of Key"),
            ({"Fn::GetAtt": "Client.ClientSecret"}, "the client secret of Client"),
            ({"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "S"}, "}}"]]}, "the value of a secret"),
            ({"Ref": "DbPassword"}, "the value of parameter DbPassword"),
        ],
    )
    def test_finds_what_tells_a_secret(self, value: object, what: str) -> None:
        resources = {"Key": {"Type": "AWS::IAM::AccessKey"}, "Client": {"Type": "AWS::Cognito::UserPoolClient"}}
        parameters = {"DbPassword": {"Type": "String"}}
        [found] = judged(OUTPUT, resources, Parameters=parameters, Outputs={"Told": {"Value": value}})
        assert found.startswith(f"error: output Told tells {what} to everybody who may describe the stack\n")

    def test_finds_a_literal_by_the_name_of_its_output(self) -> None:
        [found] = judged(OUTPUT, {}, Outputs={"AdminPassword": {"Value": "hunter2"}})
        assert found.startswith("error: output AdminPassword tells a password to everybody")

    def test_passes_names_and_arns(self) -> None:
        resources = {"Secret": {"Type": "AWS::SecretsManager::Secret"}, "Key": {"Type": "AWS::IAM::AccessKey"}}
        outputs = {"SecretArn": {"Value": {"Ref": "Secret"}}, "KeyId": {"Value": {"Ref": "Key"}}}
        assert judged(OUTPUT, resources, Outputs=outputs) == []
