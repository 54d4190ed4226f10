"""Parallel, Map and distributed Map, each branch in a scope of its own.

Stock ignores `Arguments`, `Output` and `Assign` of a Parallel in JSONata, and JSONata in a distributed Map altogether;
its branches share one context, so that each sees the others' state and token, and overwrite each other's variables; a
failed branch waits for its siblings; items are never batched.
https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html
"""

from __future__ import annotations

import contextvars
import copy
import json
import queue
import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from constructs_lib.local.overlay import workflow_results
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.workflow_role import role_of
from constructs_lib.local.overlay.workflow_run import Context, Execution, State, run_states, stopped
from constructs_lib.local.overlay.workflow_tasks import check_reading, check_starting

AT_ONCE = 40  # https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html

Branch = Callable[[], Any]


def run_all(branches: Sequence[Branch], *, at_once: int = 0) -> list[Any]:
    """Run branches side by side; at the first failure the others start nothing more, and nobody waits for them.

    Raises:
        Exception: What the first failed branch raised.
    """
    stop = threading.Event()
    ended: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()
    waiting: queue.SimpleQueue[tuple[int, Branch]] = queue.SimpleQueue()
    for numbered in enumerate(branches):
        waiting.put(numbered)

    def work() -> None:
        while not stop.is_set():
            try:
                number, branch = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                ended.put((number, branch(), None))
            except BaseException as error:
                ended.put((number, None, error))

    before = stopped.set((*stopped.get(), stop))
    try:
        for _ in range(min(at_once or AT_ONCE, len(branches))):
            threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()
        results: dict[int, Any] = {}
        while len(results) < len(branches):
            number, result, failure = ended.get()
            if failure is not None:
                raise failure
            results[number] = result
        return [results[number] for number in range(len(branches))]
    finally:
        stop.set()
        stopped.reset(before)


def is_jsonata(state: State, context: Context) -> bool:
    """Whether the state is in JSONata."""
    return bool(base("services.stepfunctions")._state_query_language(state, context) == "JSONata")


def own_scope(context: Context, **more: Any) -> Context:
    """A context for a branch: it sees the variables around it and changes its own."""
    return {**copy.deepcopy(context), **more}


def put_out(state: State, value: Any, result: Any, context: Context) -> tuple[Any, str | None]:
    """What a state with a result puts out, and which one follows."""
    workflows = base("services.stepfunctions")
    if is_jsonata(state, context):
        output = workflows._apply_jsonata_output(state, value, context, result=result, default=result)
        workflows._apply_state_assign(state, value, context, result=result)
    else:
        selected = workflows._apply_result_selector(state, result)
        output = workflows._apply_output_path(state, workflows._apply_result_path(state, value, selected), context)
    return output, workflows._next_or_end(state)


