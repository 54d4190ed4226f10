"""Which functions a workflow answers for, however they are reached."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn

from constructs_lib import (
    PropError,
    SecureFunction,
    Workflow,
    choice,
    each,
    on,
    parallel,
    run,
    start,
    step,
    wait,
    when,
)

ENTRY = "lambda_src/greeting/greet.ts"
HOUR = cdk.Duration.hours(1)


def functions(stack: cdk.Stack, *names: str) -> list[SecureFunction]:
    return [SecureFunction(stack, name, entry=ENTRY) for name in names]


def names_of(workflow: Workflow) -> list[str]:
    return sorted(function.node.id for function in workflow.functions)


def test_finds_functions_of_steps_of_all_kinds_and_of_what_undoes_them(stack: cdk.Stack) -> None:
    one, two, three, four, five, six, seven = functions(stack, "A", "B", "C", "D", "E", "F", "G")
    workflow = Workflow(
        stack,
        "Fulfil",
        steps=[
            step("one", one, undo=two),
            choice("?", when("{% true %}", then=[step("three", three, catch=[on("Busy", do=[step("four", four)])])])),
            parallel(
                "both", [step("five", five)], [each("all", items=[1], do=[step("six", six, undo=step("7", seven))])]
            ),
            step("last", one),
        ],
    )
    assert names_of(workflow) == ["A", "B", "C", "D", "E", "F", "G"]
    assert isinstance(workflow.functions, tuple)


def test_finds_functions_of_workflows_inside_of_workflows_each_once(stack: cdk.Stack) -> None:
    one, two, three, four = functions(stack, "A", "B", "C", "D")
    innermost = Workflow(stack, "Innermost", steps=[step("a", one), step("b", two)])
    inner = Workflow(stack, "Inner", steps=[step("c", three), run("run", innermost, timeout=HOUR)])
    outer = Workflow(
        stack,
        "Outer",
        steps=[
            step("d", four, undo=start("Undo d", inner)),
            each("all", items=[1], do=[start("start", innermost)]),
            step("e", one),
        ],
    )
    assert names_of(innermost) == ["A", "B"]
    assert names_of(inner) == ["A", "B", "C"]
    assert names_of(outer) == ["A", "B", "C", "D"]


def test_a_version_an_alias_and_the_l2_stand_for_their_function(stack: cdk.Stack) -> None:
    one, two, three = functions(stack, "A", "B", "C")
    version = lambda_.Version(stack, "Version", lambda_=one.function)
    alias = lambda_.Alias(
        stack, "Alias", alias_name="live", version=lambda_.Version(stack, "Two", lambda_=two.function)
    )
    workflow = Workflow(stack, "Fulfil", steps=[step("a", version), step("b", alias), step("c", three.function)])
    assert names_of(workflow) == ["A", "B", "C"]


def test_finds_nothing_where_none_is_of_this_library(stack: cdk.Stack) -> None:
    foreign = lambda_.Function.from_function_arn(stack, "Foreign", "arn:aws:lambda:eu-west-1:123456789012:function:f")

    class Other:
        state_machine = sfn.StateMachine.from_state_machine_arn(
            stack, "Other", "arn:aws:states:eu-west-1:123456789012:stateMachine:m"
        )

    workflow = Workflow(stack, "Fulfil", steps=[step("a", foreign), start("b", Other()), wait("c", seconds=1)])
    assert workflow.functions == ()


def test_a_variable_on_a_function_of_a_workflow_inside_would_close_a_cycle(stack: cdk.Stack) -> None:
    [one] = functions(stack, "A")
    inner = Workflow(stack, "Inner", steps=[step("a", one)])
    outer = Workflow(stack, "Outer", steps=[start("b", inner)])
    with pytest.raises(PropError) as caught:
        outer.grant_start(one, env="OUTER")
    assert str(caught.value) == (
        "env='OUTER' on a function of the workflow itself closes a cycle: each needs the other's ARN\n"
        "  at:  Shop/Outer (Workflow)\n"
        '  fix: leave env out, and send the ARN in the payload: "{% $states.context.StateMachine.Id %}"'
    )
