"""Gaps of the base in how loops of functions are stopped; see `test_gaps`."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from tests.local.runtime.deployed import BUCKET, App
from tests.local.runtime.event_handlers import allow, att, collected, join, queue, ref, until
from tests.local.runtime.template import function

_numbers = itertools.count()
LOOPS = """
import boto3, json, os
def handler(event, context):
    told = json.loads(event["Records"][0]["body"]) if "Records" in event else event
    print("RUN", told["n"])
    if told["n"] >= 20:
        return
    body = json.dumps({**told, "n": told["n"] + 1})
    if told["by"] == "queue":
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=body)
    else:
        functions = boto3.client("lambda")
        functions.invoke(FunctionName=context.function_name, InvocationType="Event", Payload=body)
"""


def looping(app: App, recursion: str | None = None) -> dict[str, str]:
    stack = f"Loops{next(_numbers)}"
    grants = [
        allow(["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], att("Queue")),
        allow("sqs:SendMessage", att("Dead")),
        allow("lambda:InvokeFunction", join("arn:aws:lambda:us-east-1:000000000000:function:", stack, "-Tells*")),
    ]
    key = app.aws.upload({"loops": {"index.py": LOOPS}})["loops"]
    resources = {
        **function(
            "Tells",
            key,
            BUCKET,
            grants,
            Runtime="python3.13",
            LoggingConfig={"LogFormat": "Text", "LogGroup": ref("TellsLogs")},
            Environment={"Variables": {"QUEUE": ref("Queue")}},
            RecursiveLoop=recursion or "Terminate",
        ),
        **queue("Queue", visibility=20),
        **queue("Dead"),
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"EventSourceArn": att("Queue"), "FunctionName": ref("Tells"), "BatchSize": 1},
            "DependsOn": ["TellsGrants"],
        },
        "Invocation": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": ref("Tells"),
                "Qualifier": "$LATEST",
                "DestinationConfig": {"OnFailure": {"Destination": att("Dead")}},
            },
            "DependsOn": ["TellsGrants"],
        },
    }
    outputs = {name: {"Value": ref(name)} for name in ("Tells", "TellsLogs", "Queue", "Dead")}
    return app.aws.deploy(stack, {"Resources": resources, "Outputs": outputs})


def runs(app: App, made: dict[str, str]) -> int:
    return sum(line.startswith("RUN ") for line in app.aws.messages(made["TellsLogs"]))


def furthest(app: App, made: dict[str, str]) -> int:
    """The last round of a loop so far."""
    rounds = [line.split()[1] for line in app.aws.messages(made["TellsLogs"]) if line.startswith("RUN ")]
    return max(map(int, rounds), default=0)


class TestRecursion:
    def test_stops_a_loop_over_a_queue(self, stock: App, mended: App, log_file: Path) -> None:
        on = looping(stock)
        for _ in range(2):  # stock can lose a message, and with it a loop
            stock.aws.client("sqs").send_message(QueueUrl=on["Queue"], MessageBody='{"n": 1, "by": "queue"}')
        made = looping(mended)
        mended.aws.client("sqs").send_message(QueueUrl=made["Queue"], MessageBody='{"n": 1, "by": "queue"}')
        assert until(lambda: made["Tells"] in stopped(log_file))
        assert runs(mended, made) == 16
        assert until(lambda: furthest(stock, on), is_right=lambda round_: round_ > 16) > 16

    def test_stops_a_function_that_invokes_itself_and_keeps_its_event(self, mended: App) -> None:
        made = looping(mended)
        answer = mended.aws.client("lambda").invoke(
            FunctionName=made["Tells"], InvocationType="Event", Payload=b'{"n": 1, "by": "call"}'
        )
        answer["Payload"].read()
        [message] = collected(mended, made["Dead"], count=1)
        told = json.loads(message["Body"])
        assert told["requestPayload"]["n"] == 17
        assert told["responsePayload"]["errorType"] == "RecursiveInvocationException"
        assert runs(mended, made) == 16

    def test_lets_a_loop_run_that_is_allowed(self, mended: App) -> None:
        made = looping(mended, "Allow")
        answer = mended.aws.client("lambda").invoke(
            FunctionName=made["Tells"], InvocationType="Event", Payload=b'{"n": 1, "by": "call"}'
        )
        answer["Payload"].read()
        assert until(lambda: runs(mended, made), is_right=lambda count: count == 20) == 20


def stopped(log_file: Path) -> set[str]:
    """The functions that were stopped in a loop."""
    told = [json.loads(line) for line in log_file.read_text().splitlines()]
    return {each["function"] for each in told if "recursive loop" in each["line"]}
