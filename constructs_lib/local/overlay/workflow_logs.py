"""The log of a workflow, in its log group.

Stock writes none. https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.log_delivery import append
from constructs_lib.local.overlay.patching import Patch

DATA = ("input", "output")
FATAL = {"ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"}
ERROR_ENDINGS = ("Aborted", "Failed", "TimedOut", "StartFailed", "SubmitFailed", "ScheduleFailed")


def log_event(execution: dict[str, Any], event: dict[str, Any]) -> None:
    """Write an event of the history to the log group, if the workflow has one and its level lets it."""
    machine = base("services.stepfunctions")._state_machines.get(execution["stateMachineArn"])
    told = (machine or {}).get("loggingConfiguration") or {}
    groups = [each.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "") for each in told.get("destinations") or []]
    if not any(groups) or not _is_logged(event["type"], told.get("level", "OFF")):
        return
    details: dict[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    if not told.get("includeExecutionData"):
        details = {key: value for key, value in details.items() if key not in DATA}
    moment = _milliseconds(event["timestamp"])
    line = {
        "id": str(event["id"]),
        "type": event["type"],
        "details": details,
        "previous_event_id": str(event["id"] - 1),
        "event_timestamp": str(moment),
        "execution_arn": execution["executionArn"],
        "redrive_count": "0",
    }
    day = datetime.datetime.fromtimestamp(moment / 1000, datetime.UTC)
    stream = f"states/{machine['name']}/{day:%Y-%m-%d-%H-%M}/{execution['name']}"
    for group in groups:
        append(group.split(":log-group:")[1].removesuffix(":*"), stream, [(moment, json.dumps(line))])


def _is_logged(kind: str, level: str) -> bool:
    if level == "ERROR":
        return kind in FATAL or kind.endswith(ERROR_ENDINGS)
    return level == "ALL" or (level == "FATAL" and kind in FATAL)


def _milliseconds(moment: str) -> int:
    return int(datetime.datetime.fromisoformat(moment).timestamp() * 1000)


def _wrap(stock: Any) -> Any:
    def add_event(execution: Any, event_type: str, details: Any = None) -> Any:
        event = stock(execution, event_type, details)
        log_event(execution, event)
        return event

    return add_event


PATCHES = (Patch("services.stepfunctions", "_add_event", ("execution", "event_type", "details"), _wrap),)
