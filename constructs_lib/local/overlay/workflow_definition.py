"""A workflow whose definition is none is refused.

Stock takes whatever is JSON, and the execution fails where it comes to the mistake. What is asked for here is the frame
of a definition: states of known types, each with what its type needs, that lead to states which are there. Paths,
expressions and arguments are not read. The texts of the refusals are AWS's as far as they were remembered.
https://states-language.net/spec.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

GOING_ON = ("Task", "Pass", "Wait", "Parallel", "Map")  # types whose states say what comes next, or that they end
TYPES = (*GOING_ON, "Choice", "Succeed", "Fail")
NEEDED = {"Task": ("Resource",), "Choice": ("Choices",), "Parallel": ("Branches",)}
BODIES = ("ItemProcessor", "Iterator")
MOST_LEVELS = 64
_TYPE = "_RESOURCE_HANDLERS/AWS::StepFunctions::StateMachine"


def problem(text: str) -> str:
    """Why AWS would not take a definition; empty when it would."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return "Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: the definition is not JSON'"
    wrong = next(_wrong_with_states(told, "", 0), None)
    return f"Invalid State Machine Definition: '{wrong}'" if wrong else ""


def _wrong_with_states(told: Any, at: str, depth: int) -> Iterator[str]:
    """What is wrong with a definition, or with a branch of one."""
    if not isinstance(told, dict):
        yield _wrong("expected an object", at or "/")
        return
    missing = [name for name in ("StartAt", "States") if name not in told]
    if missing:
        yield _wrong(f"These fields are required: [{', '.join(missing)}]", at or "/")
        return
    states = told["States"]
    if not isinstance(states, dict) or not states:
        yield _wrong("States is no object with states in it", f"{at}/States")
        return
    if told["StartAt"] not in [*states]:  # whatever it is
        yield f"MISSING_TRANSITION_TARGET: Missing 'StartAt' target: {told['StartAt']} at {at}/StartAt"
    for name, state in states.items():
        yield from _wrong_with_state(state, f"{at}/States/{name}", states, depth)
    reached = [told["StartAt"], *(target for state in states.values() for _, target in _targets(state))]
    for name in states:
        if name not in reached:
            yield f'MISSING_TRANSITION_TARGET: State "{name}" is not reachable. at {at}/States/{name}'


def _wrong_with_state(state: Any, at: str, states: dict[str, Any], depth: int) -> Iterator[str]:
    kind = state.get("Type") if isinstance(state, dict) else None
    if kind not in TYPES:
        yield _wrong(f"Value is not valid, must be one of {', '.join(TYPES)}", f"{at}/Type")
        return
    for name in NEEDED.get(kind, ()):
        if name not in state:
            yield _wrong(f"These fields are required: [{name}]", at)
    if kind in GOING_ON and "Next" not in state and state.get("End") is not True:
        yield _wrong("These fields are required: [End] or [Next]", at)
    for field, target in _targets(state):
        if target not in [*states]:  # whatever it is
            yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {target} at {at}/{field}"
    if depth < MOST_LEVELS:
        for inside, way in _bodies(state):
            yield from _wrong_with_states(inside, f"{at}/{way}", depth + 1)


def _targets(state: Any) -> Iterator[tuple[str, Any]]:
    """The states that a state leads to, each with where it says so."""
    if not isinstance(state, dict):
        return
    for name in ("Next", "Default"):
        if name in state:
            yield name, state[name]
    for several in ("Choices", "Catch"):
        listed = state.get(several)
        for at, each in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(each, dict) and "Next" in each:
                yield f"{several}[{at}]/Next", each["Next"]


def _bodies(state: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """The definitions inside of a state."""
    branches = state.get("Branches")
    for at, each in enumerate(branches if isinstance(branches, list) else ()):
        yield each, f"Branches[{at}]"
    for name in BODIES:
        if name in state:
            yield state[name], name


def _wrong(what: str, at: str) -> str:
    return f"SCHEMA_VALIDATION_FAILED: {what} at {at}"


def _wrap_api(stock: Any) -> Any:
    def put_state_machine(data: Any) -> Any:
        definition = data.get("definition")
        if not isinstance(definition, str) or not (told := problem(definition)):
            return stock(data)
        return base("services.stepfunctions").error_response_json("InvalidDefinition", told, 400)

    return put_state_machine


def _wrap_create(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        _refuse(props)
        return stock(logical_id, props, stack_name)

    return create


def _wrap_update(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Any:
        _refuse(new_props)
        return stock(physical_id, old_props, new_props, stack_name, logical_id)

    return update


def _refuse(properties: Any) -> None:
    if told := problem(base("services.cloudformation.provisioners")._sfn_definition(properties)):
        raise ValueError(told)


PATCHES = (
    Patch("services.stepfunctions", "_create_state_machine", ("data",), _wrap_api),
    Patch("services.stepfunctions", "_update_state_machine", ("data",), _wrap_api),
    Patch(
        "services.cloudformation.provisioners",
        f"{_TYPE}/create",
        ("logical_id", "props", "stack_name"),
        _wrap_create,
    ),
    Patch(
        "services.cloudformation.provisioners",
        f"{_TYPE}/update",
        ("physical_id", "old_props", "new_props", "stack_name", "logical_id"),
        _wrap_update,
    ),
)
