"""The `local invoke` command: one call of one function, its answer, and the end of its log."""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING

from constructs_lib.local.aws_clients import errors_explained
from constructs_lib.local.deployed_names import FUNCTION, named
from constructs_lib.local.function_logs import harmless
from constructs_lib.local.running import RunningAws
from constructs_lib.local.terminal import complain
from constructs_lib.local.told_content import content_of
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from pathlib import Path

INVOKE_SECONDS = 930.0  # a function has fifteen minutes


def run(state: Path, function: str, event: str | None, *, is_async: bool) -> int:
    """Call the function, and return 1 when it fails."""
    payload = content_of(event, "the event", otherwise=b"{}")
    _refuse_no_json(payload, event)
    aws = RunningAws.find(state)
    found = named(aws.stacks, FUNCTION, function)
    client = aws.clients.patient_client("lambda", found.region, seconds=INVOKE_SECONDS)
    with errors_explained(aws.endpoint):
        if is_async:
            client.invoke(FunctionName=found.name, Payload=payload, InvocationType="Event")
            complain(f"accepted; constructs-lib local logs {found.path} shows what comes of it")
            return 0
        answer = client.invoke(FunctionName=found.name, Payload=payload, LogType="Tail")
        content = answer["Payload"].read()
    log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    if log:
        complain("\n".join(harmless(line) for line in log.rstrip("\n").splitlines()))
    sys.stdout.buffer.write(content if content.endswith(b"\n") else content + b"\n")
    sys.stdout.flush()
    return 1 if "FunctionError" in answer else 0


def _refuse_no_json(payload: bytes, told: str | None) -> None:
    """Refuse here what Lambda would refuse with less to go by."""
    try:
        json.loads(payload)
    except (ValueError, RecursionError) as error:
        shown = told if told is not None and told.startswith(("@", "-")) else "EVENT"
        problem = Problem(
            what=f"the event is no JSON: {error}",
            where=shown,
            fix="write JSON in single quotes, or @FILE, or - for standard input",
        )
        raise LocalError(problem) from error