def _wrap_parallel(stock: Any) -> Any:
    del stock

    def run_parallel_branches(state_def: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        workflows = base("services.stepfunctions")
        if is_jsonata(state_def, ctx):
            given = workflows._apply_jsonata_arguments(state_def, raw_input, ctx)
        else:
            given = workflows._apply_parameters(state_def, workflows._apply_input_path(state_def, raw_input, ctx), ctx)

        def branch(told: State) -> Branch:
            scope, value = own_scope(ctx), copy.deepcopy(given)
            return lambda: run_states(told["States"], told["StartAt"], value, execution, scope)

        results = run_all([branch(each) for each in state_def["Branches"]])
        return put_out(state_def, raw_input, results, ctx)

    return run_parallel_branches


def _wrap_map(stock: Any) -> Any:
    del stock

    def run_map_items(state_def: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        processor = state_def.get("ItemProcessor") or state_def.get("Iterator") or {}
        if (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED":
            results = _run_children(state_def, processor, raw_input, execution, ctx)
            return put_out(state_def, raw_input, results, ctx)
        items = _items(state_def, raw_input, ctx)

        def branch(index: int, item: Any) -> Branch:
            scope = own_scope(ctx, Map={"Item": {"Index": index, "Value": item}})
            value = _selected(state_def, raw_input, item, scope)
            return lambda: run_states(processor["States"], processor["StartAt"], value, execution, scope)

        branches = [branch(index, item) for index, item in enumerate(items)]
        results = run_all(branches, at_once=_at_once(state_def, raw_input, ctx))
        return put_out(state_def, raw_input, results, ctx)

    return run_map_items


def _items(state: State, value: Any, context: Context) -> list[Any]:
    workflows = base("services.stepfunctions")
    if is_jsonata(state, context):
        items = workflows._apply_jsonata_template(state["Items"], value, context) if "Items" in state else value
    else:
        effective = workflows._apply_input_path(state, value, context)
        items = workflows._resolve_path_or_ctx(state.get("ItemsPath", "$"), effective, context)
    if isinstance(items, dict) and is_jsonata(state, context):
        return [{"Key": key, "Value": each} for key, each in items.items()]
    if not isinstance(items, list):
        told = f"The items of a Map state must be an array, but were: {json.dumps(items)}"
        code = "States.QueryEvaluationError" if is_jsonata(state, context) else "States.Runtime"
        raise workflows._ExecutionError(code, told)
    return items


def _selected(state: State, value: Any, item: Any, context: Context) -> Any:
    """What one item's branch begins with."""
    workflows = base("services.stepfunctions")
    selector = state.get("ItemSelector") or state.get("Parameters")
    if not selector:
        return copy.deepcopy(item)
    if is_jsonata(state, context):
        return workflows._apply_jsonata_template(selector, value, context)
    return workflows._resolve_params_obj(selector, workflows._apply_input_path(state, value, context), context)


def _at_once(state: State, value: Any, context: Context) -> int:
    told = state.get("MaxConcurrency", 0)
    if isinstance(told, str):
        told = base("services.stepfunctions")._jsonata_state_field(state, "MaxConcurrency", "number", value, context)
    return int(told)


def _run_children(state: State, processor: dict[str, Any], value: Any, execution: Execution, context: Context) -> Any:
    """A distributed Map: each item, or batch of items, is an execution of its own."""
    workflows = base("services.stepfunctions")
    with role_of(execution):
        check_starting(execution["stateMachineArn"])
        given = _read(state, value, context)
    selected = []
    for index, item in enumerate(given):
        scope = {**context, "Map": {"Item": {"Index": index, "Value": item}}}
        selected.append(_selected(state, value, item, scope))
    batches = _batched(state, selected, value, context)
    _, _, _, region, account, _, name = execution["stateMachineArn"].split(":")
    label = f"{name}/{state.get('Label') or uuid.uuid4()}"
    run = _map_run(state, execution, f"arn:aws:states:{region}:{account}", label, len(batches))
    workflows._map_runs[run["mapRunArn"]] = run
    counting, failures = threading.Lock(), [0]
    children: list[Execution] = []

    def count(change: dict[str, int]) -> None:
        with counting:
            for kind, by in change.items():
                run["itemCounts"][kind] += by
                run["executionCounts"][kind] += by

    def child(given: Any) -> Branch:
        own = _child(f"arn:aws:states:{region}:{account}", label, given, run["mapRunArn"])
        scope = own_scope(context, variables={})
        scope["Execution"] |= {"Id": own["executionArn"], "Name": own["name"], "Input": given, "RedriveCount": 0}
        children.append(own)

        def start() -> Any:
            workflows._executions[own["executionArn"]] = own
            count({"pending": -1, "running": 1})
            try:
                answer = run_states(processor["States"], processor["StartAt"], given, own, scope)
            except workflows._ExecutionError as error:
                own.update(status="FAILED", error=error.error, cause=error.cause, stopDate=workflows.now_iso())
                count({"running": -1, "failed": 1})
                with counting:
                    failures[0] += 1
                if _is_too_many(state, failures[0], len(batches)):
                    told = "The specified tolerated failure threshold was exceeded"
                    raise workflows._ExecutionError("States.ExceedToleratedFailureThreshold", told) from error
                return {"Error": error.error, "Cause": error.cause}
            own.update(status="SUCCEEDED", output=json.dumps(answer), stopDate=workflows.now_iso())
            count({"running": -1, "succeeded": 1})
            return answer

        return start

    try:
        results = run_all([child(each) for each in batches], at_once=_at_once(state, value, context))
    except BaseException:
        run.update(status="FAILED", stopDate=workflows.now_iso())
        raise
    run.update(status="SUCCEEDED", stopDate=workflows.now_iso())
    if not state.get("ResultWriter"):
        return results
    with role_of(execution):
        return _written(state, value, context, run, children)


def _written(state: State, value: Any, context: Context, run: dict[str, Any], children: list[Execution]) -> Any:
    """What the state puts out where it says how results are written, and where to."""
    workflows, writer = base("services.stepfunctions"), state["ResultWriter"]
    if "Resource" not in writer:
        return workflow_results.transformed(children, writer)
    if is_jsonata(state, context):
        arguments = workflows._apply_jsonata_template(writer.get("Arguments") or {}, value, context)
    else:
        effective = workflows._apply_input_path(state, value, context)
        arguments = workflows._resolve_params_obj(writer.get("Parameters") or {}, effective, context)
    return workflow_results.write(writer, arguments, run, children)


def _read(state: State, value: Any, context: Context) -> list[Any]:
    """The items, out of the input or out of a bucket."""
    reader = state.get("ItemReader")
    if not reader:
        return _items(state, value, context)
    workflows = base("services.stepfunctions")
    if is_jsonata(state, context):
        arguments = workflows._apply_jsonata_template(reader.get("Arguments") or {}, value, context)
        effective = value
    else:
        effective = workflows._apply_input_path(state, value, context)
        arguments = workflows._resolve_params_obj(reader.get("Parameters") or {}, effective, context)
    check_reading(reader["Resource"], arguments)
    told = {**reader, "Parameters": arguments, "Arguments": None}
    items: list[Any] = workflows._read_map_items(told, effective, context)
    return items


def _batched(state: State, items: list[Any], value: Any, context: Context) -> list[Any]:
    batcher = state.get("ItemBatcher")
    if not batcher:
        return items
    workflows = base("services.stepfunctions")
    size = batcher.get("MaxItemsPerBatch") or len(items) or 1
    if isinstance(size, str):
        size = workflows._jsonata_state_field(batcher, "MaxItemsPerBatch", "number", value, context)
    more = {}
    if "BatchInput" in batcher:
        given = batcher["BatchInput"]
        resolve = workflows._apply_jsonata_template if is_jsonata(state, context) else workflows._resolve_params_obj
        more = {"BatchInput": resolve(given, value, context)}
    size = int(size)
    return [{"Items": items[start : start + size], **more} for start in range(0, len(items), size)]


def _is_too_many(state: State, failed: int, total: int) -> bool:
    limits = []
    if "ToleratedFailureCount" in state:
        limits.append(failed > float(state["ToleratedFailureCount"]))
    if "ToleratedFailurePercentage" in state:
        limits.append(failed * 100 > float(state["ToleratedFailurePercentage"]) * total)
    return any(limits) if limits else True


def _map_run(state: State, execution: Execution, prefix: str, label: str, count: int) -> dict[str, Any]:
    workflows = base("services.stepfunctions")
    kinds = ("running", "succeeded", "failed", "timedOut", "aborted", "resultsWritten")
    zero = dict.fromkeys((*kinds, "failuresNotRedrivable", "pendingRedrive"), 0)
    return {
        "mapRunArn": f"{prefix}:mapRun:{label}:{uuid.uuid4()}",
        "executionArn": execution["executionArn"],
        "status": "RUNNING",
        "startDate": workflows.now_iso(),
        "maxConcurrency": int(state["MaxConcurrency"]) if isinstance(state.get("MaxConcurrency"), int) else 0,
        "toleratedFailurePercentage": float(state.get("ToleratedFailurePercentage") or 0),
        "toleratedFailureCount": int(state.get("ToleratedFailureCount") or 0),
        "itemCounts": {**zero, "total": count, "pending": count},
        "executionCounts": {**zero, "total": count, "pending": count},
        "redriveCount": 0,
        "_stateMachineArn": f"{prefix}:stateMachine:{label}",
    }


def _child(prefix: str, label: str, given: Any, run: str) -> Execution:
    name = str(uuid.uuid4())
    return {
        "executionArn": f"{prefix}:execution:{label}:{name}",
        "stateMachineArn": f"{prefix}:stateMachine:{label}",
        "name": name,
        "status": "RUNNING",
        "startDate": base("services.stepfunctions").now_iso(),
        "stopDate": None,
        "input": json.dumps(given),
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": {"included": True},
        "mapRunArn": run,
        "events": [],
        "testCase": "",
        "mockAttempts": {},
    }


_PARAMETERS = ("state_def", "raw_input", "execution", "ctx")
PATCHES = (
    Patch("services.stepfunctions", "_run_parallel_branches", _PARAMETERS, _wrap_parallel),
    Patch("services.stepfunctions", "_run_map_items", _PARAMETERS, _wrap_map),
)
