"""An invocation that is throttled is told in the journal, with the limit that was reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from constructs_lib.local.emulator import Emulator, Settings
from tests.local.runtime.deployed import Deployed
from tests.local.runtime.functions import zip_of


def test_tells_the_function_and_the_limit(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    with Emulator.start(Settings(journal=journal)) as emulator:
        aws = Deployed(emulator.endpoint)
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = aws.client("iam").create_role(RoleName="throttled", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        functions = aws.client("lambda")
        functions.create_function(
            FunctionName="throttled",
            Role=role,
            Runtime="nodejs22.x",
            Handler="index.handler",
            Code={"ZipFile": zip_of({"index.js": "exports.handler = async () => 1"})},
        )
        functions.put_function_concurrency(FunctionName="throttled", ReservedConcurrentExecutions=0)
        with pytest.raises(functions.exceptions.TooManyRequestsException):
            functions.invoke(FunctionName="throttled")
    [told] = [each for each in map(json.loads, journal.read_text().splitlines()) if each["kind"] == "throttle"]
    assert (told["function"], told["limit"]) == ("throttled", 0)
