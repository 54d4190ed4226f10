"""An express workflow ends after five minutes, by the clock of the embedded AWS."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from constructs_lib.local import LocalAws
from constructs_lib.local.clock import Clock

pytestmark = pytest.mark.usefixtures("reset")
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"}}


def machine(aws: LocalAws, kind: str) -> str:
    """A workflow that waits for ten minutes."""
    name = f"patient-{uuid.uuid4().hex[:12]}"
    document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    states = {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}
    definition = json.dumps({"StartAt": "Wait", "States": states})
    arn: str = aws.client("stepfunctions").create_state_machine(
        name=name, definition=definition, roleArn=role, type=kind
    )["stateMachineArn"]
    return arn


def test_ends_after_five_minutes_and_not_before(local_app: LocalAws, clock: Clock) -> None:
    workflows, express = local_app.client("stepfunctions"), machine(local_app, "EXPRESS")

    def run() -> Any:
        return workflows.start_sync_execution(stateMachineArn=express)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        time.sleep(1)  # so that it waits already
        clock.advance(minutes=4)
        with pytest.raises(TimeoutError):
            running.result(0.5)
        clock.advance(minutes=2)
        assert running.result(20)["status"] == "TIMED_OUT"


def test_standard_workflows_go_on(local_app: LocalAws, clock: Clock) -> None:
    workflows = local_app.client("stepfunctions")
    execution = workflows.start_execution(stateMachineArn=machine(local_app, "STANDARD"))["executionArn"]
    clock.advance(minutes=6)
    assert workflows.describe_execution(executionArn=execution)["status"] == "RUNNING"
