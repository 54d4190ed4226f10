from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import Outside

SDK = "AWS SDK for JavaScript v3"
GUIDE = "AWSJavaScriptSDK/v3/latest/"
PROGRAM = Path(__file__).with_name("javascript_sdk.mjs")


@pytest.fixture(scope="module")
def answers(aws: Outside) -> dict[str, Any]:
    """What the program was answered."""
    done = subprocess.run(
        ["node", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], "ENDPOINT": aws.endpoint},
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["name"]: each.get("value") for each in told}


@behaviour(SDK, "items keep their types, bytes among them", GUIDE + "client/dynamodb/command/GetItemCommand/")
def test_items(answers: dict[str, Any]) -> None:
    assert answers["item"] == {"id": {"S": "a"}, "picture": {"B": [1, 255]}, "n": {"N": "1.5"}}


@behaviour(SDK, "an error has the name that `catch` compares", GUIDE + "client/dynamodb/command/PutItemCommand/")
def test_errors(answers: dict[str, Any]) -> None:
    assert answers["condition"] == {"name": "ConditionalCheckFailedException", "status": 400}


@behaviour(SDK, "documents are plain objects, sets and nulls among them", GUIDE + "package/-aws-sdk-lib-dynamodb/")
def test_documents(answers: dict[str, Any]) -> None:
    assert answers["document"] == {"id": "b", "tags": ["x"], "deep": {"list": [1, None]}}


@behaviour(
    SDK,
    "messages keep every character, and their checksums are checked",
    GUIDE + "client/sqs/command/ReceiveMessageCommand/",
)
def test_messages(answers: dict[str, Any]) -> None:
    assert answers["message"] == "ü"


@behaviour(SDK, "a queue that is not there is QueueDoesNotExist", GUIDE + "client/sqs/command/SendMessageCommand/")
def test_no_queue(answers: dict[str, Any]) -> None:
    assert answers["no queue"]["name"] == "QueueDoesNotExist"
