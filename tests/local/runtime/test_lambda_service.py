"""What callers of Lambda see, from outside and with an SDK, and what the function sees of them.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.local.runtime.custom import programs, runtime
from tests.local.runtime.deployed import BUCKET, App
from tests.local.runtime.event_handlers import att, ref, until
from tests.local.runtime.template import function

NODE = """
let count = 0;
exports.handler = async (event, context) => {
  count += 1;
  const before = context.getRemainingTimeInMillis();
  if (event.wait) await new Promise((r) => setTimeout(r, event.wait));
  const { callbackWaitsForEmptyEventLoop, ...told } = JSON.parse(JSON.stringify(context));
  return { ...told, before, after: context.getRemainingTimeInMillis(), stream: process.env.AWS_LAMBDA_LOG_STREAM_NAME };
};
"""
PYTHON = """
def handler(event, context):
    client = context.client_context
    return {
        "functionName": context.function_name, "functionVersion": context.function_version,
        "invokedFunctionArn": context.invoked_function_arn, "memoryLimitInMB": context.memory_limit_in_mb,
        "awsRequestId": context.aws_request_id, "logGroupName": context.log_group_name,
        "logStreamName": context.log_stream_name, "remaining": context.get_remaining_time_in_millis(),
        "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
        "client": client and [client.client.app_title, client.client.app_version_code, client.custom, client.env],
    }
"""
CUSTOM = runtime("""
    def handle(event, headers, path):
        if event.get("fails"):
            told = json.dumps({"errorType": "My.Error", "errorMessage": "as asked"})
            call("POST", path + "/error", told, {"Lambda-Runtime-Function-Error-Type": "My.Error"})
            return
        print("custom log", flush=True)
        told = {"event": event, "arn": headers["Lambda-Runtime-Invoked-Function-Arn"]}
        call("POST", path + "/response", json.dumps(told))
    serve(handle)
