"""However a workflow fails, exactly what was completed is undone, latest first, and the first error is what remains.

A ledger stands for the world: a step leaves an effect in it, and what undoes the step takes that effect out again. Two
effects are in order where the recipe orders them: not between branches of a `parallel`, nor between items of an `each`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from constructs_lib import Retry, call, choice, each, fail, on, parallel, step, succeed, wait, when
from constructs_lib.problem import PropError
from constructs_lib.workflow_steps.step import Step
from tests.constructs.workflow_machine import Machine, StateError
from tests.constructs.workflow_world import (
    HARD_RETRIES,
    ITEMS,
    SEEDS,
    TRANSIENT_RETRIES,
    Function,
    World,
    check_undoing,
    define,
    do,
    run,
)

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

    @pytest.mark.parametrize("name", ["strict", "v", "failed"])
    def test_a_condition_reads_its_own_variables_whatever_they_are_called(self, name: str) -> None:
        asked = choice("If?", when(f"{{% ${name}.number = 0 %}}", then=[fail("Out", error="Out", cause="sold")]))
        steps = [do("Charge", result=name), asked]
        world = World()
        assert run(define(steps), world).error == "Out"
        assert [each.step for each in world.undone] == ["Charge"]

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
