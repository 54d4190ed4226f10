"""The definition of a state machine: every state of it, also those inside of branches and maps.

Whatever a template has for it, as text, as an object or in a file: what only a deployment knows stays a `Symbol` where
it stood, so that a task's `Resource` still tells which function it calls.
https://states-language.net/spec.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from constructs_lib.assembly.asset_manifest import AssetManifest
from constructs_lib.assembly.data_file import read_document, read_document_beside
from constructs_lib.assembly.intrinsics import as_piece, shown, to_json
from constructs_lib.assembly.json_document import AssemblyError
from constructs_lib.assembly.json_text import read_json
from constructs_lib.assembly.remembered import remembered
from constructs_lib.assembly.value import Absent, Symbol, Text, Unknown, Value, likely

if TYPE_CHECKING:
    from pathlib import Path

    from constructs_lib.assembly.resource import Resource

STATE_MACHINE = "AWS::StepFunctions::StateMachine"
JSONPATH, JSONATA = "JSONPath", "JSONata"
MOST_BYTES = 4 * 1024 * 1024  # of a file; Step Functions takes 1 MiB
MOST_LEVELS = 64  # of states inside one another
SUBSTITUTION = re.compile(r"\$\{([\w.-]+)\}")
MAP_BODIES = ("ItemProcessor", "Iterator")  # what a Map runs for each item; the second is its older name


@dataclass(frozen=True, slots=True)
class State:
    """One state.

    Args:
        name: Its name.
        type: Its type: `Task`, `Choice`, `Map` and so on; empty when it has none that can be told.
        path: Where it stands in the definition: `States`, its name, and for one inside of another what leads there.
        fields: What it says, as the definition has it; a string is a `Text`.
        query_language: What its expressions are written in: `JSONPath` or `JSONata`.
        parents: The Parallel and Map states it stands in, the outermost first.
        start_at: The name of the first of the states it stands beside; none when that is not told.
    """

    name: str
    type: str
    path: tuple[str, ...]
    fields: Mapping[str, Value] = field(repr=False)
    query_language: str = JSONPATH
    parents: tuple[State, ...] = field(default=(), repr=False)
    start_at: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Name it, and what it stands in."""
        return " / ".join(each.name for each in (*self.parents, self))

    @property
    def resource(self) -> Text | None:
        """What a Task does: the ARN of a function, of an activity, or of what Step Functions calls for it."""
        return _text(self.fields.get("Resource"))

    @property
    def arguments(self) -> Value:
        """What a Task passes: its `Arguments`, or its `Parameters` in JSONPath."""
        return self.fields.get("Arguments" if "Arguments" in self.fields else "Parameters")

    def argument(self, *keys: str) -> Value:
        """Return what is passed under these keys, also where JSONPath has a `.$` behind the last; none if nothing."""
        told = self.arguments
        for key in keys:
            if not isinstance(told, dict):
                return None
            told = told[key] if key in told else told.get(f"{key}.$")
        return told

    @property
    def retries(self) -> tuple[Mapping[str, Value], ...]:
        """The entries of its `Retry`."""
        return _objects(self.fields.get("Retry"))

    @property
    def catches(self) -> tuple[Mapping[str, Value], ...]:
        """The entries of its `Catch`."""
        return _objects(self.fields.get("Catch"))

    @property
    def successors(self) -> tuple[str, ...]:
        """The names of the states that come after it when nothing fails."""
        told = [self.fields.get("Next"), self.fields.get("Default")]
        told += [choice.get("Next") for choice in _objects(self.fields.get("Choices"))]
        return tuple(name for each in told if (name := _literal(each)) is not None)

    @property
    def handlers(self) -> tuple[str, ...]:
        """The names of the states that come after it when something fails."""
        return tuple(name for each in self.catches if (name := _literal(each.get("Next"))) is not None)


@dataclass(frozen=True, slots=True)
class Definition:
    """What a state machine does.

    Args:
        states: Every state, also those inside of Parallel and Map states, each after the one it stands in.
        fields: What the definition says beside its states.
    """

    states: tuple[State, ...]
    fields: Mapping[str, Value] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(machine: Resource) -> Definition | Unknown:
        """Read the definition of an `AWS::StepFunctions::StateMachine`; never raises.

        Example:
            >>> [task.resource for task in Definition.of(machine).tasks()]
            [Text(parts=(Symbol(kind='attribute', of='Shop/Charge', attribute='Arn', reason=''),))]
        """
        return _definition(machine)

    def tasks(self) -> Iterator[State]:
        """Yield every state that does something outside of the state machine."""
        return (state for state in self.states if state.type == "Task")

    def surely_reached(self) -> tuple[State, ...]:
        """Return the states that can be reached though nothing fails: not those that only a `Catch` leads to."""
        return self._reached(frozenset())

    def first_tasks(self) -> tuple[State, ...]:
        """Return the tasks that may be the first to do something."""
        working = {state.path for task in self.tasks() for state in (task, *task.parents)}
        return tuple(state for state in self._reached(working) if state.type == "Task")

    def _reached(self, last: Set[tuple[str, ...]]) -> tuple[State, ...]:
        """The states that can be reached though nothing fails, going no further than those on these paths."""
        by_scope: dict[tuple[str, ...], dict[str, State]] = {}
        for state in self.states:  # a state comes after the one it stands in
            by_scope.setdefault(state.path[:-1], {})[state.name] = state
        reached: set[tuple[str, ...]] = set()
        for states in by_scope.values():
            first = next(iter(states.values()))
            if first.parents and first.parents[-1].path not in reached:
                continue
            waiting = list(states) if first.start_at is None else [first.start_at]
            while waiting:
                found = states.get(waiting.pop())
                if found is not None and found.path not in reached:
                    reached.add(found.path)
                    waiting += () if found.path in last else found.successors
        return tuple(state for state in self.states if state.path in reached)


