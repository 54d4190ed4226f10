"""What Step Functions demands of a definition before it runs, checked without the library.

https://states-language.net/spec.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

FIELDS = {
    "Task": {"Resource", "Arguments", "TimeoutSeconds", "HeartbeatSeconds", "Retry", "Catch", "Assign", "Output"},
    "Parallel": {"Branches", "Arguments", "Retry", "Catch", "Assign", "Output"},
    "Map": {
        *("Items", "ItemReader", "ItemProcessor", "MaxConcurrency", "Label", "ToleratedFailurePercentage"),
        *("Retry", "Catch", "Assign", "Output"),
    },
    "Pass": {"Assign", "Output"},
    "Wait": {"Seconds", "Timestamp", "Assign", "Output"},
    "Choice": {"Choices", "Default", "Assign", "Output"},
    "Succeed": {"Output"},
    "Fail": {"Error", "Cause"},
}


def problems_of(definition: Mapping[str, Any]) -> list[str]:
    found = list(_problems(definition))
    names = [name for machine in machines_of(definition) for name in machine["States"]]
    found += [f"{name} exists twice" for name in sorted({name for name in names if names.count(name) > 1})]
    return [*found, *(f"{name} is too long" for name in names if len(name) > 80)]


def machines_of(machine: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield machine
    for state in machine["States"].values():
        for inner in [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]:
            yield from machines_of(inner)


def states_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {name: state for machine in machines_of(definition) for name, state in machine["States"].items()}


def _problems(definition: Mapping[str, Any]) -> Iterator[str]:
    for machine in machines_of(definition):
        states = machine["States"]
        reached, ahead = set[str](), [machine["StartAt"]]
        while ahead:
            name = ahead.pop()
            if name in reached:
                continue
            if name not in states:
                yield f"{name} does not exist"
                continue
            reached.add(name)
            ahead += _targets(states[name])
        yield from (f"{name} is never reached" for name in states if name not in reached)
        for name, state in states.items():
            yield from (f"{name}: {problem}" for problem in _state_problems(state))


def _targets(state: Mapping[str, Any]) -> list[str]:
    rules = [*state.get("Choices", []), *state.get("Catch", [])]
    ends = [state[each] for each in ("Next", "Default") if each in state]
    return [*ends, *(rule["Next"] for rule in rules)]


def _state_problems(state: Mapping[str, Any]) -> Iterator[str]:
    kind = state["Type"]
    ways = {"Next", "End"} & set(state)
    if kind in {"Choice", "Succeed", "Fail"}:
        if ways:
            yield f"a {kind} has {ways}"
    elif len(ways) != 1:
        yield f"leads to {ways or 'nowhere'}"
    extra = set(state) - FIELDS[kind] - {"Type", "Comment", "Next", "End"}
    if extra:
        yield f"a {kind} has {extra}"
    if kind == "Task" and not isinstance(state.get("TimeoutSeconds"), int):
        yield "has no timeout"
    if "HeartbeatSeconds" in state and state["HeartbeatSeconds"] >= state["TimeoutSeconds"]:
        yield "its heartbeat is not shorter than its timeout"
    if kind == "Wait" and len({"Seconds", "Timestamp"} & set(state)) != 1:
        yield "waits for nothing"
    if kind == "Map" and len({"Items", "ItemReader"} & set(state)) != 1:
        yield "has no items"
    yield from _rule_problems(state.get("Retry", []), "retry")
    yield from _rule_problems(state.get("Catch", []), "catch")


def _rule_problems(rules: Sequence[Mapping[str, Any]], kind: str) -> Iterator[str]:
    for number, rule in enumerate(rules):
        errors = rule["ErrorEquals"]
        if not errors:
            yield f"a {kind} without errors"
        if "States.ALL" in errors and (len(errors) > 1 or number < len(rules) - 1):
            yield f"States.ALL is not alone and last to {kind}"
        if kind == "retry" and rule["MaxDelaySeconds"] <= rule["IntervalSeconds"]:
            yield "MaxDelaySeconds must be greater than IntervalSeconds"
