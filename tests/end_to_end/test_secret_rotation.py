"""A key is rotated while functions in both languages use it, and nobody is refused."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from botocore.exceptions import ClientError

from constructs_lib import Defaults, DynamoTable, ParameterPath, SecretField, SecretRotation, SecureFunction
from constructs_lib.local import LocalAws
from constructs_lib.local.stand_ins import stand_in_lines
from constructs_lib.wiring.secrets import SecretSource

HANDLERS = "tests/end_to_end/handlers"
LANGUAGES = {"Python": "use_key.py", "Node": "use_key.ts"}
PATIENCE_SECONDS = 90


def fill(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop")
    Defaults(alarms=False).apply(stack)
    service = DynamoTable(stack, "Service", partition_key="id")
    key = secretsmanager.Secret(stack, "Key")
    database = secretsmanager.Secret(
        stack,
        "Database",
        generate_secret_string=secretsmanager.SecretStringGenerator(
            secret_string_template=json.dumps({"username": "ada"}), generate_string_key="password"
        ),
    )
    database.add_rotation_schedule("Rotation", hosted_rotation=secretsmanager.HostedRotation.postgre_sql_single_user())
    for name, value in (("limit", "10"), ("eu/tax", "19")):
        ssm.StringParameter(stack, f"Shop-{name}", parameter_name=f"/shop/prod/{name}", string_value=value)
    ssm.StringParameter(stack, "Other", parameter_name="/shop/staging/limit", string_value="1")
    rotation = SecretRotation(stack, "Rotation", secret=key, entry=f"{HANDLERS}/rotate_key.py")
    service.grant(rotation, "GetItem", "PutItem", env="SERVICE_TABLE")
    other = SecretRotation(
        stack, "TypeScript", secret=secretsmanager.Secret(stack, "OtherKey"), entry=f"{HANDLERS}/rotate_key.ts"
    )
    service.grant(other, "GetItem", "PutItem", env="SERVICE_TABLE")
    stubborn = secretsmanager.Secret(stack, "Stubborn", secret_name="stubborn")
    SecretRotation(stack, "Fails", secret=stubborn, entry=f"{HANDLERS}/rotate_key.py")  # which misses its table
    wired: dict[str, SecretSource] = {
        "SERVICE_KEY": key,
        "DB_USER": SecretField(database, "username"),
        "CONFIG": ParameterPath("/shop/prod"),
    }
    for name, file in LANGUAGES.items():
        function = SecureFunction(stack, name, entry=f"{HANDLERS}/{file}", secrets=wired)
        service.grant(function, "GetItem", env="SERVICE_TABLE")
    cdk.CfnOutput(stack, "ServiceTable", value=service.table_name)
    cdk.CfnOutput(stack, "KeyArn", value=key.secret_arn)
    cdk.CfnOutput(stack, "OtherKeyArn", value=other.secret.secret_arn)


class Shop:
    """The deployed shop."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.secrets = aws.client("secretsmanager")
        outputs = aws.client("cloudformation").describe_stacks(StackName="Shop")["Stacks"][0]["Outputs"]
        told = {each["OutputKey"]: each["OutputValue"] for each in outputs}
        self.key, self.other_key, self.table = told["KeyArn"], told["OtherKeyArn"], told["ServiceTable"]
        self.names = {
            language: next(name for name, at in aws.function_paths().items() if at.startswith(f"Shop/{language}"))
            for language in (*LANGUAGES, "Rotation")
        }
        self.labels_when_ready = [labels_of(self, each) for each in (self.key, self.other_key)]

    def accepted(self, service: str = "key") -> str | None:
        item = self.aws.client("dynamodb").get_item(TableName=self.table, Key={"id": {"S": service}}).get("Item")
        return None if item is None else str(item["accepted"]["S"])

    def accept(self, key: str) -> None:
        item = {"id": {"S": "key"}, "accepted": {"S": key}}
        self.aws.client("dynamodb").put_item(TableName=self.table, Item=item)

    def current(self) -> Any:
        return self.secrets.get_secret_value(SecretId=self.key)

    def wait_until_whole(self) -> None:
        """Until no rotation goes on, and what is current is accepted."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.accepted() != self.current()["SecretString"] or self.is_rotating():
            assert time.monotonic() < end, "the rotation does not end"
            time.sleep(0.05)

    def is_rotating(self) -> bool:
        stages = self.secrets.describe_secret(SecretId=self.key)["VersionIdsToStages"]
        return any("AWSPENDING" in each and "AWSCURRENT" not in each for each in stages.values())

    def call(self, language: str) -> Any:
        answer = self.aws.client("lambda").invoke(FunctionName=self.names[language])
        assert "FunctionError" not in answer, answer["Payload"].read()
        return json.loads(answer["Payload"].read())


@pytest.fixture(scope="module")
def deployed(synthesize: Callable[[Callable[[cdk.App], object]], Path]) -> Iterator[Shop]:
    with LocalAws.from_assembly(synthesize(fill)) as aws:
        yield Shop(aws)


@pytest.fixture
def shop(deployed: Shop) -> Shop:
    deployed.wait_until_whole()
    return deployed


def test_is_rotated_when_it_is_deployed(shop: Shop) -> None:
    told = shop.secrets.describe_secret(SecretId=shop.key)
    assert told["RotationEnabled"]
    assert told["RotationRules"] == {"ScheduleExpression": "rate(30 days)"}
    assert any("AWSPREVIOUS" in stages for stages in told["VersionIdsToStages"].values())


def test_is_whole_when_the_run_is_ready_and_after_a_reset(deployed: Shop) -> None:
    whole = {"AWSCURRENT", "AWSPREVIOUS"}
    assert deployed.labels_when_ready == [whole, whole]
    [failed] = deployed.aws.notes
    assert failed.startswith("the first rotation of stubborn failed at createSecret, its function ended with ")
    assert failed.endswith("; rotate-secret tries it again")
    deployed.aws.reset()
    assert [labels_of(deployed, each) for each in (deployed.key, deployed.other_key)] == [whole, whole]
    deployed.secrets.rotate_secret(SecretId=deployed.key)
    deployed.wait_until_whole()


def test_is_rotated_by_a_function_in_typescript(shop: Shop) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while (stages := labels_of(shop, shop.other_key)) != {"AWSCURRENT", "AWSPREVIOUS"}:
        assert time.monotonic() < end, f"the rotation does not end: {stages}"
        time.sleep(0.05)
    current = shop.secrets.get_secret_value(SecretId=shop.other_key)["SecretString"]
    assert len(current) == 32
    assert shop.accepted("other key") == current


def labels_of(shop: Shop, secret: str) -> set[str]:
    stages = shop.secrets.describe_secret(SecretId=secret)["VersionIdsToStages"].values()
    return {label for labels in stages for label in labels}


def test_a_hosted_rotation_is_said_not_to_be_here(shop: Shop) -> None:
    lines = list(stand_in_lines(shop.aws.control, shop.aws.stacks))
    assert "hosted rotation of secrets is not here, the rest works: Shop/Database/Rotation" in lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_reads_the_field_and_what_is_below_the_path(shop: Shop, language: str) -> None:
    told = shop.call(language)
    assert told["user"] == "ada"
    assert told["config"] == {"limit": "10", "eu/tax": "19"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_path_and_another_secret_of_it_are_denied(shop: Shop, language: str) -> None:
    parameters = shop.aws.client_of(shop.names[language], "ssm")
    for path in ("/shop", "/shop/staging"):
        with pytest.raises(ClientError, match="AccessDenied"):
            parameters.get_parameters_by_path(Path=path, Recursive=True)
    with pytest.raises(ClientError, match="AccessDenied"):
        parameters.get_parameter(Name="/shop/prod/limit")


@pytest.mark.parametrize("language", LANGUAGES)
def test_goes_on_between_the_change_and_the_end_of_a_rotation_and_after_it(shop: Shop, language: str) -> None:
    shop.call(language)  # keeps the key of before
    before, token = shop.current()["VersionId"], str(uuid.uuid4())
    new = f"new-{token}"
    shop.secrets.put_secret_value(
        SecretId=shop.key, ClientRequestToken=token, SecretString=new, VersionStages=["AWSPENDING"]
    )
    shop.accept(new)
    assert shop.call(language)["accepted"] == "new-"
    shop.secrets.update_secret_version_stage(
        SecretId=shop.key, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=before
    )
    assert shop.call(language)["accepted"] == "new-"


def test_nobody_is_refused_while_it_is_rotated_under_load(shop: Shop) -> None:
    before = shop.current()["VersionId"]
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(shop.call, language) for _ in range(3) for language in LANGUAGES]
        shop.secrets.rotate_secret(SecretId=shop.key)
        calls += [pool.submit(shop.call, language) for _ in range(12) for language in LANGUAGES]
        assert all(call.result()["accepted"] for call in calls)
    shop.wait_until_whole()
    assert shop.current()["VersionId"] != before


def test_the_rotation_may_do_nothing_with_another_secret(shop: Shop) -> None:
    other = next(each["ARN"] for each in shop.secrets.list_secrets()["SecretList"] if each["ARN"] != shop.key)
    secrets = shop.aws.client_of(shop.names["Rotation"], "secretsmanager")
    for call in (secrets.describe_secret, secrets.get_secret_value):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(SecretId=other)
