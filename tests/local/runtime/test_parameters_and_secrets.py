"""Functions that read secrets and parameters by AWS's extension, whose layer they have.

https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-integration-lambda-extensions.html
"""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tests.local.runtime.deployed import BUCKET, App
from tests.local.runtime.event_handlers import allow, join, ref
from tests.local.runtime.template import function

LAYER = "arn:aws:lambda:us-east-1:177933569100:layer:AWS-Parameters-and-Secrets-Lambda-Extension:12"
CODE = """
const { PARAMETERS_SECRETS_EXTENSION_HTTP_PORT, WRITTEN_DOWN } = process.env;
async function ask([path, token, isWrittenDown]) {
  const base = `http://127.0.0.1:${isWrittenDown ? WRITTEN_DOWN : PARAMETERS_SECRETS_EXTENSION_HTTP_PORT}`;
  const own = process.env.AWS_SESSION_TOKEN;
  const header = token === null ? {} : { "X-Aws-Parameters-Secrets-Token": token === "own" ? own : token };
  const answer = await fetch(base + path, { headers: header });
  return [answer.status, await answer.text()];
}
const atStart = await ask(["/secretsmanager/get?secretId=x", "own"]);
export const handler = async (event) => (event === "start" ? atStart : ask(event));
"""


@pytest.fixture(scope="module")
def reader(mended: App) -> tuple[App, str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    key = mended.aws.upload({"values": {"index.mjs": CODE}})["values"]
    parameter = join("arn:", ref("AWS::Partition"), ":ssm:us-east-1:", ref("AWS::AccountId"), ":parameter/values/plan")
    resources = {
        "Plan": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/values/plan", "Type": "String", "Value": "1"}},
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "values", "SecretString": "hidden"}},
        **function(
            "Reads",
            key,
            BUCKET,
            [allow("secretsmanager:GetSecretValue", ref("Secret")), allow("ssm:GetParameter", parameter)],
            Layers=[LAYER],
            LoggingConfig={"LogFormat": "Text", "LogGroup": ref("ReadsLogs")},
            Environment={
                "Variables": {
                    "SSM_PARAMETER_STORE_TTL": "0",
                    "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(port),
                    "WRITTEN_DOWN": str(port),
                }
            },
        ),
    }
    outputs = {name: {"Value": ref(name)} for name in ("Reads", "ReadsLogs", "Secret")}
    return mended, mended.aws.deploy("Values", {"Resources": resources, "Outputs": outputs})["Reads"]


def ask(reader: tuple[App, str], *event: Any) -> tuple[int, str]:
    app, name = reader
    event = (*event, "own") if len(event) == 1 else event
    answer = app.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or "start"))
    status, text = json.loads(answer["Payload"].read())
    return status, text


def test_reads_a_secret(reader: tuple[App, str]) -> None:
    status, text = ask(reader, "/secretsmanager/get?secretId=values")
    told = json.loads(text)
    assert (status, told["SecretString"], told["Name"], told["VersionStages"]) == (
        200,
        "hidden",
        "values",
        ["AWSCURRENT"],
    )
    assert told["CreatedDate"].endswith("Z")
    assert told["ResultMetadata"] == {}


def test_keeps_a_secret_for_its_time(reader: tuple[App, str]) -> None:
    ask(reader, "/secretsmanager/get?secretId=values&versionStage=AWSCURRENT")
    secrets = reader[0].aws.client("secretsmanager")
    secrets.put_secret_value(SecretId="values", SecretString="newer")
    try:
        _, kept = ask(reader, "/secretsmanager/get?secretId=values&versionStage=AWSCURRENT")
        assert json.loads(kept)["SecretString"] == "hidden"
    finally:
        secrets.put_secret_value(SecretId="values", SecretString="hidden")


def test_reads_a_parameter_anew_when_its_time_is_zero(reader: tuple[App, str]) -> None:
    parameters = reader[0].aws.client("ssm")
    for value in ("2", "3"):
        parameters.put_parameter(Name="/values/plan", Value=value, Overwrite=True)
        status, text = ask(reader, "/systemsmanager/parameters/get/?name=%2Fvalues%2Fplan")
        found = json.loads(text)["Parameter"]
        assert (status, found["Value"], found["Name"], found["Type"]) == (200, value, "/values/plan", "String")


def test_refuses_what_the_role_may_not_read_and_says_so_in_the_log(reader: tuple[App, str]) -> None:
    status, text = ask(reader, "/systemsmanager/parameters/get?name=/app/plan")
    assert (status, text) == (400, "an unexpected error occurred while executing request")
    app, _ = reader
    group = app.aws.client("cloudformation").describe_stacks(StackName="Values")["Stacks"][0]["Outputs"]
    name = next(each["OutputValue"] for each in group if each["OutputKey"] == "ReadsLogs")
    assert any("GetParameter request encountered an error" in line for line in app.aws.messages(name))


def test_answers_on_the_port_that_is_written_down_too(reader: tuple[App, str]) -> None:
    status, text = ask(reader, "/secretsmanager/get?secretId=values", "own", True)
    assert (status, json.loads(text)["SecretString"]) == (200, "hidden")
    assert ask(reader, "/secretsmanager/get?secretId=values", "guessed", True)[0] == 401


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (["/secretsmanager/get?secretId=values", "guessed"], 401),
        (["/secretsmanager/get?secretId=values", None], 401),
        (["/secretsmanager/get"], 400),
        (["/systemsmanager/parameters/get?version=1"], 400),
        (["/secretsmanager/get?secretId=unknown"], 400),
        (["/other"], 404),
    ],
)
def test_refuses(reader: tuple[App, str], event: list[Any], status: int) -> None:
    assert ask(reader, *event)[0] == status


def test_serves_nobody_before_the_first_invocation(reader: tuple[App, str]) -> None:
    assert ask(reader) == (400, "bad request: not ready to serve traffic, please wait")
