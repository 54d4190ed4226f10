"""Expressions that would fail in the first execution that comes by, refused at synth."""

from __future__ import annotations

import aws_cdk as cdk
import pytest

from constructs_lib import (
    SecureFunction,
    Workflow,
    each,
    step,
    wait,
)
from tests.constructs.workflows import refused, shape


class TestRefusals:
    def test_an_expression_that_reads_what_no_step_sets(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert refused(
            stack, step("A", function, result="payment"), wait("W", seconds="{% $paymant.delay %}")
        ) == shape(
            "'W' reads $paymant, which no step before it sets, there is $payment: did you mean payment?",
            'name a result: step(..., result="paymant")',
        )

    def test_an_expression_that_reads_what_is_set_later(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'W' reads $late" in refused(stack, wait("W", seconds="{% $late %}"), step("A", function, result="late"))

    def test_an_expression_that_reads_what_only_one_item_has(self, stack: cdk.Stack, function: SecureFunction) -> None:
        steps = [each("All", items=[1], do=[step("A", function, result="x")]), wait("W", seconds="{% $x %}")]
        assert "'W' reads $x, which no step before it sets" in refused(stack, *steps)

    def test_a_distributed_item_that_reads_what_is_outside(self, stack: cdk.Stack, function: SecureFunction) -> None:
        inside = step("B", function, payload="{% $x %}")
        steps = [step("A", function, result="x"), each("All", items=[1], do=[inside], distributed=True)]
        assert "'B' reads $x, which no step before it sets, there is none" in refused(stack, *steps)

    @pytest.mark.parametrize(
        "text",
        [
            "{% $sum($states.input.n) %}",
            "{% $map($states.input.n, $uppercase) %}",
            "{% ($x := 1; $x + 1) %}",
            "{% $map($states.input.n, function($one, $two) { $one + $two }) %}",
            "{% '$text' & \"$text\" /* $comment */ %}",
            "{% $states.input.`$field` %}",
        ],
    )
    def test_accepts_what_is_no_variable_of_the_workflow(self, stack: cdk.Stack, text: str) -> None:
        assert Workflow(stack, "Fulfil", steps=[wait("W", seconds=text)])

    @pytest.mark.parametrize("text", ["Order {% $states.input.id %}", "{% $states.input.id", "{% 1 %} "])
    def test_a_string_that_only_looks_like_an_expression(
        self, stack: cdk.Stack, function: SecureFunction, text: str
    ) -> None:
        assert f"'A' holds {text!r}, which Step Functions would not evaluate" in refused(
            stack, step("A", function, payload={"deep": [text]})
        )

    @pytest.mark.parametrize("name", ["1st", "a-b", "undo_x", "states", "result", "a__b", ""])
    def test_a_result_with_a_name_that_is_not_free(self, stack: cdk.Stack, function: SecureFunction, name: str) -> None:
        assert f"'A' names its result {name!r}" in refused(stack, step("A", function, result=name))

    def test_a_result_that_is_set_twice(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'B' sets 'x', which is set already" in refused(
            stack, step("A", function, result="x"), step("B", function, result="x")
        )