@remembered
def _definition(machine: Resource) -> Definition | Unknown:
    try:
        source = _source(machine)
        told = read_json(source) if isinstance(source, Text) else source
        if isinstance(told, Unknown):
            return told
        if not isinstance(told, dict) or not isinstance(told.get("States"), dict):
            return Unknown(_short(source), "the definition is no object with States")
        return Definition(tuple(_states(told, (), (), JSONPATH)), told)
    except RecursionError:
        return Unknown(machine.id, "the definition is nested too deep")


def _states(
    scope: Mapping[str, Value], path: tuple[str, ...], parents: tuple[State, ...], language: str
) -> Iterator[State]:
    told = scope.get("States")
    language, start_at = _literal(scope.get("QueryLanguage")) or language, _literal(scope.get("StartAt"))
    if not isinstance(told, dict) or len(parents) > MOST_LEVELS:
        return
    for name, fields in told.items():
        if not isinstance(fields, dict):
            continue
        own = _literal(fields.get("QueryLanguage")) or language
        state = State(name, _literal(fields.get("Type")) or "", (*path, "States", name), fields, own, parents, start_at)
        yield state
        branches = fields.get("Branches")
        for index, branch in enumerate(branches if isinstance(branches, list) else ()):
            if isinstance(branch, dict):
                yield from _states(branch, (*state.path, "Branches", str(index)), (*parents, state), language)
        for key in MAP_BODIES:
            body = fields.get(key)
            if isinstance(body, dict):
                yield from _states(body, (*state.path, key), (*parents, state), language)


def _source(machine: Resource) -> Text | Unknown:
    """The text of the definition, with what is put in for its `${...}`."""
    for name in ("DefinitionString", "Definition"):
        if not machine.lacks(name):
            told = machine.value(name)
            text = told if isinstance(told, Text | Unknown) else to_json(told)
            break
    else:
        text = _from_file(machine)
    if isinstance(text, Unknown):
        return text
    put = machine.value("DefinitionSubstitutions")
    return _substituted(text, put) if isinstance(put, dict) else text


def _substituted(text: Text, put: Mapping[str, Value]) -> Text:
    pieces: list[str | Symbol | Text] = []
    for part in text.parts:
        if isinstance(part, Symbol):
            pieces.append(part)
            continue
        for odd, piece in enumerate(SUBSTITUTION.split(part)):
            if odd % 2 == 0:
                pieces.append(piece)
            else:
                value = likely(put[piece]) if piece in put else Absent()
                pieces.append(f"${{{piece}}}" if isinstance(value, Absent) else as_piece(value, piece))
    return Text.of(*pieces)


def _from_file(machine: Resource) -> Text | Unknown:
    """The definition in an object of a bucket: an asset of the assembly, or a file beside the template."""
    key, name = machine.text("DefinitionS3Location", "Key"), machine.text("DefinitionS3Location")
    template, asset = machine.stack.template_path, _asset(machine, key)
    try:
        if asset is not None:
            return Text.of(json.dumps(read_document(asset, limit=MOST_BYTES).value))
        if name and template is not None and "://" not in name:
            return Text.of(json.dumps(read_document_beside(template.parent, name, limit=MOST_BYTES).value))
    except (AssemblyError, TypeError, ValueError):
        return Unknown(shown(name or key), "the file of the definition cannot be read")
    reason = "the state machine has none" if machine.lacks("DefinitionS3Location") else "it is in a bucket"
    return Unknown(shown(machine.raw.get("DefinitionS3Location")), f"the definition is not known: {reason}")


def _asset(machine: Resource, key: str | None) -> Path | None:
    template = machine.stack.template_path if key else None
    for manifest in sorted(template.parent.glob("*.assets.json")) if template is not None else ():
        try:
            files = AssetManifest.read(manifest).files
        except AssemblyError:
            continue
        for each in files:
            if each.key == key:
                return each.source
    return None


def _text(value: Value) -> Text | None:
    return value if isinstance(value, Text) else None


def _literal(value: Value) -> str | None:
    return value.literal if isinstance(value, Text) else None


def _objects(value: Value) -> tuple[Mapping[str, Value], ...]:
    return tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _short(source: Text | Unknown) -> str:
    return shown(str(source))
