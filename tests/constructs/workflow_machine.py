"""A small, strict interpreter of state machines in JSONata, independent of the library: what a workflow really does.

Strict where Step Functions is: an expression without a result is an error, a condition must be true or false, an inner
scope can neither set nor hide a variable of an outer one, and `States.ALL` does not catch what AWS says it does not.
Branches and items interleave as a seed says, one state at a time; a failed branch stops the others where they are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jsonata  # type: ignore[import-untyped]  # it has no types
from jsonata.utils import Utils  # type: ignore[import-untyped]  # likewise

Json = Any
Moves = Generator[None, None, Json]
Handler = Callable[[str, str, Json, int], Json]  # name of the state, resource, arguments, attempt


class StateError(Exception):
    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


@dataclass
class Variables:
    outer: Variables | None = None
    values: dict[str, Json] = field(default_factory=dict)

    def all(self) -> dict[str, Json]:
        return {**(self.outer.all() if self.outer else {}), **self.values}

    def set(self, values: Mapping[str, Json]) -> None:
        hidden = set(values) & set(self.outer.all() if self.outer else {})
        assert not hidden, f"an inner scope sets {hidden} of an outer one"
        self.values.update(values)


@dataclass
class Outcome:
    status: str
    output: Json = None
    error: str = ""
    cause: str = ""
    visited: list[str] = field(default_factory=list)
    waited: list[Json] = field(default_factory=list)


class Machine:
    def __init__(self, definition: Mapping[str, Any], handler: Handler, *, seed: int = 0) -> None:
        assert definition["QueryLanguage"] == "JSONata"
        self._definition = definition
        self._handler = handler
        self._random = random.Random(seed)
        self._outcome = Outcome("RUNNING")

    def run(self, value: Json) -> Outcome:
        outcome = self._outcome
        moves = self._states(self._definition, value, Variables(), {"Execution": {"Input": value, "Id": "execution"}})
        try:
            while True:
                next(moves)
        except StopIteration as end:
            outcome.status, outcome.output = "SUCCEEDED", end.value
        except StateError as error:
            outcome.status, outcome.error, outcome.cause = "FAILED", error.error, error.cause
        return outcome

    def _states(self, machine: Mapping[str, Any], value: Json, variables: Variables, context: Json) -> Moves:
        onward: str | None = machine["StartAt"]
        while (name := onward) is not None:
            state = machine["States"][name]
            self._outcome.visited.append(name)
            yield
            attempts: dict[int, int] = {}
            while True:
                here = {**context, "State": {"Name": name, "RetryCount": sum(attempts.values())}}
                try:
                    value, onward = yield from self._state(state, value, variables, here)
                    break
                except StateError as error:
                    retrier = _matching(state.get("Retry", []), error)
                    if retrier is not None and attempts.get(retrier, 0) < state["Retry"][retrier]["MaxAttempts"]:
                        attempts[retrier] = attempts.get(retrier, 0) + 1
                        continue
                    caught = _matching(state.get("Catch", []), error)
                    if caught is None:
                        raise
                    catcher = state["Catch"][caught]
                    seen = {"input": value, "context": context, "errorOutput": _shown(error)}
                    assigned = _evaluated(catcher.get("Assign", {}), seen, variables)
                    value = _evaluated(catcher.get("Output", seen["errorOutput"]), seen, variables)
                    variables.set(assigned)
                    onward = catcher["Next"]
                    break
        return value

    def _state(
        self, state: Mapping[str, Any], value: Json, variables: Variables, context: Json
    ) -> Generator[None, None, tuple[Json, str | None]]:
        seen: dict[str, Json] = {"input": value, "context": context}
        match state["Type"]:
            case "Succeed":
                return _evaluated(state.get("Output", value), seen, variables), None
            case "Fail":
                error, cause = (_evaluated(state[each], seen, variables) for each in ("Error", "Cause"))
                assert isinstance(error, str)
                assert isinstance(cause, str)
                raise StateError(error, cause)
            case "Choice":
                return self._choice(state, seen, variables)
            case "Wait":
                self._outcome.waited.append(_evaluated(state.get("Seconds", state.get("Timestamp")), seen, variables))
            case "Task":
                token = (
                    {"Task": {"Token": f"token of {context['State']['Name']}"}}
                    if "waitForTaskToken" in state["Resource"]
                    else {}
                )
                seen["context"] = {**context, **token}
                arguments = _evaluated(state["Arguments"], seen, variables)
                seen["result"] = self._handler(
                    context["State"]["Name"], state["Resource"], arguments, context["State"]["RetryCount"]
                )
            case "Parallel":
                children = [
                    self._states(branch, _evaluated(state.get("Arguments", value), seen, variables), inner, context)
                    for branch in state["Branches"]
                    for inner in [Variables(variables)]
                ]
                seen["result"] = yield from self._together(children, len(children))
            case "Map":
                seen["result"] = yield from self._map(state, seen, variables, context)
        default = seen.get("result", value)
        output = _evaluated(state.get("Output", default), seen, variables)
        assigned = _evaluated(state.get("Assign", {}), {**seen, "result": seen.get("result", output)}, variables)
        variables.set(assigned)
        return output, None if state.get("End") else state["Next"]

    def _choice(self, state: Mapping[str, Any], seen: Json, variables: Variables) -> tuple[Json, str]:
        for rule in state["Choices"]:
            holds = _evaluated(rule["Condition"], seen, variables)
            if not isinstance(holds, bool):
                raise StateError("States.QueryEvaluationError", f"the condition is {holds!r}")
            if holds:
                variables.set(_evaluated(rule.get("Assign", {}), seen, variables))
                return _evaluated(rule.get("Output", seen["input"]), seen, variables), rule["Next"]
        if "Default" not in state:
            raise StateError("States.NoChoiceMatched")
        return seen["input"], state["Default"]

    def _map(self, state: Mapping[str, Any], seen: Json, variables: Variables, context: Json) -> Moves:
        items = _evaluated(state["Items"], seen, variables)
        if not isinstance(items, list):
            raise StateError("States.QueryEvaluationError", f"Items is {items!r}")
        distributed = state["ItemProcessor"].get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
        children = [
            self._states(state["ItemProcessor"], item, Variables(None if distributed else variables), context)
            for item in items
        ]
        return (yield from self._together(children, state.get("MaxConcurrency", 0) or len(children)))

    def _together(self, children: Sequence[Moves], most: int) -> Moves:
        results: list[Json] = [None] * len(children)
        waiting = list(range(len(children)))
        running: list[int] = []
        while waiting or running:
            while waiting and len(running) < most:
                running.append(waiting.pop(0))
            one = self._random.choice(running)
            try:
                next(children[one])
            except StopIteration as end:
                results[one] = end.value
                running.remove(one)
            yield
        return results


def _matching(rules: Sequence[Mapping[str, Any]], error: StateError) -> int | None:
    if error.error in {"States.DataLimitExceeded", "States.Runtime"}:
        return None
    for number, rule in enumerate(rules):
        wanted = rule["ErrorEquals"]
        if error.error in wanted or "States.ALL" in wanted:
            return number
        if "States.TaskFailed" in wanted and error.error != "States.Timeout":
            return number
    return None


def _shown(error: StateError) -> dict[str, str]:
    return {"Error": error.error, "Cause": error.cause}


def _evaluated(value: Json, seen: Mapping[str, Json], variables: Variables) -> Json:
    if isinstance(value, dict):
        return {key: _evaluated(each, seen, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_evaluated(each, seen, variables) for each in value]
    if isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
        return _expression(value[2:-2], seen, variables)
    return value


def _expression(text: str, seen: Mapping[str, Json], variables: Variables) -> Json:
    bindings = {**variables.all(), "states": dict(seen)}
    try:
        value = _parsed(text).evaluate(None, _with_nulls(bindings))
        # The engine says None for null and for nothing alike.
        if value is None and not _parsed(f"$exists(({text}))").evaluate(None, _with_nulls(bindings)):
            raise StateError("States.QueryEvaluationError", f"nothing comes out of {text}")
    except jsonata.JException as error:
        raise StateError("States.QueryEvaluationError", f"{error.error}: {error}") from error
    return value


@cache
def _parsed(text: str) -> Any:
    return jsonata.Jsonata.jsonata(text)


def _with_nulls(value: Json) -> Json:
    """The engine takes None for nothing at all."""
    if isinstance(value, dict):
        return {key: _with_nulls(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_nulls(each) for each in value]
    return Utils.NULL_VALUE if value is None else value
