"""Tasks run with the role of their workflow, and end as AWS says.

Stock asks no role, swallows the error of a function that was to call back, knows no heartbeat, no timeout in JSONata
and no name for a throttled function, puts events whose entries failed, and publishes no object and no attribute.
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

import json
import threading
from typing import Any

from constructs_lib.local.overlay import reset_era
from constructs_lib.local.overlay.authority import acting_as
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.clock import virtual_time as time
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.workflow_role import Need, check, current_machine, current_role, needs_of, role_of

CALLBACK = ".waitForTaskToken"
TIMES = ("TimeoutSeconds", "HeartbeatSeconds")
LONGEST_SECONDS = 99_999_999.0  # what Step Functions waits where nothing is stated


def check_starting(machine_arn: str) -> None:
    """Whether a distributed Map may start executions of its own workflow."""
    check([Need("states:StartExecution", machine_arn.split("/", maxsplit=1)[0])])


def check_reading(resource: str, arguments: dict[str, Any]) -> None:
    """Whether a distributed Map may read its items."""
    bucket = f"arn:aws:s3:::{arguments.get('Bucket', '')}"
    if resource.endswith("listObjectsV2"):
        check([Need("s3:ListBucket", bucket, {"s3:prefix": arguments.get("Prefix", "")})])
    else:
        check([Need("s3:GetObject", f"{bucket}/{arguments.get('Key', '')}")])


def _wrap_task(stock: Any) -> Any:
    def execute_task(state_def: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        workflows = base("services.stepfunctions")
        state = dict(state_def)
        for name in TIMES:
            if isinstance(state.get(name), str):
                state[name] = workflows._jsonata_state_field(state, name, "number", raw_input, ctx)
            elif isinstance(state.get(f"{name}Path"), str):
                state[name] = workflows._resolve_path_or_ctx(state[f"{name}Path"], raw_input, ctx)
        with role_of(execution):
            return stock(state, raw_input, execution, ctx)

    return execute_task


def _wrap_invoke(stock: Any) -> Any:
    def invoke_resource(resource: str, input_data: Any) -> Any:
        reset_era.check(reset_era.mine())
        check(needs_of(resource, input_data))
        role = current_role()
        api = resource.partition(":states:::")[2]
        own = {"sns:publish": _publish, "events:putEvents": _put_events}.get(api)

        def act() -> Any:
            return stock(resource, input_data) if own is None else own(input_data)

        return act() if role is None or not role.arn else acting_as(role.principal, act)

    return invoke_resource


def _publish(arguments: dict[str, Any]) -> dict[str, Any]:
    sns, workflows = base("services.sns"), base("services.stepfunctions")
    message = arguments.get("Message", "")
    try:
        result = sns.publish_internal(
            arguments.get("TopicArn", ""),
            _text(message),
            arguments.get("Subject", ""),
            message_structure=arguments.get("MessageStructure", ""),
            message_attributes=arguments.get("MessageAttributes") or {},
            message_group_id=arguments.get("MessageGroupId", ""),
            message_deduplication_id=arguments.get("MessageDeduplicationId", ""),
        )
    except sns.SnsPublishError as error:
        raise workflows._ExecutionError(f"SNS.{error.code.removesuffix('Exception')}Exception", str(error)) from error
    if result is None:
        raise workflows._ExecutionError("SNS.NotFoundException", "Topic does not exist")
    answer = {"MessageId": result["message_id"]}
    return answer | ({"SequenceNumber": result["sequence_number"]} if result["sequence_number"] else {})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _put_events(arguments: dict[str, Any]) -> dict[str, Any]:
    workflows = base("services.stepfunctions")
    entries = [{**each, "Detail": _text(each.get("Detail", {}))} for each in arguments.get("Entries", [])]
    status, _, body = base("services.eventbridge")._put_events({"Entries": entries})
    answer: dict[str, Any] = json.loads(body)
    if "Entries" not in answer:
        code = answer.get("__type", "AmazonEventBridgeException")
        raise workflows._ExecutionError(f"EventBridge.{code}", answer.get("message", str(status)))
    if answer.get("FailedEntryCount"):
        raise workflows._ExecutionError("EventBridge.FailedEntry", json.dumps(answer))
    return answer


def _wrap_callback(stock: Any) -> Any:
    del stock

    def invoke_with_callback(resource: str, input_data: Any, token: str, state_def: Any) -> Any:
        workflows = base("services.stepfunctions")
        called = threading.Event()
        told: dict[str, Any] = {"event": called, "result": None, "error": None, "heartbeat": None}
        told["machine"] = current_machine()  # whose grant ends the task, see `task_token_resource`
        workflows._task_tokens[token] = told
        began = time.time()
        try:
            workflows._invoke_resource(resource.replace(CALLBACK, ""), input_data)
            _await_call(told, state_def, began)
        finally:
            workflows._task_tokens.pop(token, None)
        if told["error"]:
            raise workflows._ExecutionError(told["error"].get("Error", "TaskFailed"), told["error"].get("Cause", ""))
        result = told["result"]
        try:
            return json.loads(result) if isinstance(result, str) else result
        except ValueError:
            return result

    return invoke_with_callback


def _await_call(told: dict[str, Any], state: dict[str, Any], began: float) -> None:
    """Wait until somebody calls back; each heartbeat gives them another while. The call itself took some of it."""
    workflows = base("services.stepfunctions")
    deadline = began + float(state.get("TimeoutSeconds", LONGEST_SECONDS))
    heard = began if told["heartbeat"] is None else time.time()
    while True:
        patience = heard + float(state.get("HeartbeatSeconds", LONGEST_SECONDS))
        last_heard = told["heartbeat"]
        while told["heartbeat"] == last_heard:
            left = min(deadline, patience) - time.time()
            if told["event"].wait(min(max(left, 0), threading.TIMEOUT_MAX, 0.2)):
                return
            if left <= 0:
                name = "States.Timeout" if deadline <= patience else "States.HeartbeatTimeout"
                raise workflows._ExecutionError(name, "nobody ended the task with its token in time")
        heard = time.time()


def _wrap_lambda(stock: Any) -> Any:
    def call_lambda(func_ref: Any, event: Any) -> Any:
        workflows = base("services.stepfunctions")
        try:
            return stock(func_ref, event)
        except workflows._ExecutionError as error:
            if error.error == "Lambda.Unknown" and "TooManyRequestsException" in error.cause:
                raise workflows._ExecutionError("Lambda.TooManyRequestsException", error.cause) from error
            raise

    return call_lambda


PATCHES = (
    Patch("services.stepfunctions", "_execute_task", ("state_def", "raw_input", "execution", "ctx"), _wrap_task),
    Patch("services.stepfunctions", "_invoke_resource", ("resource", "input_data"), _wrap_invoke),
    Patch(
        "services.stepfunctions",
        "_invoke_with_callback",
        ("resource", "input_data", "token", "state_def"),
        _wrap_callback,
    ),
    Patch("services.stepfunctions", "_call_lambda", ("func_ref", "event"), _wrap_lambda),
)
