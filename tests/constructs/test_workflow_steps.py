"""What each kind of step does, run in an interpreter that is as strict as Step Functions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import Retry, Waived, choice, each, fail, on, parallel, step, succeed, wait, when
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.workflow_steps.states import build
from constructs_lib.workflow_steps.step import Step
from tests.constructs.workflow_machine import Machine, Outcome, StateError
from tests.constructs.workflow_structure import problems_of, states_of

TRANSIENT = [
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
]


@dataclass(frozen=True)
class Function:
    """All that a step needs of a function."""

    name: str = "function"

    @property
    def function_arn(self) -> str:
        return f"arn:aws:lambda:eu-west-1:123456789012:function:{self.name}"


FUNCTION = Function()


def define(steps: Sequence[Step]) -> dict[str, Any]:
    refusals = Refusals(cdk.Stack())
    definition = build(steps, comment=None, refusals=refusals)
    refusals.stop_if_any()
    assert problems_of(definition) == []
    return definition


def execute(steps: Sequence[Step], value: Any = None, *, seed: int = 0, **answers: Any) -> tuple[Outcome, list[Any]]:
    """Run a recipe; each function step answers what its name says, or fails with it; return what was sent, too."""
    sent: list[Any] = []

    def handle(name: str, _resource: str, arguments: Any, attempt: int) -> Any:
        sent.append((name, arguments["Payload"]))
        answer = answers.get(name)
        if isinstance(answer, list):
            answer = answer[min(attempt, len(answer) - 1)]
        if isinstance(answer, Exception):
            raise answer
        return {"Payload": answer}

    return Machine(define(steps), handle, seed=seed).run({} if value is None else value), sent


class TestTasks:
    def test_a_function_gets_the_input_of_the_workflow_whatever_came_before_it(self) -> None:
        outcome, sent = execute([step("a", FUNCTION), step("b", FUNCTION)], {"id": 1}, a="ignored")
        assert sent == [("a", {"id": 1}), ("b", {"id": 1})]
        assert (outcome.status, outcome.output) == ("SUCCEEDED", {"id": 1})

    @pytest.mark.parametrize("answer", ["text", 3, [1], [], {"x": None}, None, False])
    def test_a_result_is_there_afterwards_as_it_was(self, answer: Any) -> None:
        steps = [step("a", FUNCTION, result="paid"), step("b", FUNCTION, payload={"order": "{% $paid %}"})]
        _, sent = execute(steps, a=[answer] if isinstance(answer, list) else answer)
        assert sent[1] == ("b", {"order": answer})

    def test_a_payload_may_hold_null(self) -> None:
        _, sent = execute([step("a", FUNCTION, payload={"x": None, "y": [None]})])
        assert sent == [("a", {"x": None, "y": [None]})]

    def test_transient_errors_are_retried_with_backoff_and_jitter_and_no_others(self) -> None:
        state = define([step("a", FUNCTION)])["States"]["a"]
        assert state["Retry"] == [
            {
                "ErrorEquals": TRANSIENT,
                "IntervalSeconds": 2,
                "MaxAttempts": 5,
                "BackoffRate": 2,
                "MaxDelaySeconds": 30,
                "JitterStrategy": "FULL",
            }
        ]

    @pytest.mark.parametrize("error", TRANSIENT)
    def test_a_transient_error_passes(self, error: str) -> None:
        outcome, sent = execute([step("a", FUNCTION)], a=[StateError(error)] * 5 + ["well"])
        assert (outcome.status, len(sent)) == ("SUCCEEDED", 6)

    @pytest.mark.parametrize("error", ["CardDeclined", "States.Timeout", "Lambda.Unknown", "States.Permissions"])
    def test_any_other_error_fails_at_once(self, error: str) -> None:
        outcome, sent = execute([step("a", FUNCTION)], a=StateError(error, "no"))
        assert (outcome.status, outcome.error, outcome.cause, len(sent)) == ("FAILED", error, "no", 1)

    def test_more_errors_can_be_retried(self) -> None:
        steps = [step("a", FUNCTION, retry=[Retry("Busy", retries=2)])]
        assert execute(steps, a=[StateError("Busy")] * 2 + ["well"])[0].status == "SUCCEEDED"
        assert execute(steps, a=[StateError("Busy")] * 3 + ["well"])[0].error == "Busy"
        assert execute(steps, a=[StateError("Lambda.ServiceException"), "well"])[0].status == "SUCCEEDED"

    def test_retries_can_be_waived_and_the_reason_stands_in_the_definition(self) -> None:
        state = define([step("a", FUNCTION, retry=Waived("charges twice"))])["States"]["a"]
        assert "Retry" not in state
        assert state["Comment"] == "no retries: charges twice"


class TestCatch:
    STEPS = (
        step(
            "a",
            FUNCTION,
            result="paid",
            catch=[
                on("Declined", do=[step("ask", FUNCTION, payload="{% $problem %}")], result="problem"),
                on("Busy", do=[fail("Too busy", error="Gone", cause="away")]),
            ],
        ),
        step("b", FUNCTION, payload="{% $paid %}"),
    )

    def test_a_handled_error_is_answered_and_the_workflow_goes_on(self) -> None:
        outcome, sent = execute(self.STEPS, a=StateError("Declined", "no money"))
        assert sent[1:] == [("ask", {"Error": "Declined", "Cause": "no money"}), ("b", None)]
        assert outcome.status == "SUCCEEDED"

    def test_a_handler_can_end_the_workflow(self) -> None:
        outcome, _ = execute(self.STEPS, a=StateError("Busy"))
        assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "Gone", "away")

    def test_an_unhandled_error_fails_the_workflow(self) -> None:
        assert execute(self.STEPS, a=StateError("Other"))[0].error == "Other"

    @pytest.mark.parametrize(("answer", "problem"), [("well", None), (StateError("Lost", "x"), "Lost")])
    def test_what_was_handled_can_be_read_afterwards(self, answer: Any, problem: str | None) -> None:
        steps = [
            step("a", FUNCTION, catch=[on("Lost", result="problem")]),
            step("b", FUNCTION, payload="{% $problem = null ? null : $problem.Error %}"),
        ]
        assert execute(steps, a=answer)[1][-1] == ("b", problem)

    def test_without_an_error_no_handler_runs(self) -> None:
        _, sent = execute(self.STEPS, a="yes")
        assert sent[1:] == [("b", "yes")]

    @pytest.mark.parametrize("error", ["Lost", "States.Timeout"])
    def test_the_last_step_can_swallow_any_error(self, error: str) -> None:
        outcome, _ = execute([step("a", FUNCTION, catch=[on("States.ALL")])], {"id": 1}, a=StateError(error))
        assert (outcome.status, outcome.output) == ("SUCCEEDED", {"id": 1})


class TestChoice:
    STEPS = (
        choice(
            "How many?",
            when("{% $states.input.n > 9 %}", then=[step("many", FUNCTION, result="done")]),
            when("{% $states.input.n > 0 %}", then=[step("few", FUNCTION, result="done")]),
        ),
        step("after", FUNCTION, payload={"done": "{% $done %}"}),
    )

    @pytest.mark.parametrize(
        ("n", "way", "done"), [(10, "many", "m"), (9, "few", "f"), (1, "few", "f"), (0, None, None)]
    )
    def test_the_first_condition_that_holds_decides(self, n: int, way: str | None, done: str | None) -> None:
        _, sent = execute(self.STEPS, {"n": n}, many="m", few="f")
        assert [name for name, _ in sent] == [each for each in (way, "after") if each]
        assert sent[-1] == ("after", {"done": done})

    def test_a_condition_that_is_neither_true_nor_false_is_an_error(self) -> None:
        assert execute(self.STEPS, {"n": "many"})[0].error == "States.QueryEvaluationError"

    def test_as_the_last_step_it_ends_the_workflow_on_every_way(self) -> None:
        steps = [choice("Go on?", when("{% $states.input.go %}", then=[step("a", FUNCTION)]))]
        for go in (True, False):
            outcome, sent = execute(steps, {"go": go})
            assert (outcome.status, outcome.output, len(sent)) == ("SUCCEEDED", {"go": go}, int(go))


class TestParallel:
    @pytest.mark.parametrize("seed", range(5))
    def test_results_of_all_branches_are_there_afterwards_under_their_names(self, seed: int) -> None:
        steps = [
            step("first", FUNCTION, result="id"),
            parallel(
                "Both",
                [step("a", FUNCTION, result="left"), step("a2", FUNCTION, payload=["{% $left %}", "{% $id %}"])],
                [step("b", FUNCTION, result="right")],
            ),
            step("after", FUNCTION, payload={"l": "{% $left %}", "r": "{% $right %}"}),
        ]
        outcome, sent = execute(steps, {"in": 1}, seed=seed, first=7, a=[[1]], b={"x": []})
        assert ("a2", [[1], 7]) in sent
        assert sent[-1] == ("after", {"l": [1], "r": {"x": []}})
        assert outcome.output == {"in": 1}

    @pytest.mark.parametrize("seed", range(5))
    def test_a_failed_branch_fails_the_workflow_with_its_error(self, seed: int) -> None:
        outcome, _ = execute(
            [parallel("Both", [step("a", FUNCTION)], [step("b", FUNCTION), step("c", FUNCTION)])],
            seed=seed,
            c=StateError("Lost", "gone"),
        )
        assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "Lost", "gone")


class TestEach:
    def test_every_item_is_the_input_of_the_steps_inside(self) -> None:
        steps = [
            step("first", FUNCTION, result="who"),
            each(
                "Ship",
                items="{% $states.input.items %}",
                do=[step("a", FUNCTION, payload=["{% $states.input %}", "{% $who %}"], result="label")],
                result="labels",
            ),
            step("after", FUNCTION, payload="{% $labels.label %}"),
        ]
        _, sent = execute(steps, {"items": ["x", "y"]}, first="ada", a="ok")
        assert sorted(sent[1:3]) == [("a", ["x", "ada"]), ("a", ["y", "ada"])]
        assert sent[-1] == ("after", ["ok", "ok"])

    @pytest.mark.parametrize("items", [[], ["x"], ["x", "y", "z"]])
    def test_the_result_is_a_list_whatever_its_length(self, items: list[str]) -> None:
        steps = [
            each("Ship", items=items, do=[step("a", FUNCTION, result="label")], result="labels"),
            step("after", FUNCTION, payload="{% $labels %}"),
        ]
        _, sent = execute(steps, a="ok")
        assert sent[-1] == ("after", [{"label": "ok"}] * len(items))

    def test_only_so_many_items_run_at_once(self) -> None:
        state = define([each("Ship", items=[1], do=[step("a", FUNCTION)], max_concurrency=3)])["States"]["Ship"]
        assert state["MaxConcurrency"] == 3

    def test_distributed_items_see_nothing_from_outside(self) -> None:
        steps = [
            each(
                "Ship",
                items="{% $states.input %}",
                do=[step("a", FUNCTION, result="x")],
                distributed=True,
                result="all",
            ),
            step("after", FUNCTION, payload="{% $all %}"),
        ]
        state = define(steps)["States"]["Ship"]
        assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        assert (state["Label"], state["ToleratedFailurePercentage"]) == ("Ship", 0)
        _, sent = execute(steps, [1, 2], a="ok")
        assert sent[-1] == ("after", [{"x": "ok"}, {"x": "ok"}])


class TestWaitsAndEnds:
    def test_waits_for_seconds_or_until_a_time_computed_or_not(self) -> None:
        steps = [
            wait("one", seconds=30),
            wait("two", seconds="{% $states.input.s %}"),
            wait("three", until="2026-12-01T06:00:00Z"),
            wait("four", until="{% $states.input.t %}"),
        ]
        outcome, _ = execute(steps, {"s": 5, "t": "2027-01-01T00:00:00Z"})
        assert outcome.waited == [30, 5, "2026-12-01T06:00:00Z", "2027-01-01T00:00:00Z"]
        assert outcome.output == {"s": 5, "t": "2027-01-01T00:00:00Z"}

    def test_succeeds_with_an_output(self) -> None:
        steps = [step("a", FUNCTION, result="paid"), succeed("Done", output={"paid": "{% $paid %}"})]
        assert execute(steps, a=3)[0].output == {"paid": 3}

    def test_fails_with_a_computed_cause(self) -> None:
        steps = [fail("Out", error="{% $states.input.e %}", cause="{% 'no ' & $states.input.what %}")]
        outcome, _ = execute(steps, {"e": "Gone", "what": "more"})
        assert (outcome.error, outcome.cause) == ("Gone", "no more")


def test_no_state_hides_a_null_from_cdk() -> None:
    """CDK leaves nulls out of JSON, so a definition must say them as expressions."""
    steps = [
        choice("?", when("{% $states.input.a %}", then=[step("a", FUNCTION, result="x", payload=[None])])),
        parallel("Both", [step("b", FUNCTION, result="y", undo=FUNCTION)], [step("c", FUNCTION)]),
    ]
    assert "null" not in json.dumps(define(steps)).replace("{% null %}", "").replace(": null %}", "")


def test_every_task_has_a_timeout() -> None:
    states = states_of(define([step("a", FUNCTION, undo=FUNCTION), step("b", FUNCTION)]))
    assert {name: state["TimeoutSeconds"] for name, state in states.items() if state["Type"] == "Task"} == {
        "a": 915,
        "b": 915,
        "Undo a": 915,
    }
