"""Each state of a workflow leads on to one that is there, or is the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.state_machine import MAP_BODIES, STATE_MACHINE, Definition
from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.assembly.state_machine import State
    from constructs_lib.assembly.value import Value
    from constructs_lib.guards.finding import Finding, Unknown

LEADING = frozenset({"Map", "Parallel", "Pass", "Task", "Wait"})  # types that say what comes next, or that nothing does
LAST = frozenset({"Fail", "Succeed"})
SHOWN = 6  # names in a message

Scope = tuple[tuple[str, ...], "Mapping[str, Value]"]  # where a group of states stands, and what says `StartAt`


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """Each state of a state machine leads to one that is there, or says that it is the last.

    Why it matters: Step Functions refuses such a definition, but only while it is deployed, minutes after everything
    before it was changed.
    https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-state-machine-structure.html

    Refuses: a `StartAt`, `Next` or `Default`, also in a choice or a `Catch`, that names no state beside it; a Task,
    Pass, Wait, Parallel or Map with neither `Next` nor `End`, or with both; a state that nothing leads to. As a
    warning: states among which none is the last, so that they go round for ever.

    Accepts: what leads on, in the whole and inside of each branch and map. States do not see those of other branches.
    """
    for machine in assembly.of_type(STATE_MACHINE):
        definition = Definition.of(machine)
        if not isinstance(definition, Definition):
            yield unknown(machine, what="whether its states lead on", reason=definition.reason)
            continue
        beside: dict[tuple[str, ...], dict[str, State]] = {}
        for state in definition.states:
            beside.setdefault(state.path[:-2], {})[state.name] = state
        for at, fields in _scopes(definition):
            states = beside.get(at, {})
            wrong = [*_start(machine, at, fields, states)]
            wrong += [found for state in states.values() for found in _leads(machine, state, states)]
            yield from wrong or _reaching(machine, at, fields, states)  # a wrong name leaves others without a way


def _scopes(definition: Definition) -> Iterator[Scope]:
    """The whole, and what stands inside of its states."""
    yield (), definition.fields
    for state in definition.states:
        branches = state.fields.get("Branches")
        for index, branch in enumerate(branches if isinstance(branches, list) else ()):
            if isinstance(branch, dict):
                yield (*state.path, "Branches", str(index)), branch
        for key in MAP_BODIES:
            body = state.fields.get(key)
            if isinstance(body, dict):
                yield (*state.path, key), body


def _start(
    machine: Resource, at: tuple[str, ...], fields: Mapping[str, Value], states: Mapping[str, State]
) -> Iterator[Finding]:
    """What is wrong with where a group of states begins."""
    told, start = fields.get("StartAt"), _literal(fields.get("StartAt"))
    if told is None:
        yield _wrong(machine, (*at, "StartAt"), "nothing says which state is the first", f"name one: {_names(states)}")
    elif start is not None and start not in states:
        yield _nowhere(machine, (*at, "StartAt"), f"StartAt names {start}", states)


def _reaching(
    machine: Resource, at: tuple[str, ...], fields: Mapping[str, Value], states: Mapping[str, State]
) -> Iterator[Finding]:
    """What is wrong with a group of states that all lead to others."""
    start = _literal(fields.get("StartAt"))
    if start is None:
        return
    reached = _reached(start, states)
    for state in states.values():
        if state.name not in reached:
            yield _wrong(
                machine, state.path, f"nothing leads to state {state}", "name it in Next of another state, or remove it"
            )
    if not any(states[name].type in LAST or _is_last(states[name]) or not _is_known(states[name]) for name in reached):
        yield _wrong(
            machine,
            (*at, "States"),
            f"none of these states is the last, so that they go round for ever: {_names(reached)}",
            "give one of them End: true, or lead to a Succeed",
            Severity.WARNING,
        )


def _leads(machine: Resource, state: State, states: Mapping[str, State]) -> Iterator[Finding]:
    """What is wrong with how one state leads on."""
    following = [("Next", each) for each in state.successors] + [("Catch", each) for each in state.handlers]
    for key, name in following:
        if name not in states:
            says = "catches with" if key == "Catch" else "leads to"
            yield _nowhere(machine, (*state.path, key), f"state {state} {says} {name}", states)
    if state.type not in LEADING:
        return
    if "Next" not in state.fields and not _is_last(state):
        yield _wrong(
            machine,
            (*state.path, "Next"),
            f"state {state} has neither Next nor End",
            "say what comes next, or End: true",
        )
    elif "Next" in state.fields and _is_last(state):
        yield _wrong(machine, (*state.path, "End"), f"state {state} has both Next and End", "keep one of them")


def _literal(told: Value) -> str | None:
    return told.literal if isinstance(told, Text) else None


def _is_last(state: State) -> bool:
    told = state.fields.get("End")
    return told is not None and told is not False


def _is_known(state: State) -> bool:
    """Whether it is told where a state leads to: not by a name that only a deployment knows, nor by an odd type."""
    if state.type not in LEADING | LAST | {"Choice"}:
        return False
    return "Next" not in state.fields or _literal(state.fields["Next"]) is not None


def _reached(start: str, states: Mapping[str, State]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in states:
            continue
        reached.add(name)
        waiting += [*states[name].successors, *states[name].handlers]
        if not _is_known(states[name]):  # it may lead to any of them
            return set(states)
    return reached


def _nowhere(machine: Resource, at: tuple[str, ...], says: str, states: Mapping[str, State]) -> Finding:
    return _wrong(machine, at, f"{says}, and no state beside it has that name", f"name one of {_names(states)}")


def _wrong(
    machine: Resource, at: tuple[str, ...], problem: str, fix: str, severity: Severity = Severity.ERROR
) -> Finding:
    return finding(machine, problem=problem, fix=fix, at=at, detail=".".join(at), severity=severity)


def _names(states: Mapping[str, State] | set[str]) -> str:
    names = sorted(states)
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
