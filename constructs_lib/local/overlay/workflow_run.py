"""Walks through the states of an execution, and ends it in time.

Stock waits 150 ms before the first state, ignores the `TimeoutSeconds` of a workflow and the five minutes of an express
one, goes on inside of Parallel and
Map after an execution was stopped, ignores `Output` of a Succeed state, and keeps no history of inner states.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-states.html
"""

from __future__ import annotations

import contextvars
import copy
import json
import threading
from typing import Any

from constructs_lib.local.overlay import reset_era
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.clock import CLOCK
from constructs_lib.local.overlay.journal import tell
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.workflow_logs import log_event

Execution = dict[str, Any]
State = dict[str, Any]
Context = dict[str, Any]

EXPRESS_SECONDS = 300.0  # the longest an express workflow runs
FAILED_AT = "failedAt"  # what an execution was about to do last: the state, its input and the variables
# Set where a branch has failed: its siblings start no further state.
stopped: contextvars.ContextVar[tuple[threading.Event, ...]] = contextvars.ContextVar("stopped", default=())


class StoppedError(Exception):
    """The execution, or the state a branch belongs to, has ended already."""


def _wrap_execution(stock: Any) -> Any:
    del stock

    def run_execution(exec_arn: str) -> None:
        reset_era.belong()
        workflows = base("services.stepfunctions")
        execution = workflows._executions.get(exec_arn)
        if execution is None:  # there was a reset before it began
            return
        machine = workflows._state_machines.get(execution["stateMachineArn"])
        try:
            definition = json.loads(machine["definition"])
        except (TypeError, ValueError):  # it is gone already, or never was one
            workflows._fail_execution(execution, "States.Runtime", "there is no definition to run")
            return
        if FAILED_AT not in execution:
            for event in execution["events"]:
                log_event(execution, event)
        _tell(execution)
        _run_in_time(execution, machine, definition)
        _tell(execution)

    return run_execution


