"""Reads a recipe forwards: what each step can see, and what will have to be undone if it fails.

A *scope* is what Step Functions calls one: the workflow, each branch of a parallel step, the steps of one item. Steps
see the variables of their scope and of those around it, and set variables of their own scope alone; no name may be set
in two scopes of which one holds the other. So a result has one name in the recipe, and in each inner scope another
one underneath: `payment`, `payment__2`.
https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#variable-scope
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from constructs_lib.wiring.refusals import Refusals
from constructs_lib.workflow_steps.bucket_items import BucketItems
from constructs_lib.workflow_steps.expression import FUNCTIONS, NULL, Value
from constructs_lib.workflow_steps.expression_check import check_expressions
from constructs_lib.workflow_steps.step import Choice, Each, Fail, Parallel, Step, Succeed, Task, Wait, has_undo

RESULT_NAME = re.compile(r"[A-Za-z](?!.*__)[A-Za-z0-9_]{0,59}")
RESERVED = ("states", "result")
FAILURE = "undo_failure"  # what made the workflow fail, or false
LEFT = "undo_left"  # what could not be undone, as text


def branch_label(name: str, number: int) -> str:
    """What the states that are added to a branch are named after."""
    return f"{name}: {number}"


def item_label(name: str) -> str:
    """What the states that are added to an item are named after."""
    return f"{name}: item"


@dataclass(eq=False)
class Scope:
    """Steps that share variables.

    Args:
        number: 0 for the workflow itself.
        label: What its own states are named after.
        parent: The scope around it, whose variables it can read.
        careful: Whether a failure must not stop it from saying what it has done: something in it, or beside it, can be
            undone.
    """

    number: int
    label: str
    parent: Scope | None = None
    careful: bool = False
    undoables: list[Undoable] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    initial: dict[str, Value] = field(default_factory=dict)

    def variable(self, base: str) -> str:
        """What a variable of this scope is called in the state machine."""
        return base if self.number == 0 else f"{base}__{self.number}"

    def sees(self, other: Scope) -> bool:
        """Whether variables of another scope can be read here."""
        return self is other or (self.parent is not None and self.parent.sees(other))


Known: TypeAlias = Mapping[str, tuple[Scope, str]]


@dataclass(frozen=True, eq=False)
class Undoable:
    """A step that was completed, or may have been.

    Args:
        step: It.
        number: Tells it from the others.
        known: The variables it could see.
        done: The variable that says whether it was completed; none where that goes without saying.
        holds: The variable with its result; for an `each`, with what became of every item.
        items: For an `each`: the scope of one item.
    """

    step: Task | Each
    number: int
    known: Known
    done: str | None
    holds: str
    items: Scope | None = None

    @property
    def variables(self) -> list[str]:
        """The variables that undoing it takes."""
        return [self.holds] if self.done is None else [self.done, self.holds]


@dataclass(frozen=True, eq=False)
class Place:
    """Where a step stands.

    Args:
        scope: Its scope.
        known: The variables it can see.
        position: How many of the scope's undoables come before it.
        inner: The scopes inside it.
        undoable: How it is undone, if it is.
        after: How many of the scope's undoables there are when it has ended.
    """

    scope: Scope
    known: Known
    position: int
    inner: list[Scope] = field(default_factory=list)
    undoable: Undoable | None = None
    after: int = 0

    @property
    def careful(self) -> bool:
        """Whether a failure here must lead somewhere."""
        return self.scope.careful or self.position > 0


class Survey:
    """The places of all steps of a recipe.

    Args:
        steps: The recipe.
        refusals: Where problems are noted.
    """

    def __init__(self, steps: Sequence[Step], refusals: Refusals) -> None:
        self.places: dict[str, Place] = {}
        self.workflow = Scope(0, "")
        self._refusals = refusals
        self._scopes = 0
        self._undoables = 0
        self._sequence(steps, self.workflow, {}, optional=False)

    def new_scope(self, label: str, parent: Scope | None, *, careful: bool = False) -> Scope:
        """A scope inside another, or of a distributed step's items, which see nothing around them."""
        self._scopes += 1
        return Scope(self._scopes, label, parent, careful)

    def _sequence(
        self, steps: Sequence[Step], scope: Scope, known: Known, *, optional: bool
    ) -> tuple[dict[str, tuple[Scope, str]], bool]:
        """Survey steps in a row; return what is known after them, and whether they always end the workflow."""
        now, ended = dict(known), ""
        for step in steps:
            if ended:
                self._refusals.refuse(
                    f"{step.name!r} is never reached: {ended!r} always ends before it",
                    fix=f"remove {step.name!r}, or give {ended!r} a way on",
                )
                break
            now, ends = self._step(step, scope, now, optional=optional)
            ended = step.name if ends else ""
        return now, bool(ended)

    def _step(
        self, step: Step, scope: Scope, known: dict[str, tuple[Scope, str]], *, optional: bool
    ) -> tuple[dict[str, tuple[Scope, str]], bool]:
        place = Place(scope, dict(known), len(scope.undoables))
        self.places[step.name] = place
        match step:
            case Task():
                return self._task(step, place, known, optional=optional)
            case Choice():
                return self._choice(step, place, known)
            case Parallel():
                return self._parallel(step, place, known, optional=optional)
            case Each():
                return self._each(step, place, known, optional=optional), False
            case Wait():
                self._check(step.name, dict(step.fields), known)
                return known, False
            case Succeed():
                self._check(step.name, step.output, known)
                if scope.number:
                    self._refusals.refuse(
                        f"{step.name!r} would end one branch or item, not the workflow",
                        fix=f"remove {step.name!r}: a branch ends after its last step",
                    )
                return known, True
            case Fail():
                self._check(step.name, [step.error, step.cause], known)
                return known, True
        raise TypeError(f"{step!r} is no step")

    def _task(
        self, step: Task, place: Place, known: dict[str, tuple[Scope, str]], *, optional: bool
    ) -> tuple[dict[str, tuple[Scope, str]], bool]:
        scope, unsure = place.scope, optional or bool(step.catch)
        self._check(step.name, step.arguments, known)
        before = known
        if step.result is not None:
            known = self._add_result(step.name, step.result, scope, known, optional=unsure)
        if step.undo is not None:
            undoable = self._undoable(step, place, step.result, optional=unsure)
            own: dict[str, tuple[Scope, str]] = {"result": (scope, ""), **known}
            self._check(step.undo.name, step.undo.arguments, own)
            place = replace(place, undoable=undoable)
        for handler in step.catch:
            seen = before
            if handler.result is not None:
                seen = self._add_result(step.name, handler.result, scope, before, optional=True)
            seen, _ = self._sequence(handler.do, scope, seen, optional=True)
            known = {**known, **seen}
        self._place(step, place)
        return known, False

    def _choice(
        self, step: Choice, place: Place, known: dict[str, tuple[Scope, str]]
    ) -> tuple[dict[str, tuple[Scope, str]], bool]:
        after, all_end = dict(known), True
        for way in step.ways:
            self._check(step.name, way.condition, known)
        for branch in [*(way.then for way in step.ways), step.otherwise]:
            seen, ends = self._sequence(branch, place.scope, known, optional=True)
            after |= seen
            all_end = all_end and ends
        self._place(step, place)
        return after, all_end

    def _parallel(
        self, step: Parallel, place: Place, known: dict[str, tuple[Scope, str]], *, optional: bool
    ) -> tuple[dict[str, tuple[Scope, str]], bool]:
        scope, ended = place.scope, False
        careful = has_undo([step])
        for number, branch in enumerate(step.branches, 1):
            inner = self.new_scope(branch_label(step.name, number), scope, careful=careful)
            place.inner.append(inner)
            _, ends = self._sequence(branch, inner, place.known, optional=False)
            ended = ended or ends
            self._settle(inner)
        for inner in place.inner:
            for result in inner.results:
                known = self._add_result(step.name, result, scope, known, optional=optional)
            for each in inner.undoables:
                scope.undoables.append(each)
                if optional:
                    scope.initial |= {scope.variable(base): _nothing(each, base) for base in each.variables}
        self._place(step, place)
        return known, ended

    def _each(
        self, step: Each, place: Place, known: dict[str, tuple[Scope, str]], *, optional: bool
    ) -> dict[str, tuple[Scope, str]]:
        scope = place.scope
        if not isinstance(step.items, BucketItems):
            self._check(step.name, step.items, known)
        undone = has_undo(step.do)
        inner = self.new_scope(item_label(step.name), None if step.distributed else scope, careful=undone)
        place.inner.append(inner)
        self._sequence(step.do, inner, {} if step.distributed else place.known, optional=False)
        self._settle(inner)
        if step.result is not None:
            known = self._add_result(step.name, step.result, scope, known, optional=optional)
        if undone:
            place = replace(place, undoable=self._undoable(step, place, None, optional=optional, items=inner))
        self._place(step, place)
        return known

    def _place(self, step: Step, place: Place) -> None:
        self.places[step.name] = replace(place, after=len(place.scope.undoables))

    def _settle(self, scope: Scope) -> None:
        """A scope that tells what it has done needs something to tell at any time."""
        if scope.careful:
            scope.initial |= {scope.variable(FAILURE): False}
            scope.initial |= {scope.variable(result): NULL for result in scope.results}
            for each in scope.undoables:
                scope.initial |= {scope.variable(base): _nothing(each, base) for base in each.variables}

    def _undoable(
        self, step: Task | Each, place: Place, result: str | None, *, optional: bool, items: Scope | None = None
    ) -> Undoable:
        self._undoables += 1
        number, scope = self._undoables, place.scope
        told = items is None and (optional or scope.number > 0)
        undoable = Undoable(
            step=step,
            number=number,
            known=place.known,
            done=f"undo_done_{number}" if told else None,
            holds=f"undo_result_{number}" if result is None else result,
            items=items,
        )
        if optional:
            scope.initial |= {scope.variable(base): _nothing(undoable, base) for base in undoable.variables}
        scope.undoables.append(undoable)
        return undoable

    def _add_result(
        self, name: str, result: str, scope: Scope, known: Known, *, optional: bool
    ) -> dict[str, tuple[Scope, str]]:
        if not RESULT_NAME.fullmatch(result) or result in RESERVED or result.startswith("undo_"):
            self._refusals.refuse(
                f"{name!r} names its result {result!r}",
                fix="use a letter, then letters, digits and single underscores; not states, result or undo_...",
            )
        if result in FUNCTIONS:
            self._refusals.refuse(
                f"{name!r} names its result {result!r}, which is a function of JSONata", fix="choose another name"
            )
        if result in known:
            self._refusals.refuse(f"{name!r} sets {result!r}, which is set already", fix="choose another name")
        if result not in scope.results:
            scope.results.append(result)
        if optional:
            scope.initial[scope.variable(result)] = NULL
        return {**known, result: (scope, scope.variable(result))}

    def _check(self, name: str, value: Value, known: Known) -> None:
        check_expressions(name, value, known, self._refusals)


def _nothing(undoable: Undoable, base: str) -> Value:
    """What a variable of an undoable holds before the step was completed."""
    if base == undoable.done:
        return False
    return [] if undoable.items is not None else NULL
