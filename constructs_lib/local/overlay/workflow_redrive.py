"""A failed execution goes on where it failed: `RedriveExecution`.

Stock does not know it. A Parallel or Map that failed is run again as a whole, where AWS repeats its failed branches.
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from __future__ import annotations

import threading
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.workflow_run import FAILED_AT

ENDED_BADLY = {"FAILED", "ABORTED", "TIMED_OUT"}
_WORKFLOWS = "services.stepfunctions"


def redrive(data: dict[str, Any]) -> Any:
    """Run an execution on from the state it failed in."""
    workflows = base(_WORKFLOWS)
    arn = data.get("executionArn") or ""
    execution = workflows._executions.get(arn)
    if execution is None:
        return workflows.error_response_json("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'", 400)
    reason = why_not(execution)
    if reason:
        return workflows.error_response_json("ExecutionNotRedrivable", f"Execution is not redrivable: {reason}", 400)
    execution["redriveCount"] = int(execution.get("redriveCount") or 0) + 1
    execution["redriveDate"] = workflows.now_iso()
    execution.update({"status": "RUNNING", "stopDate": None, "output": None})
    for name in ("error", "cause"):
        execution.pop(name, None)
    details = {"executionRedrivenEventDetails": {"redriveCount": execution["redriveCount"]}}
    workflows._add_event(execution, "ExecutionRedriven", details)
    workflows._emit_execution_status_event(execution)
    threading.Thread(target=workflows._run_execution, args=(arn,), name="redrive", daemon=True).start()
    return workflows.json_response({"redriveDate": execution["redriveDate"]})


def why_not(execution: dict[str, Any]) -> str:
    """Why an execution cannot be redriven; empty when it can."""
    machine = base(_WORKFLOWS)._state_machines.get(execution["stateMachineArn"]) or {}
    if not machine:
        return "its state machine does not exist"
    if machine.get("type") == "EXPRESS":
        return "Execution was started on an EXPRESS state machine"
    if execution["status"] not in ENDED_BADLY:
        return f"Execution is {execution['status']} and cannot be redriven"
    return "" if FAILED_AT in execution else "no state was entered"


def _wrap_describe(stock: Any) -> Any:
    def describe(data: Any) -> Any:
        status, headers, body = stock(data)
        workflows = base(_WORKFLOWS)
        execution = workflows._executions.get(data.get("executionArn"))
        if execution is None:
            return status, headers, body
        reason = why_not(execution)
        told = {
            "redriveCount": int(execution.get("redriveCount") or 0),
            "redriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE",
            **({"redriveStatusReason": reason} if reason else {}),
            **({"redriveDate": execution["redriveDate"]} if execution.get("redriveDate") else {}),
        }
        return workflows.json_response({**workflows.json.loads(body), **told})

    return describe


def _wrap_request(stock: Any) -> Any:
    async def handle_request(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        workflows = base(_WORKFLOWS)
        if not headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            return await stock(method, path, headers, body, query_params)
        return workflows._finalize_response(redrive(workflows.json.loads(body)))

    return handle_request


PATCHES = (
    Patch(_WORKFLOWS, "_describe_execution", ("data",), _wrap_describe),
    Patch(_WORKFLOWS, "handle_request", ("method", "path", "headers", "body", "query_params"), _wrap_request),
)
