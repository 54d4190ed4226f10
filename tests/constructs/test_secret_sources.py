"""Fields of secrets and paths of parameters: what the variable says, and what the function may read, exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs_lib import ParameterPath, PropError, SecretField, SecureFunction, Waived, assert_guarded
from constructs_lib.wiring.secrets import SecretSource
from tests.findings import findings_of
from tests.templates import permissions_of, statements_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
NUMBER: Any = 5
TEXT: Any = "text"
NOTHING: Any = None


def variables_of(stack: cdk.Stack) -> dict[str, Any]:
    [function] = [each for each in template_of(stack)["Resources"].values() if each["Type"] == "AWS::Lambda::Function"]
    found: dict[str, Any] = function["Properties"]["Environment"]["Variables"]
    return found


def granted(stack: cdk.Stack) -> set[tuple[str, str]]:
    """What the function may do beside its logs and traces."""
    return {pair for pair in permissions_of(template_of(stack), "Read") if not pair[0].startswith(("logs:", "xray:"))}


def statements_on(stack: cdk.Stack, *actions: str) -> list[dict[str, Any]]:
    return [each for each in statements_of(template_of(stack)) if each["Action"] in actions]


def read_with(stack: cdk.Stack, **secrets: SecretSource) -> None:
    SecureFunction(stack, "Read", entry=ENTRY, secrets=secrets, on_failure=Waived("nobody calls it asynchronously"))


class TestFields:
    def test_the_variable_says_the_arn_and_the_field(self, stack: cdk.Stack) -> None:
        secret = secretsmanager.Secret(stack, "Database")
        read_with(stack, DB_PASSWORD=SecretField(secret, "password"))
        name = stack.resolve(secret.secret_arn)
        assert variables_of(stack)["DB_PASSWORD"] == {"Fn::Join": ["", [name, ":password::"]]}

    def test_fields_of_one_secret_are_one_permission(self, stack: cdk.Stack) -> None:
        secret = secretsmanager.Secret(stack, "Database", encryption_key=kms.Key(stack, "Key"))
        read_with(
            stack, DB_USER=SecretField(secret, "username"), DB_PASSWORD=SecretField(secret, "password"), DB=secret
        )
        assert {action for action, _ in granted(stack)} == {"secretsmanager:GetSecretValue", "kms:Decrypt"}
        assert len(statements_on(stack, "secretsmanager:GetSecretValue", "kms:Decrypt")) == 2

    def test_a_secret_imported_by_name_has_its_suffix_in_the_grant_alone(self, stack: cdk.Stack) -> None:
        secret = secretsmanager.Secret.from_secret_name_v2(stack, "Stripe", "stripe")
        read_with(stack, STRIPE_KEY=SecretField(secret, "key"))
        assert "stripe:key::" in str(variables_of(stack)["STRIPE_KEY"])
        assert "stripe-??????" in str(granted(stack))

    def test_a_secret_of_another_region_is_decrypted_by_that_regions_service(self, stack: cdk.Stack) -> None:
        arn = "arn:aws:{}:us-east-2:111122223333:{}"
        secret = secretsmanager.Secret.from_secret_attributes(
            stack,
            "Stripe",
            secret_complete_arn=arn.format("secretsmanager", "secret:stripe-Ab12Cd"),
            encryption_key=kms.Key.from_key_arn(
                stack, "Key", arn.format("kms", f"key/{'0' * 8}-1111-2222-3333-{'4' * 12}")
            ),
        )
        read_with(stack, STRIPE_KEY=secret)
        [decrypt] = statements_on(stack, "kms:Decrypt")
        told = decrypt["Condition"]["StringEquals"]["kms:ViaService"]
        assert told == {"Fn::Join": ["", ["secretsmanager.us-east-2.", {"Ref": "AWS::URLSuffix"}]]}


class TestPaths:
    def test_the_variable_says_the_path_and_the_grant_is_on_it_alone(self, stack: cdk.Stack) -> None:
        read_with(stack, CONFIG=ParameterPath("/shop/prod"))
        assert variables_of(stack)["CONFIG"] == "/shop/prod"
        [(action, resource)] = granted(stack)
        assert action == "ssm:GetParametersByPath"
        assert "parameter/shop/prod" in str(resource)
        assert "*" not in str(resource)

    def test_a_key_decrypts_what_is_below_the_path_alone(self, stack: cdk.Stack) -> None:
        key = kms.Key(stack, "Key")
        read_with(stack, CONFIG=ParameterPath("/shop/prod", key=key))
        [decrypt] = statements_on(stack, "kms:Decrypt")
        assert decrypt["Resource"] == stack.resolve(key.key_arn)
        assert str(decrypt["Condition"]["StringLike"]["kms:EncryptionContext:PARAMETER_ARN"]).endswith(
            ":parameter/shop/prod/*']]}"
        )
        assert "ssm." in str(decrypt["Condition"]["StringEquals"]["kms:ViaService"])


def test_nothing_is_found_in_a_function_that_uses_all_of_them(stack: cdk.Stack) -> None:
    secret = secretsmanager.Secret(stack, "Database")
    cdk.Validations.of(secret).acknowledge(cdk.Acknowledgment(id="AwsSolutions-SMG4", reason="a test of its readers"))
    read_with(stack, DB_PASSWORD=SecretField(secret, "password"), CONFIG=ParameterPath("/shop/prod"))
    assert findings_of(stack) == []
    assert_guarded(stack)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (lambda secret: SecretField(secret, ""), "secret KEY is the field '', wanted a name without a colon"),
        (lambda secret: SecretField(secret, "a:b"), "secret KEY is the field 'a:b', wanted a name without a colon"),
        (lambda secret: SecretField(secret, NUMBER), "secret KEY is the field 5, wanted a name without a colon"),
        (lambda _: SecretField(TEXT, "a"), "secret KEY is a field of a str, wanted a Secrets Manager secret"),
        (lambda _: ParameterPath("/"), "secret KEY is the path '/', which no parameters can be below"),
        (lambda _: ParameterPath("/shop/"), "secret KEY is the path '/shop/', which no parameters can be below"),
        (lambda _: ParameterPath("shop"), "secret KEY is the path 'shop', which no parameters can be below"),
        (lambda _: ParameterPath("/a/*"), "secret KEY is the path '/a/*', which no parameters can be below"),
        (lambda _: ParameterPath(NOTHING), "secret KEY is the path None, which no parameters can be below"),
        (lambda _: ParameterPath("/aws/service"), "secret KEY is the path /aws/service, which is kept for AWS"),
        (
            lambda _: ParameterPath("/a" * 15),
            "secret KEY is a path of 15 levels, and parameters have 15 with their names",
        ),
        (lambda _: ParameterPath("/a", key=TEXT), "the key of secret KEY is a str, wanted a kms.IKey"),
    ],
)
def test_says_what_is_wrong_with_a_source(
    stack: cdk.Stack, source: Callable[[secretsmanager.Secret], SecretSource], what: str
) -> None:
    secret = secretsmanager.Secret(stack, "Database")
    with pytest.raises(PropError) as caught:
        read_with(stack, KEY=source(secret))
    assert str(caught.value).splitlines()[:2] == [what, "  at:  Shop/Read (SecureFunction)"]


@pytest.mark.parametrize("wrapped", [lambda secret: secret, lambda secret: SecretField(secret, "password")])
def test_refuses_a_secret_whose_name_looks_like_a_complete_arn(
    stack: cdk.Stack, wrapped: Callable[[secretsmanager.ISecret], SecretSource]
) -> None:
    imported = secretsmanager.Secret.from_secret_name_v2(stack, "Key", "shop/api-secret")
    with pytest.raises(PropError, match="secret KEY was imported without the end of its ARN, and its name shop/api-"):
        read_with(stack, KEY=wrapped(imported))


def test_a_key_of_another_region_is_used_through_that_regions_service(app: cdk.App) -> None:
    home, away = (
        cdk.Stack(app, name, env=cdk.Environment(account="111122223333", region=region), cross_region_references=True)
        for name, region in (("Home", "eu-central-1"), ("Away", "us-east-1"))
    )
    read_with(away, KEY=secretsmanager.Secret(home, "Secret", encryption_key=kms.Key(home, "Key")))
    [decrypt] = statements_on(away, "kms:Decrypt")
    assert "secretsmanager.eu-central-1." in str(decrypt["Condition"])
