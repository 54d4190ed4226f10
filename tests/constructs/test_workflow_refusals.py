"""Recipes that do not lead anywhere, or whose steps cannot be told apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events

from constructs_lib import (
    DynamoTable,
    PropError,
    SecureFunction,
    Step,
    Workflow,
    choice,
    each,
    fail,
    get_item,
    parallel,
    put_event,
    put_item,
    step,
    succeed,
    update_item,
    wait,
    when,
)
from tests.constructs.workflows import refused, shape

# What a type checker would refuse, given by somebody who has none.
YES: Any = "yes"
FIVE: Any = 5


class TestRefusals:
    def test_a_step_that_is_never_reached(self, stack: cdk.Stack) -> None:
        assert refused(stack, fail("Out", error="Out", cause="out"), wait("After", seconds=1)) == shape(
            "'After' is never reached: 'Out' always ends before it", "remove 'After', or give 'Out' a way on"
        )

    def test_a_step_after_a_choice_that_always_ends(self, stack: cdk.Stack) -> None:
        ends = choice("?", when("{% true %}", then=[succeed("Done")]), otherwise=[fail("Out", error="O", cause="o")])
        assert "'After' is never reached: '?' always ends" in refused(stack, ends, wait("After", seconds=1))

    def test_a_step_after_a_branch_that_always_fails(self, stack: cdk.Stack) -> None:
        both = parallel("Both", [fail("Out", error="O", cause="o")], [wait("W", seconds=1)])
        assert "'After' is never reached: 'Both' always ends" in refused(stack, both, wait("After", seconds=1))

    def test_what_undoes_a_step_after_which_nothing_can_fail(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert refused(stack, step("Last", function, undo=function), wait("W", seconds=1)) == shape(
            "'Undo Last' is never reached: nothing after 'Last' can fail", "leave undo out of 'Last'"
        )

    def test_two_steps_of_one_name(self, stack: cdk.Stack) -> None:
        inside = parallel("Both", [wait("W", seconds=1)], [wait("W", seconds=2)])
        assert refused(stack, inside) == shape("2 steps are called 'W'", "give each step a name of its own")

    def test_one_step_used_twice(self, stack: cdk.Stack) -> None:
        once = wait("W", seconds=1)
        assert "2 steps are called 'W'" in refused(stack, once, once)

    def test_a_step_called_like_what_undoes_another(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "2 steps are called 'Undo A'" in refused(
            stack, step("A", function, undo=function), step("Undo A", function)
        )

    @pytest.mark.parametrize("name", ["Begin", "Fail with the first error", "Both: 1: done", "X: begin", "X: done?"])
    def test_a_name_that_a_state_of_the_library_may_have(self, stack: cdk.Stack, name: str) -> None:
        assert f"{name!r} is what a state of this library may be called" in refused(stack, wait(name, seconds=1))

    @pytest.mark.parametrize(
        ("first", "name", "which"),
        [
            (lambda function: parallel("A", [step("B", function, result="b")]), "A: 1", "branch 1"),
            (lambda function: each("A", items=[1], do=[step("B", function, result="b")]), "A: item", "each item"),
        ],
    )
    def test_a_name_that_a_branch_or_an_item_has(
        self, stack: cdk.Stack, function: SecureFunction, first: Callable[[SecureFunction], Step], name: str, which: str
    ) -> None:
        last = choice(name, when("{% true %}", then=[wait("W", seconds=1)]))
        assert refused(stack, first(function), last) == shape(
            f"a step is called {name!r}, and so is {which} of 'A'", "choose another name for one"
        )
        assert Workflow(stack, "Accepted", steps=[first(function), choice(f"{name}?", *last.ways)])

    @pytest.mark.parametrize("name", ["two\nlines", "nul\0", "half \ud800"])
    def test_a_name_that_cannot_be_seen(self, stack: cdk.Stack, name: str) -> None:
        assert refused(stack, wait(name, seconds=1)) == shape(
            f"the name {name!r} has characters that nobody can see", "write it in one line of text"
        )

    @pytest.mark.parametrize("kind", ["parallel", "each"])
    def test_steps_nested_too_deeply_to_be_written(self, stack: cdk.Stack, function: SecureFunction, kind: str) -> None:
        inside: list[Step] = [step("S", function, undo=function), wait("W", seconds="{% 1 %}")]
        for number in range(20):
            name = f"P{number}"
            inside = [parallel(name, inside) if kind == "parallel" else each(name, items=[1], do=inside)]
        assert Workflow(stack, "Accepted", steps=[*inside, step("Last", function)])
        assert refused(stack, parallel("Around", inside)) == shape(
            "'P0' stands in 20 steps, one in another, and could not be written",
            "let an inner part be a workflow of its own: run(...)",
        )

    def test_values_nested_too_deeply_to_be_written(self, stack: cdk.Stack, function: SecureFunction) -> None:
        value: Any = 1
        for _ in range(20_000):
            value = [value]
        assert refused(stack, step("A", function, payload=value)) == shape(
            "steps or values are nested too deeply to be written",
            "let an inner part be a workflow of its own: run(...)",
        )

    def test_a_definition_larger_than_step_functions_takes(self, stack: cdk.Stack, function: SecureFunction) -> None:
        text = refused(stack, step("A", function, payload="ü" * 530_000))
        assert re.match(r"the definition has 106\d{4} bytes, wanted 1048576 at most\n", text)

    @pytest.mark.parametrize("long", [257, 0])
    def test_an_end_whose_error_or_cause_is_too_long_or_empty(self, stack: cdk.Stack, long: int) -> None:
        cause = "c" * 32_769 if long else ""
        text = refused(stack, fail("F", error="e" * long, cause=cause))
        assert f"the error of 'F' has {long} characters, wanted 1 to 256" in text
        assert f"the cause of 'F' has {len(cause)} characters, wanted 1 to 32768" in text

    def test_accepts_an_end_whose_expression_is_longer_than_what_it_says(self, stack: cdk.Stack) -> None:
        assert Workflow(stack, "Fulfil", steps=[fail("F", error=f"{{% 'E' /* {'why' * 100} */ %}}", cause="c")])

    @pytest.mark.parametrize("name", ["", " ", "x" * 66])
    def test_a_name_that_is_too_short_or_too_long(self, stack: cdk.Stack, name: str) -> None:
        assert f"has {len(name)} characters, wanted 1 to 60" in refused(stack, wait(name, seconds=1))

    def test_no_steps(self, stack: cdk.Stack) -> None:
        assert "steps is empty: there is nothing to do" in refused(stack)

    @pytest.mark.parametrize(
        ("dangling", "text"),
        [
            (parallel("Both", []), "branch 1 of 'Both' leads nowhere"),
            (parallel("Both"), "'Both' has no branches"),
            (choice("If?"), "'If?' has no way to go"),
            (each("All", items=[1], do=[]), "'All' does nothing with its items"),
        ],
    )
    def test_a_step_that_leads_nowhere(self, stack: cdk.Stack, dangling: Step, text: str) -> None:
        assert text in refused(stack, dangling)

    def test_an_event_whose_source_is_computed(self, stack: cdk.Stack) -> None:
        event = put_event("Say", events.EventBus(stack, "Bus"), source="{% $states.input.s %}", detail_type="X")
        assert "'Say' computes its source" in refused(stack, event)

    @pytest.mark.parametrize(
        ("event", "what"),
        [
            ({"source": "aws.s3"}, "'Say' has the source 'aws.s3', and only AWS may speak for itself"),
            ({"source": ""}, "'Say' has an empty source"),
            ({"detail_type": ""}, "'Say' has an empty detail_type"),
            ({"source": 5}, "the source of 'Say' is 5, wanted text"),
            ({"detail": "text"}, "'Say' has the detail 'text', and EventBridge takes dictionaries"),
            ({"detail": [1]}, "'Say' has the detail a list, and EventBridge takes dictionaries"),
        ],
    )
    def test_an_event_that_no_bus_takes(self, stack: cdk.Stack, event: dict[str, Any], what: str) -> None:
        stated: dict[str, Any] = {"source": "shop", "detail_type": "Placed", **event}
        assert what in refused(stack, put_event("Say", events.EventBus(stack, "Bus"), **stated))

    @pytest.mark.parametrize(
        ("make", "what"),
        [
            (lambda table: get_item("T", table, {}), "'T' has an empty key"),
            (
                lambda table: get_item("T", table, {"id": "1"}, consistent=YES),
                "'T' has consistent='yes', wanted True",
            ),
            (lambda table: update_item("T", table, {"id": "1"}, update=""), "'T' has an empty update"),
            (lambda table: put_item("T", table, {}), "'T' has an empty item"),
            (lambda table: put_item("T", table, {"id": "1"}, condition=""), "'T' has an empty condition"),
            (lambda table: put_item("T", table, {"id": "1"}, names={}), "'T' has an empty names"),
            (lambda table: put_item("T", table, {"id": "1"}, values={}), "'T' has an empty values"),
            (
                lambda table: update_item("T", table, {"id": "1"}, update="REMOVE x", returned=YES),
                "'T' has returned='yes', wanted one of ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW",
            ),
            (
                lambda table: update_item("T", table, {"id": "1"}, update="REMOVE #x", names=YES),
                "the names of 'T' are no names of attributes",
            ),
            (
                lambda table: update_item("T", table, {"id": "1"}, update="REMOVE #x", names={"#x": FIVE}),
                "the names of 'T' are no names of attributes",
            ),
        ],
    )
    def test_what_no_table_takes(self, stack: cdk.Stack, make: Callable[[Any], Step], what: str) -> None:
        assert refused(stack, make(DynamoTable(stack, "Orders", partition_key="id"))).startswith(what)

    def test_an_item_whose_type_cannot_be_told(self, stack: cdk.Stack) -> None:
        table = DynamoTable(stack, "Orders", partition_key="id")
        with pytest.raises(PropError) as caught:
            put_item("Save", table, {"lines": [1, 2]})
        assert str(caught.value) == (
            "lines is [1, 2], which has no type that DynamoDB could be told\n"
            "  at:  step 'Save'\n"
            '  fix: write it as DynamoDB does: {"M": {...}}, {"L": [...]}, {"SS": [...]}'
        )

    def test_success_inside_a_branch(self, stack: cdk.Stack) -> None:
        assert "'Done' would end one branch or item, not the workflow" in refused(
            stack, parallel("Both", [succeed("Done")], [wait("W", seconds=1)])
        )

    def test_the_output_of_a_standard_workflow_asked_for_at_once(
        self, stack: cdk.Stack, function: SecureFunction
    ) -> None:
        workflow = Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)])
        with pytest.raises(PropError, match="sync=True asks for the output of a standard workflow"):
            workflow.grant_start(function, sync=True)

    def test_everything_wrong_is_said_at_once(self, stack: cdk.Stack) -> None:
        text = refused(stack, wait("W"), wait("W"), parallel("Both", []), tracing=False)
        assert text.count("\n  fix: ") == 5

    def test_tracing_waived_without_a_reason(self, stack: cdk.Stack) -> None:
        assert 'say why: tracing=Waived("...")' in refused(stack, wait("W", seconds=1), tracing=False)