def _run_in_time(execution: Execution, machine: dict[str, Any], definition: dict[str, Any]) -> None:
    limits = [definition.get("TimeoutSeconds"), EXPRESS_SECONDS if machine.get("type") == "EXPRESS" else None]
    seconds = min((float(each) for each in limits if each is not None), default=None)
    if seconds is None:
        _run(execution, machine, definition)
        return
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(_run, execution, machine, definition), daemon=True)
    thread.start()
    CLOCK.join(thread, seconds)
    if thread.is_alive() and execution["status"] == "RUNNING":
        _end(execution, "TIMED_OUT", "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})


def _tell(execution: Execution) -> None:
    machine, arn = execution["stateMachineArn"], execution["executionArn"]
    tell("execution", machine=machine, execution=arn, status=execution["status"])


def _run(execution: Execution, machine: dict[str, Any], definition: dict[str, Any]) -> None:
    workflows = base("services.stepfunctions")
    given = json.loads(execution["input"])
    states = definition.get("States", {})
    failed_at = execution.get(FAILED_AT) or {"state": definition.get("StartAt"), "input": given, "variables": {}}
    context: Context = {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": {
            "Id": execution["executionArn"],
            "Input": given,
            "Name": execution["name"],
            "RoleArn": machine["roleArn"],
            "StartTime": execution["startDate"],
            "RedriveCount": int(execution.get("redriveCount") or 0),
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": copy.deepcopy(failed_at["variables"]),
    }
    try:
        answer = run_states(states, failed_at["state"], failed_at["input"], execution, context, is_outermost=True)
    except workflows._ExecutionError as error:
        if _is_going_on(execution, context):
            workflows._fail_execution(execution, error.error, error.cause)
    except StoppedError:
        return
    except Exception as error:
        log.exception("a state of %s cannot be run here", execution["executionArn"])
        if _is_going_on(execution, context):
            workflows._fail_execution(execution, "States.Runtime", str(error))
    else:
        if _is_going_on(execution, context):
            execution["output"] = json.dumps(answer)
            details = {"executionSucceededEventDetails": {"output": execution["output"]}}
            _end(execution, "SUCCEEDED", "ExecutionSucceeded", details)


def _is_going_on(execution: Execution, context: Context) -> bool:
    """Whether an execution runs, and is still the one this thread began with: a redrive has a thread of its own."""
    redriven = int(execution.get("redriveCount") or 0)
    began_as = context.get("Execution", {}).get("RedriveCount", redriven)
    return bool(execution["status"] == "RUNNING" and began_as == redriven)


def _end(execution: Execution, status: str, event: str, details: dict[str, Any]) -> None:
    workflows = base("services.stepfunctions")
    execution["status"] = status
    execution["stopDate"] = workflows.now_iso()
    workflows._add_event(execution, event, details)
    workflows._emit_execution_status_event(execution)


def run_states(
    states: dict[str, State],
    start: str | None,
    value: Any,
    execution: Execution,
    context: Context,
    *,
    is_outermost: bool = False,
) -> Any:
    """Run states from the first to an end; answer what the last one put out.

    Args:
        states: The states by name.
        start: The first.
        value: Its input.
        execution: The execution they belong to.
        context: Its context object.
        is_outermost: Whether they are the states of the workflow itself, of which it is kept where they have come to.

    Raises:
        StoppedError: The execution or the state around has ended.
    """
    workflows = base("services.stepfunctions")
    name = start
    while name:
        if not _is_going_on(execution, context) or any(each.is_set() for each in stopped.get()):
            raise StoppedError
        state = states.get(name)
        if state is None:
            raise workflows._ExecutionError("States.Runtime", f"State '{name}' not found in definition")
        if is_outermost:
            known = copy.deepcopy(context["variables"])
            execution[FAILED_AT] = {"state": name, "input": copy.deepcopy(value), "variables": known}
        context["State"] = {"Name": name, "EnteredTime": workflows.now_iso(), "RetryCount": 0}
        entered = {"name": name, "input": json.dumps(value)}
        workflows._add_event(execution, f"{state['Type']}StateEntered", {"stateEnteredEventDetails": entered})
        value, following = _run_state(state, value, execution, context)
        exited = {"name": name, "output": json.dumps(value)}
        workflows._add_event(execution, f"{state['Type']}StateExited", {"stateExitedEventDetails": exited})
        name = following
    return value


def _run_state(state: State, value: Any, execution: Execution, context: Context) -> tuple[Any, str | None]:
    workflows = base("services.stepfunctions")
    kind = state["Type"]
    if kind == "Fail":
        raise workflows._ExecutionError(*workflows._fail_state_error(state, value, context))
    if kind == "Succeed":
        if workflows._state_query_language(state, context) == "JSONata":
            return workflows._apply_jsonata_output(state, value, context, default=value), None
        narrowed = workflows._apply_input_path(state, value, context)
        return workflows._apply_output_path(state, narrowed, context), None
    runs = {"Pass": workflows._execute_pass, "Choice": workflows._execute_choice, "Wait": workflows._execute_wait}
    if kind in runs:
        answer, following = runs[kind](state, value, context)
        return answer, following
    runs = {"Task": workflows._execute_task, "Parallel": workflows._execute_parallel, "Map": workflows._execute_map}
    if kind not in runs:
        raise workflows._ExecutionError("States.Runtime", f"Unknown state type: {kind}")
    answer, following = runs[kind](state, value, execution, context)
    return answer, following


def _wrap_sub_machine(stock: Any) -> Any:
    del stock

    def run_sub_machine(states: Any, start_at: Any, input_data: Any, execution: Any, ctx: Any) -> Any:
        return run_states(states, start_at, copy.deepcopy(input_data), execution, ctx)

    return run_sub_machine


PATCHES = (
    Patch("services.stepfunctions", "_run_execution", ("exec_arn",), _wrap_execution),
    Patch(
        "services.stepfunctions",
        "_run_sub_machine",
        ("states", "start_at", "input_data", "execution", "ctx"),
        _wrap_sub_machine,
    ),
)
