"""However a workflow fails, exactly what was completed is undone, latest first, and the first error is what remains.

A ledger stands for the world: a step leaves an effect in it, and what undoes the step takes that effect out again. Two
effects are in order where the recipe orders them: not between branches of a `parallel`, nor between items of an `each`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aws_cdk as cdk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constructs_lib import Retry, call, choice, each, fail, on, parallel, step, succeed, wait, when
from constructs_lib.problem import PropError
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


ORDER = [do("Reserve"), do("Charge", result="payment"), do("Email", undo=False), do("Ship"), do("Thank", undo=False)]
RICH: list[Step] = [
    do("Reserve"),
    parallel("Both", [do("Charge", result="payment"), do("Book")], [do("Check", undo=False), do("Pack")]),
    choice(
        "Gift?",
        when("{% $states.input.gift %}", then=[do("Wrap"), do("Card", catch=[on("NoCards", do=[do("Draw")])])]),
        otherwise=[do("Bag")],
    ),
    each(
        "Parcels",
        items=ITEMS,
        do=[
            do("Label", result="label"),
            parallel("Inside", [do("Weigh")], [each("Things", items=ITEMS, do=[do("Scan"), do("Seal")])]),
        ],
    ),
    do("Notify", undo=False, retry=[Retry("Busy", retries=2)]),
]


class TestOneRow:
    DEFINITION = define(ORDER)

    @pytest.mark.parametrize("failed", range(5))
    def test_what_came_before_the_failed_step_is_undone_latest_first(self, failed: int) -> None:
        world = World({(ORDER[failed].name, ""): (99, "Boom")})
        outcome = run(self.DEFINITION, world)
        assert [effect.step for effect in world.done] == [each.name for each in ORDER[:failed]]
        assert [each.step for each in world.undone] == [
            each.name for each in reversed(ORDER[:failed]) if each.name != "Email"
        ]
        assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "Boom", f"{ORDER[failed].name} at ''")

    def test_nothing_is_undone_when_nothing_fails(self) -> None:
        world = World()
        assert run(self.DEFINITION, world).status == "SUCCEEDED"
        assert world.undone == []

    @pytest.mark.parametrize("tries", range(1, TRANSIENT_RETRIES + 2))
    def test_a_step_that_succeeds_at_last_is_not_undone(self, tries: int) -> None:
        world = World({("Ship", ""): (tries, "Lambda.ServiceException")})
        outcome = run(self.DEFINITION, world)
        gave_up = tries > TRANSIENT_RETRIES
        assert outcome.status == ("FAILED" if gave_up else "SUCCEEDED")
        assert [each.step for each in world.undone] == (["Charge", "Reserve"] if gave_up else [])

    @pytest.mark.parametrize("error", ["Boom", "Lambda.Unknown", "States.Timeout"])
    def test_undoing_is_tried_eleven_times_whatever_the_error(self, error: str) -> None:
        world = World({("Ship", ""): (99, "Boom"), ("undo Charge", ""): (HARD_RETRIES, error)})
        outcome = run(self.DEFINITION, world)
        assert world.tries.count(("undo Charge", "")) == HARD_RETRIES + 1
        assert (outcome.error, outcome.cause) == ("Boom", "Ship at ''")
        check_undoing(ORDER, world, outcome)

    def test_what_cannot_be_undone_is_named_and_the_rest_is_still_undone(self) -> None:
        world = World(
            {("Thank", ""): (99, "Boom"), ("undo Charge", ""): (99, "Stuck"), ("undo Ship", ""): (99, "Stuck")}
        )
        outcome = run(self.DEFINITION, world)
        assert [each.step for each in world.undone] == ["Reserve"]
        assert (outcome.error, outcome.cause) == ("Boom", "Thank at '' (not undone: Ship, Charge)")

    def test_no_question_is_asked_where_the_answer_is_known(self) -> None:
        assert [name for name in self.DEFINITION["States"] if name.endswith("?")] == []

    def test_a_cause_that_is_missing_or_too_long_does_not_hide_the_error(self) -> None:
        long = Machine(self.DEFINITION, _failing_at("Ship", "x" * 32_768)).run({"at": ""})
        assert (long.error, len(long.cause)) == ("Boom", 30_000)
        assert Machine(self.DEFINITION, _failing_at("Ship", "")).run({"at": ""}).error == "Boom"


def _failing_at(name: str, cause: str) -> Callable[[str, str, Any, int], Any]:
    def handle(state: str, _resource: str, _arguments: Any, _attempt: int) -> Any:
        if state == name:
            raise StateError("Boom", cause)
        return {"Payload": None}

    return handle


class TestEveryFailurePoint:
    DEFINITION = define(RICH)

    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("gift", [True, False])
    def test_no_failure_at_any_step_and_try_leaves_anything_behind(self, seed: int, *, gift: bool) -> None:
        calm = World()
        assert run(self.DEFINITION, calm, seed=seed, gift=gift).status == "SUCCEEDED"
        points = sorted(set(calm.tries))
        assert len(points) == (20 if gift else 19)
        for point in points:
            for tries, error in [
                (99, "Boom"),
                (TRANSIENT_RETRIES, "Lambda.SdkClientException"),
                (6, "Lambda.SdkClientException"),
            ]:
                world = World({point: (tries, error)})
                outcome = run(self.DEFINITION, world, seed=seed, gift=gift)
                if tries == TRANSIENT_RETRIES:
                    assert (outcome.status, world.undone) == ("SUCCEEDED", []), point
                else:
                    assert (outcome.error, outcome.cause) == (error, f"{point[0]} at {point[1]!r}")
                    assert point not in {(each.step, each.at) for each in world.undone}, "the failed step was undone"
                    check_undoing(RICH, world, outcome)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_no_trouble_while_undoing_leaves_anything_behind(self, seed: int) -> None:
        calm = World({("Notify", ""): (99, "Boom")})
        run(self.DEFINITION, calm, seed=seed, gift=True)
        undoings = sorted({each for each in calm.tries if each[0].startswith("undo ")})
        assert len(undoings) == 18
        for point in undoings:
            for tries in (1, HARD_RETRIES):
                world = World({("Notify", ""): (99, "Boom"), point: (tries, "Stuck")})
                outcome = run(self.DEFINITION, world, seed=seed, gift=True)
                assert (outcome.error, outcome.cause) == ("Boom", "Notify at ''")
                check_undoing(RICH, world, outcome)
            world = World({("Notify", ""): (99, "Boom"), point: (99, "Stuck")})
            outcome = run(self.DEFINITION, world, seed=seed, gift=True)
            assert outcome.cause == f"Notify at '' (not undone: {point[0].removeprefix('undo ')})"
            assert [(f"undo {each.step}", each.at) for each in world.left if each.step not in {"Check", "Notify"}] == [
                point
            ]

    @pytest.mark.parametrize("seed", SEEDS)
    def test_a_handled_error_undoes_nothing_until_something_else_fails(self, seed: int) -> None:
        world = World({("Card", ""): (99, "NoCards"), ("Notify", ""): (99, "Boom")})
        outcome = run(self.DEFINITION, world, seed=seed, gift=True)
        undone = [each.step for each in world.undone]
        assert "Draw" in undone
        assert "Card" not in undone
        check_undoing(RICH, world, outcome)

    @pytest.mark.parametrize("seed", range(10))
    def test_two_branches_may_fail_at_once(self, seed: int) -> None:
        world = World({("Book", ""): (99, "One"), ("Pack", ""): (99, "Two")})
        outcome = run(self.DEFINITION, world, seed=seed, gift=True)
        assert outcome.error == "One"
        assert {each.step for each in world.undone} == {"Reserve", "Charge"}
        check_undoing(RICH, world, outcome)


class TestEndsOfAllKinds:
    """Conditions, waits and ends cannot be caught by Step Functions; what was done is undone all the same."""

    @pytest.mark.parametrize(
        "end",
        [
            choice("If?", when("{% $states.input.missing > 1 %}", then=[do("Never", undo=False)])),
            choice("If?", when("{% 'a' > 1 %}"), otherwise=[do("Never", undo=False)]),
            wait("Wait", seconds="{% $states.input.missing %}"),
            each("Each", items="{% $states.input.missing %}", do=[do("Never")]),
            fail("Out", error="{% $states.input.missing %}", cause="none"),
            succeed("Done", output="{% $states.input.missing %}"),
            do("Never", undo=False, payload="{% $states.input.missing %}"),
        ],
        ids=lambda each_: each_.name,
    )
    def test_an_expression_that_cannot_be_evaluated(self, end: Step) -> None:
        steps = [do("Charge"), end]
        world = World()
        outcome = run(define(steps), world)
        assert outcome.error == "States.QueryEvaluationError"
        assert [each.step for each in world.undone] == ["Charge"]
        check_undoing(steps, world, outcome)

    @pytest.mark.parametrize("cause", ["sold", "{% 'so' & 'ld' %}"])
    def test_a_fail_undoes_what_was_done(self, cause: str) -> None:
        steps = [do("Charge"), choice("If?", when("{% true %}", then=[fail("Out", error="Out", cause=cause)]))]
        world = World()
        outcome = run(define(steps), world)
        assert (outcome.error, outcome.cause, [each.step for each in world.undone]) == ("Out", "sold", ["Charge"])

    def test_a_fail_inside_branches_and_items(self) -> None:
        sold_out = choice("If?", when("{% $states.input.at = '/2' %}", then=[fail("Out", error="Out", cause="sold")]))
        steps = [
            do("Charge"),
            parallel(
                "Both",
                [do("A"), wait("A while", seconds="{% 2 %}")],
                [each("Ship", items=ITEMS, do=[do("B"), sold_out])],
            ),
        ]
        world = World()
        outcome = run(define(steps), world)
        assert (outcome.error, outcome.cause) == ("Out", "sold")
        assert {each.step for each in world.undone} == {"Charge", "A", "B"}
        check_undoing(steps, world, outcome)

    @pytest.mark.parametrize("where", ["row", "branch"])
    def test_success_after_steps_that_could_be_undone(self, where: str) -> None:
        steps: list[Step] = [do("Charge", result="p"), wait("W", seconds="{% 1 %}")]
        if where == "branch":
            steps = [parallel("Both", steps, [do("B")])]
        steps.append(succeed("Done", output={"number": "{% $p.number %}"}))
        world = World()
        outcome = run(define(steps), world)
        assert (outcome.status, list(outcome.output)) == ("SUCCEEDED", ["number"])
        assert world.undone == []


class TestWhatUndoingSees:
    def test_a_step_of_its_own_reads_the_result_by_either_name(self) -> None:
        refund = call(
            "Refund",
            "aws-sdk:any:thing",
            arguments={"Mine": "{% $payment.id %}", "Result": "{% $result.id %}", "Before": "{% $first %}"},
            allow=[],
        )
        steps = [
            do("First", undo=False, result="first"),
            step("Charge", Function("Charge"), result="payment", undo=refund),
            do("Last", undo=False),
        ]
        sent: list[Any] = []

        def handle(name: str, _resource: str, arguments: Any, _attempt: int) -> Any:
            sent.append(arguments)
            if name == "Last":
                raise StateError("Boom")
            return {"Payload": {"id": name}}

        Machine(define(steps), handle).run({"at": ""})
        assert sent[-1] == {"Mine": "Charge", "Result": "Charge", "Before": {"id": "First"}}

    def test_results_of_an_item_are_those_of_that_item(self) -> None:
        refund = call("Refund", "aws-sdk:any:thing", arguments={"Id": "{% $payment %}"}, allow=[])
        steps = [
            each(
                "All",
                items=ITEMS,
                do=[step("Charge", Function("Charge"), result="payment", undo=refund)],
                max_concurrency=1,
            ),
            do("Last", undo=False),
        ]
        refunded: list[Any] = []

        def handle(name: str, _resource: str, arguments: Any, _attempt: int) -> Any:
            if name == "Refund":
                refunded.append(arguments["Id"])
            if name == "Last":
                raise StateError("Boom")
            return {"Payload": "" if name != "Charge" else arguments["Payload"]["at"]}

        Machine(define(steps), handle).run({"at": ""})
        assert refunded == ["/2", "/1"]

    def test_refuses_to_read_what_is_gone_by_then(self) -> None:
        refund = call("Refund", "aws-sdk:any:thing", arguments={"Id": "{% $weight %}"}, allow=[])
        inside = [do("Weigh", undo=False, result="weight"), step("Charge", Function("Charge"), undo=refund)]
        with pytest.raises(PropError) as caught:
            define([parallel("Both", inside, [do("B")]), do("Last", undo=False)])
        assert str(caught.value) == (
            "'Refund' reads $weight, which is gone when 'Charge' is undone\n"
            "  at:  Default (Stack)\n"
            "  fix: read $result, what the undone step answered, or let that step answer all that undoing it takes"
        )


@st.composite
def recipes(draw: st.DrawFn) -> list[Step]:
    count = itertools.count(1)

    def row(depth: int) -> list[Step]:
        return [one(depth) for _ in range(draw(st.integers(1, 3)))]

    def one(depth: int) -> Step:
        name = f"s{next(count)}"
        kind = (
            draw(st.sampled_from(["task", "task", "task", "choice", "parallel", "each", "catch", "wait"]))
            if depth
            else "task"
        )
        undo = draw(st.booleans())
        match kind:
            case "choice":
                ways = [when(f"{{% $random() < {chance} %}}", then=row(depth - 1)) for chance in (0.4, 0.5)]
                return choice(name, *ways, otherwise=row(depth - 1) if undo else [])
            case "parallel":
                return parallel(name, *(row(depth - 1) for _ in range(draw(st.integers(1, 3)))))
            case "each":
                return each(name, items=ITEMS, do=row(depth - 1), max_concurrency=draw(st.integers(1, 3)))
            case "catch":
                handled = row(depth - 1) if draw(st.booleans()) else []
                return do(name, undo=undo, catch=[on("Handled", do=handled)], result=f"r{name}")
            case "wait":
                return wait(name, seconds="{% 1 %}")
            case _:
                return do(name, undo=undo, result=f"r{name}" if draw(st.booleans()) else None)

    return [*row(2), do("last", undo=False)]


@settings(max_examples=80, deadline=None)
@given(recipes(), st.data())
def test_no_recipe_leaves_anything_behind(steps: list[Step], data: st.DataObject) -> None:
    definition = define(steps)
    seed = data.draw(st.integers(0, 1000))
    names = sorted(
        {each_.name for each_ in all_steps(steps) if isinstance(each_, Task) and not each_.name.startswith("Undo")}
    )
    places = ["", "/1", "/2", "/1/1", "/2/1"]
    failures: dict[tuple[str, str], tuple[int, str]] = {}
    for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)) if names else []:
        tries, error = data.draw(
            st.sampled_from([(99, "Boom"), (6, "Lambda.ServiceException"), (2, "SNS"), (99, "Handled")])
        )
        failures |= {(name, at): (tries, error) for at in data.draw(st.sets(st.sampled_from(places), min_size=1))}
    world = World(failures)
    outcome = run(definition, world, seed=seed)
    if outcome.status == "SUCCEEDED":
        assert world.undone == []
    else:
        assert outcome.error in {error for _, error in failures.values()}
        check_undoing(steps, world, outcome)
