"""Secrets reach the handler's memory, and neither the template nor the function's configuration."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from botocore.exceptions import ClientError

from constructs_lib import SecureFunction
from constructs_lib.local import LocalAws
from constructs_lib.wiring.secrets import SecretSource


def fill(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop")
    stripe = secretsmanager.Secret(stack, "Stripe")
    secretsmanager.Secret(stack, "Other")
    limit = ssm.StringParameter(stack, "Limit", string_value="10")
    wired: dict[str, SecretSource] = {"STRIPE_KEY": stripe, "LIMIT": limit}
    SecureFunction(stack, "Node", entry="tests/end_to_end/handlers/read_secrets.ts", secrets=wired)
    SecureFunction(stack, "Python", entry="tests/end_to_end/handlers/read_secrets.py", secrets=wired)


@pytest.fixture(scope="module")
def shop(synthesize: Callable[[Callable[[cdk.App], object]], Path]) -> Iterator[LocalAws]:
    with LocalAws.from_assembly(synthesize(fill)) as aws:
        yield aws


def physical_name(aws: LocalAws, path: str) -> str:
    [name] = [name for name, at in aws.function_paths().items() if at.startswith(f"Shop/{path}")]
    return name


@pytest.mark.parametrize("function", ["Node", "Python"])
def test_the_handler_reads_both_with_its_own_role(shop: LocalAws, function: str) -> None:
    client = shop.client("lambda")
    name = physical_name(shop, function)
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    value = shop.client("secretsmanager").get_secret_value(SecretId=variables["STRIPE_KEY"])["SecretString"]
    answer = client.invoke(FunctionName=name)
    assert json.loads(answer["Payload"].read()) == {"secret": value, "parameter": "10"}
    assert value
    assert value not in json.dumps(variables)


@pytest.mark.parametrize("function", ["Node", "Python"])
def test_another_secret_is_denied(shop: LocalAws, function: str) -> None:
    name = physical_name(shop, function)
    wired = shop.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    [other] = [
        each["ARN"]
        for each in shop.client("secretsmanager").list_secrets()["SecretList"]
        if each["ARN"] != wired["STRIPE_KEY"]
    ]
    with pytest.raises(ClientError, match="AccessDenied"):
        shop.client_of(name, "secretsmanager").get_secret_value(SecretId=other)
