"""A ledger that stands for the world: what the steps of a workflow did to it, and what of that was taken back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aws_cdk as cdk

from constructs_lib import step
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.workflow_steps.states import build
from constructs_lib.workflow_steps.step import Choice, Each, Parallel, Step, Task, all_steps
from tests.constructs.workflow_machine import Machine, Outcome, StateError
from tests.constructs.workflow_structure import problems_of

ITEMS = '{% [1..2].{"at": $states.input.at & "/" & $string($)} %}'  # every item knows where it is
HARD_RETRIES, TRANSIENT_RETRIES = 10, 5
SEEDS = range(3)


@dataclass(frozen=True)
class Function:
    name: str

    @property
    def function_arn(self) -> str:
        return self.name


def do(name: str, *, undo: bool = True, **options: Any) -> Task:
    """A step whose effect the ledger knows, and what takes it out again."""
    return step(name, Function(name), undo=Function(f"undo {name}") if undo else None, **options)


@dataclass(frozen=True)
class Effect:
    step: str
    at: str  # which item of which item
    number: int


@dataclass
class World:
    """What the functions do.

    Args:
        failures: By step and place: how many tries fail, and with which error.
    """

    failures: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    done: list[Effect] = field(default_factory=list)
    undone: list[Effect] = field(default_factory=list)
    tries: list[tuple[str, str]] = field(default_factory=list)
    first_error: str = ""

    def handle(self, _name: str, _resource: str, arguments: Any, attempt: int) -> Any:
        function, payload = arguments["FunctionName"], arguments["Payload"]
        undoing = function.startswith("undo ")
        at = (payload["input"] if undoing else payload)["at"]
        failing, error = self.failures.get((function, at), (0, ""))
        self.tries.append((function, at))
        if attempt < failing:
            raise StateError(error, f"{function} at {at!r}")
        if not undoing:
            effect = Effect(function, at, len(self.done))
            self.done.append(effect)
            return {"Payload": {"number": effect.number}}
        [effect] = [each for each in self.done if each.number == payload["result"]["number"]]
        assert (f"undo {effect.step}", effect.at) == (function, at), "undone with the input and result of another"
        assert effect not in self.undone, "undone twice"
        self.undone.append(effect)
        return {"Payload": None}

    @property
    def left(self) -> list[Effect]:
        return [effect for effect in self.done if effect not in self.undone]


def define(steps: Sequence[Step]) -> dict[str, Any]:
    refusals = Refusals(cdk.Stack())
    definition = build(steps, comment=None, refusals=refusals)
    refusals.stop_if_any()
    assert problems_of(definition) == []
    return definition


def run(definition: dict[str, Any], world: World, *, seed: int = 0, **value: Any) -> Outcome:
    return Machine(definition, world.handle, seed=seed).run({"at": "", **value})


def positions(steps: Sequence[Step], path: tuple[Any, ...] = ()) -> dict[str, tuple[Any, ...]]:
    """Where each step stands: numbers in a row, and names of branches and items, which are in no order."""
    found: dict[str, tuple[Any, ...]] = {}
    for number, each_ in enumerate(steps):
        here = (*path, number)
        found[each_.name] = here
        match each_:
            case Choice():
                for way, branch in enumerate([*(w.then for w in each_.ways), each_.otherwise]):
                    found |= positions(branch, (*here, way))
            case Parallel():
                for index, branch in enumerate(each_.branches):
                    found |= positions(branch, (*here, f"branch {index}"))
            case Each():
                found |= positions(each_.do, (*here, "item"))
            case Task():
                for way, handler in enumerate(each_.catch, 1):
                    found |= positions(handler.do, (*here, way))
    return found


def is_before(first: Effect, second: Effect, where: dict[str, tuple[Any, ...]]) -> bool:
    """Whether the recipe orders two effects, the first before the second."""
    items = [iter(each.at.split("/")[1:]) for each in (first, second)]
    paths = [where[each.step] for each in (first, second)]
    for one, two in itertools.zip_longest(*paths, fillvalue=-1):
        if one == two == "item":
            if next(items[0]) != next(items[1]):
                return False
        elif one != two:
            return isinstance(one, int) and isinstance(two, int) and one < two
    return False


def check_undoing(steps: Sequence[Step], world: World, outcome: Outcome) -> None:
    """What holds after every failure: all of it undone, in reverse."""
    where, can_undo = positions(steps), {s.name for s in all_steps(steps) if isinstance(s, Task) and s.undo is not None}
    assert [effect for effect in world.left if effect.step in can_undo] == [], "residue"
    assert {effect.step for effect in world.undone} <= can_undo
    for number, undone in enumerate(world.undone):
        for later in world.undone[number + 1 :]:
            assert not is_before(undone, later, where), f"{undone} was undone before {later}"
    assert outcome.status == "FAILED"