""")
CLIENT = {
    "client": {"installation_id": "i", "app_title": "shop", "app_version_code": "7"},
    "custom": {"k": "v"},
    "env": {"locale": "de"},
}


@pytest.fixture(scope="module")
def made(mended: App) -> dict[str, str]:
    keys = mended.aws.upload({"service-node": {"index.js": NODE}, "service-python": {"index.py": PYTHON}})
    s3 = mended.aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key="service-custom.zip", Body=programs({"bootstrap": CUSTOM}))
    resources = {
        **function("Node", keys["service-node"], BUCKET, [], Timeout=3, MemorySize=256),
        **function("Python", keys["service-python"], BUCKET, [], Runtime="python3.13", Timeout=3),
        **function("Custom", "service-custom.zip", BUCKET, [], Runtime="provided.al2023", Handler="any"),
        "NodeVersion": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": ref("Node")}},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": ref("Node"),
                "FunctionVersion": att("NodeVersion", "Version"),
                "Name": "live",
            },
        },
    }
    names = ("Node", "NodeLogs", "Python", "Custom", "CustomLogs")
    outputs = {name: {"Value": ref(name)} for name in names}
    return mended.aws.deploy("Service", {"Resources": resources, "Outputs": outputs})


def answered(app: App, name: str, event: Any = None, **arguments: Any) -> dict[str, Any]:
    answer = app.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}), **arguments)
    payload = answer.pop("Payload").read()
    return {**answer, "Payload": json.loads(payload)}


class TestContext:
    def test_describes_an_invocation_to_node(self, mended: App, made: dict[str, str]) -> None:
        context = base64.b64encode(json.dumps(CLIENT).encode()).decode()
        answer = answered(mended, made["Node"], ClientContext=context)
        told = answer["Payload"]
        assert told["clientContext"] == CLIENT
        assert told["functionVersion"] == answer["ExecutedVersion"] == "$LATEST"
        assert told["memoryLimitInMB"] == "256"
        assert told["awsRequestId"] == answer["ResponseMetadata"]["RequestId"]
        assert told["logGroupName"] == made["NodeLogs"]
        assert told["logStreamName"] == told["stream"]
        assert "[$LATEST]" in told["stream"]
        assert "identity" not in told
        assert 2000 < told["before"] <= 3000

    def test_counts_the_time_that_is_left_down(self, mended: App, made: dict[str, str]) -> None:
        told = answered(mended, made["Node"], {"wait": 200})["Payload"]
        assert 190 <= told["before"] - told["after"] < 2000

    def test_describes_an_invocation_to_python(self, mended: App, made: dict[str, str]) -> None:
        context = base64.b64encode(json.dumps(CLIENT).encode()).decode()
        told = answered(mended, made["Python"], ClientContext=context)["Payload"]
        assert told["client"] == ["shop", "7", {"k": "v"}, {"locale": "de"}]
        assert told["identity"] == [None, None]
        assert (told["functionVersion"], told["memoryLimitInMB"]) == ("$LATEST", "512")
        assert 2000 < told["remaining"] <= 3000
        assert answered(mended, made["Python"])["Payload"]["client"] is None

    def test_names_the_version_and_the_alias_it_was_called_by(self, mended: App, made: dict[str, str]) -> None:
        told = answered(mended, f"{made['Node']}:live")
        assert told["ExecutedVersion"] == told["Payload"]["functionVersion"] == "1"
        assert told["Payload"]["invokedFunctionArn"].endswith(f":function:{made['Node']}:live")
        assert "[1]" in told["Payload"]["logStreamName"]
        by_qualifier = answered(mended, made["Node"], Qualifier="1")["Payload"]
        assert by_qualifier["invokedFunctionArn"].endswith(":1")


class TestCustomRuntime:
    def test_answers_and_logs(self, mended: App, made: dict[str, str]) -> None:
        answer = answered(mended, made["Custom"], {"a": 1}, LogType="Tail")
        assert answer["Payload"]["event"] == {"a": 1}
        assert answer["Payload"]["arn"].endswith(f":function:{made['Custom']}")
        assert b"custom log" in base64.b64decode(answer["LogResult"])
        assert "custom log" in mended.aws.messages(made["CustomLogs"])

    def test_fails(self, mended: App, made: dict[str, str]) -> None:
        answer = answered(mended, made["Custom"], {"fails": True})
        assert answer["FunctionError"] == "Unhandled"
        assert answer["Payload"] == {"errorType": "My.Error", "errorMessage": "as asked"}


class TestConcurrency:
    def test_throttles_what_is_beyond_the_reserved(self, mended: App, made: dict[str, str]) -> None:
        functions, name = mended.aws.client("lambda"), made["Node"]
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
        try:
            with ThreadPoolExecutor(1) as pool:
                running = pool.submit(until, lambda: takes(mended, name, {"wait": 2000}))
                assert until(lambda: not takes(mended, f"{name}:live"))
                assert running.result()
            assert takes(mended, name)
        finally:
            functions.delete_function_concurrency(FunctionName=name)

    def test_tries_a_throttled_event_again(self, mended: App, made: dict[str, str]) -> None:
        functions, name = mended.aws.client("lambda"), made["Custom"]
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        before = len(mended.aws.messages(made["CustomLogs"]))
        answer = functions.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
        assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
        time.sleep(0.3)
        assert len(mended.aws.messages(made["CustomLogs"])) == before
        functions.delete_function_concurrency(FunctionName=name)
        request = answer["ResponseMetadata"]["RequestId"]
        assert until(lambda: any(request in line for line in mended.aws.messages(made["CustomLogs"])))


def takes(app: App, name: str, event: Any = None) -> bool:
    """Whether Lambda takes an invocation, rather than throttle it."""
    functions = app.aws.client("lambda")
    try:
        functions.invoke(FunctionName=name, Payload=json.dumps(event or {}))["Payload"].read()
    except functions.exceptions.TooManyRequestsException as error:
        return bool(error.response["Reason"] != "ReservedFunctionConcurrentInvocationLimitExceeded")
    return True


class TestPayload:
    @pytest.mark.parametrize(("name", "end"), [("Node", b'"after":'), ("Python", b'"client": null}')])
    def test_is_written_as_the_runtime_writes_json(
        self, mended: App, made: dict[str, str], name: str, end: bytes
    ) -> None:
        answer = mended.aws.client("lambda").invoke(FunctionName=made[name], Payload=b"{}")
        assert end in answer["Payload"].read()


class TestLayers:
    def test_says_that_the_layer_of_somebody_else_is_missing(self, mended: App, log_file: Path) -> None:
        layer = "arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-x86_64:7"
        key = mended.aws.upload({"layered": {"index.js": "exports.handler = async () => 1"}})["layered"]
        resources = function("Layered", key, BUCKET, [], Layers=[layer])
        name = mended.aws.deploy("Layered", {"Resources": resources, "Outputs": {"Name": {"Value": ref("Layered")}}})[
            "Name"
        ]
        assert answered(mended, name)["Payload"] == 1
        assert answered(mended, name)["Payload"] == 1
        told = f"the layer {layer} is not on this machine: what it brings is missing here"
        assert log_file.read_text().count(told) == 1


class TestDryRun:
    def test_runs_nothing(self, mended: App, made: dict[str, str]) -> None:
        before = len(mended.aws.messages(made["NodeLogs"]))
        answer = mended.aws.client("lambda").invoke(FunctionName=made["Node"], InvocationType="DryRun")
        assert answer["StatusCode"] == 204
        assert len(mended.aws.messages(made["NodeLogs"])) == before
