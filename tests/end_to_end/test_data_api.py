"""A database without a proxy, on the embedded AWS: statements over HTTPS, and passwords that change."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import RelationalDatabase, SecureFunction
from constructs_lib.local.session import LocalAws

ROOT = Path(__file__).parents[2]
ENTRY = "tests/end_to_end/handlers/ask_data_api.py"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("archive")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        context = {"constructs-lib:bundle-for": "this-machine"}
        app = cdk.App(outdir=str(folder), analytics_reporting=False, context=context)
        stack = cdk.Stack(app, "Archive")
        database = RelationalDatabase(stack, "Archive", data_api=True)
        for name in ("Reader", "Writer"):
            ask = SecureFunction(stack, name, entry=ENTRY)
            database.grant_data_api(ask, "ExecuteStatement", user=f"archive_{name.lower()}")
        app.synth()
    with LocalAws.from_assembly(folder) as running:
        yield running


def variable(aws: LocalAws, name: str, variable: str) -> str:
    functions = aws.client("lambda").list_functions()["Functions"]
    [found] = [each for each in functions if each["FunctionName"].startswith(f"Archive-{name}Function")]
    return str(found["Environment"]["Variables"][variable])


def ask(aws: LocalAws, name: str, **event: str) -> Any:
    functions = aws.client("lambda").list_functions()["Functions"]
    [found] = [each for each in functions if each["FunctionName"].startswith(f"Archive-{name}Function")]
    answered = aws.client("lambda").invoke(FunctionName=found["FunctionName"], Payload=json.dumps(event))
    return json.loads(answered["Payload"].read())


def test_each_function_is_its_own_user(aws: LocalAws) -> None:
    assert [ask(aws, name) for name in ("Reader", "Writer")] == ["archive_reader", "archive_writer"]


def test_no_function_uses_the_secret_of_another(aws: LocalAws) -> None:
    failed = ask(aws, "Reader", secret=variable(aws, "Writer", "DATABASE_SECRET"))
    assert failed["errorType"] == "AccessDeniedException"
    denied = [each["action"] for each in aws.journal("authorization") if not each["allowed"]]
    assert denied == ["secretsmanager:GetSecretValue"]


def test_a_password_that_was_changed_is_used_at_once(aws: LocalAws) -> None:
    secrets, arn = aws.client("secretsmanager"), variable(aws, "Reader", "DATABASE_SECRET")
    before = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])["password"]
    secrets.rotate_secret(SecretId=arn)
    deadline = time.monotonic() + 90
    after = before
    while after == before and time.monotonic() < deadline:
        time.sleep(0.1)
        after = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])["password"]
    assert after != before
    assert ask(aws, "Reader") == "archive_reader"
    kept = secrets.create_secret(
        Name="before", SecretString=json.dumps({"username": "archive_reader", "password": before})
    )
    cluster = variable(aws, "Reader", "DATABASE_CLUSTER")
    client = aws.client("rds-data")
    with pytest.raises(client.exceptions.ClientError, match="password authentication failed"):
        client.execute_statement(resourceArn=cluster, secretArn=kept["ARN"], database="app", sql="SELECT 1")
