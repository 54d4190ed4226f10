"""Circles of references: CloudFormation finds them when it deploys, and the rule before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from constructs_lib import Iam, SecureApi, SecureApiFunction
from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.rules import rule_of
from constructs_lib.wiring.nested_functions import part_of
from tests.guards.rules.judged import arn, judged, ref, resource

if TYPE_CHECKING:
    from constructs import Construct

ID = "resources-wait-in-no-circle"
QUEUE, ENTRY = "AWS::SQS::Queue", "lambda_src/greeting/greet.ts"


def test_refuses_a_circle_however_it_refers() -> None:
    resources = {
        "A": resource(QUEUE, A=arn("B")),
        "B": resource(QUEUE, B=[{"Fn::Join": ["", ["x", ref("C")]]}]),
        "C": resource(QUEUE, C={"Fn::Sub": "x ${D.Arn} ${!A} ${AWS::Region}"}),
        "D": {**resource(QUEUE, D={"Fn::Sub": ["${A}", {"A": "no resource"}]}), "DependsOn": "B"},
    }
    assert judged(ID, resources) == [
        (
            "error: B -> C -> D -> B wait for each other, and CloudFormation makes none of them\n"
            "  at:  Shop/B (AWS::SQS::Queue)\n"
            "  fix: leave out one of the references, or let a resource of its own hold it, as a policy stands beside "
            "its role"
        )
    ]


def test_an_alias_waits_for_the_group_that_moves_it() -> None:
    moved = {"CodeDeployLambdaAliasUpdate": {"ApplicationName": "a", "DeploymentGroupName": ref("Group")}}
    resources = {
        "Live": {**resource("AWS::Lambda::Alias", FunctionName="f"), "UpdatePolicy": moved},
        "Group": resource("AWS::CodeDeploy::DeploymentGroup", Alarms=[ref("Alarm")]),
        "Alarm": resource("AWS::CloudWatch::Alarm", Dimensions=[{"Name": "Stage", "Value": ref("Stage")}]),
        "Stage": resource("AWS::ApiGateway::Stage", Uri=ref("Live")),
    }
    [found] = judged(ID, resources)
    assert found.startswith("error: Alarm -> Stage -> Live -> Group -> Alarm wait for each other")


def test_refuses_each_circle_once_and_what_waits_for_itself() -> None:
    resources = {
        **{name: resource(QUEUE, To=ref(to)) for name, to in ("AB", "BA", "CD", "DC")},
        "Itself": resource(QUEUE, To={"Fn::GetAtt": "Itself.Arn"}),
        "Behind": resource(QUEUE, To=ref("A")),
    }
    found = [each.partition(" wait")[0] for each in judged(ID, resources)]
    assert sorted(found) == ["error: A -> B -> A", "error: C -> D -> C", "error: Itself and itself"]


def test_accepts_what_comes_one_after_the_other() -> None:
    resources = {
        "Role": resource("AWS::IAM::Role"),
        "Policy": resource("AWS::IAM::Policy", Roles=[ref("Role")], On=arn("Function")),
        "Function": {**resource("AWS::Lambda::Function", Role=arn("Role"), P=ref("Role")), "Metadata": ref("Policy")},
    }
    assert judged(ID, resources, Outputs={"Out": {"Value": arn("Policy")}}) == []


def test_does_not_know_what_a_condition_decides() -> None:
    conditions = {"IsProd": {"Fn::Equals": [ref("Stage"), "prod"]}}
    parameters = {"Stage": {"Type": "String"}}
    by_if = {"A": resource(QUEUE, To={"Fn::If": ["IsProd", ref("B"), "none"]}), "B": resource(QUEUE, To=ref("A"))}
    by_condition = {"A": {**resource(QUEUE, To=ref("B")), "Condition": "IsProd"}, "B": resource(QUEUE, To=ref("A"))}
    for resources in (by_if, by_condition):
        [told] = judged(ID, resources, Conditions=conditions, Parameters=parameters)
        assert told.startswith("unknown: "), told
        assert "a condition may leave one of them out" in told


def test_tells_a_circle_for_sure_beside_one_that_a_condition_may_open() -> None:
    resources = {
        "A": resource(QUEUE, To={"Fn::If": ["IsProd", ref("B"), "none"]}, Always=ref("C")),
        "B": resource(QUEUE, To=ref("A")),
        "C": resource(QUEUE, To=ref("A")),
    }
    [found] = judged(ID, resources, Conditions={"IsProd": {"Fn::Equals": ["a", "b"]}})
    assert found.startswith("error: A -> C -> A wait for each other")


def test_functions_of_one_nested_stack_that_need_each_other_by_way_of_a_workflow(tmp_path: Path) -> None:
    def shop(folder: Path, *, apart: bool) -> list[str]:
        app = cdk.App(outdir=str(folder), analytics_reporting=False)
        stack = cdk.Stack(app, "Shop")
        api = SecureApi(stack, "Api", auth=Iam(), nest_functions=True)
        own: Construct = cdk.NestedStack(stack, "Own") if apart else stack
        pay = SecureApiFunction(own, "Pay", api=api, route="POST /pay", entry=ENTRY)
        beside = next(f"Start{number}" for number in range(999) if part_of(f"Start{number}") == part_of("Pay"))
        start = SecureApiFunction(stack, beside, api=api, route="POST /start", entry=ENTRY)
        task = tasks.LambdaInvoke(stack, "Paying", lambda_function=pay.function)
        flow = sfn.StateMachine(stack, "Flow", definition_body=sfn.DefinitionBody.from_chainable(task))
        flow.grant_start_execution(start)
        seen = cdk.Acknowledgment(id=f"ServerlessGuards::{ID}", reason="looked at below")
        cdk.Validations.of(flow).acknowledge(seen)
        app.synth()
        return [str(each).replace(beside, "Start") for each in rule_of(ID)(Assembly.read(folder))]

    [found] = shop(tmp_path / "together", apart=False)
    number = f"{part_of('Pay'):02}"
    assert found == (
        f"Shop/Api/Part{number} -> Shop/Flow -> Shop/Api/Part{number} wait for each other, and CloudFormation makes "
        "none of them\n"
        "  at:  Shop/Flow (AWS::StepFunctions::StateMachine)\n"
        "  fix: a nested stack is made as one: define one of them (Pay, Start) outside of it, or in a nested stack of "
        "its own"
    )
    assert shop(tmp_path / "apart", apart=True) == [], "the fix works as it is written"
