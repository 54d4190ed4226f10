"""The policies of a workflow hold what its steps take, however much that is, or it is refused."""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import PropError, SecureFunction, Step, Workflow, call, run, step, wait
from constructs_lib.wiring.waiver import acknowledge
from tests.constructs.workflows import ENTRY, HOUR, granted, refused, shape
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, statements_of, template_of

LONGEST_NAME = "x" * 64  # what CloudFormation makes of a stack's and a construct's name, at the most
ACCOUNT = "arn:aws:lambda:ap-southeast-1:123456789012:function:"


def size_when_deployed(policy: dict[str, Any]) -> int:
    """Characters of a policy, once each reference is the longest ARN it can be."""
    text = json.dumps(policy["Properties"]["PolicyDocument"], separators=(",", ":"))
    return len(re.sub(r'\{"[^{}]*\}', f'"{ACCOUNT}{LONGEST_NAME}"', text))


def foreign(stack: cdk.Stack, number: int) -> lambda_.IFunction:
    """A function whose ARN only the deployment knows."""
    arn = cdk.Fn.import_value(f"Function{number}")
    return lambda_.Function.from_function_attributes(
        stack, f"Function{number}", function_arn=arn, same_environment=True
    )


def many(stack: cdk.Stack, count: int) -> list[Step]:
    return [step(f"Step {number}", foreign(stack, number)) for number in range(count)]


class TestSizes:
    def test_a_hundred_and_twenty_functions_are_all_granted_in_policies_of_valid_size(self, app: cdk.App) -> None:
        stacks = [cdk.Stack(app, f"Functions{number}") for number in range(2)]
        functions = [SecureFunction(stacks[number % 2], f"Fun{number}", entry=ENTRY) for number in range(120)]
        home = cdk.Stack(app, "Home")
        Workflow(home, "Fulfil", steps=[step(f"Step {number}", each) for number, each in enumerate(functions)])
        app.synth()
        template = template_of(home)
        invoked = {resource for action, resource in granted(template) if action == "lambda:InvokeFunction"}
        assert len(invoked) == 120
        policies = resources_of(template, "AWS::IAM::ManagedPolicy")
        assert sorted(re.sub("[0-9A-F]{8}$", "", name) for name in policies) == [
            f"FulfilIdentityBase{number}" for number in ("", "2", "3", "4")
        ]
        assert max(size_when_deployed(each) for each in policies.values()) <= 6_144
        assert findings_of(home) == []

    def test_the_state_machine_waits_for_each_of_them(self, stack: cdk.Stack) -> None:
        Workflow(stack, "Fulfil", steps=many(stack, 60))
        template = template_of(stack)
        [machine] = resources_of(template, "AWS::StepFunctions::StateMachine").values()
        policies = set(resources_of(template, "AWS::IAM::ManagedPolicy"))
        assert len(policies) == 2
        assert policies <= set(machine["DependsOn"])

    def test_what_cdk_nag_finds_is_acknowledged_in_the_policy_it_stands_in(self, stack: cdk.Stack) -> None:
        other = Workflow(stack, "Other", steps=[wait("W", seconds=1)])
        Workflow(stack, "Fulfil", steps=[*many(stack, 60), run("Run", other, timeout=HOUR)])
        assert findings_of(stack) == []

    def test_a_statement_that_no_policy_holds_is_divided_by_its_actions(self, stack: cdk.Stack) -> None:
        actions = [f"dynamodb:{'x' * 60}{number}" for number in range(200)]
        statement = iam.PolicyStatement(actions=actions, resources=["arn:aws:s3:::a/b"], sid="Read")
        Workflow(stack, "Fulfil", steps=[allowing(statement)])
        template = template_of(stack)
        assert granted(template) == {(action, "arn:aws:s3:::a/b") for action in actions}
        assert max(map(size_when_deployed, resources_of(template, "AWS::IAM::ManagedPolicy").values())) <= 6_144

    def test_grants_have_what_is_left_of_the_ten_policies(self, stack: cdk.Stack) -> None:
        workflow = Workflow(stack, "Fulfil", steps=many(stack, 60))
        statements = (
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[f"arn:aws:sqs:eu-west-1:1:{number:_>80}"])
            for number in range(400)
        )
        with pytest.raises(PropError) as caught:
            deque(map(workflow.identity.add_to_principal_policy, statements), maxlen=0)
        assert str(caught.value) == (
            "what one role may do fills more than 10 policies of 6,144 characters, and it can have no more\n"
            "  at:  Shop/Fulfil (Workflow)\n"
            "  fix: split it: it may do more than one function or workflow should"
        )
        template = template_of(stack)
        policies = resources_of(template, "AWS::IAM::ManagedPolicy").values()
        assert len(policies) == 10
        assert max(size_when_deployed(each) for each in policies) <= 6_144

    def test_refuses_more_than_ten_policies_hold(self, stack: cdk.Stack) -> None:
        assert refused(stack, *many(stack, 500)) == shape(
            "what one role may do fills more than 10 policies of 6,144 characters, and it can have no more",
            "split it: it may do more than one function or workflow should",
        )


def allowing(*statements: iam.PolicyStatement, name: str = "Call") -> Step:
    # of a service whose actions no guard knows, so that none asks why it is allowed something else
    return call(name, "aws-sdk:mediaconvert:createJob", arguments={}, allow=statements)


class TestAllow:
    @pytest.mark.parametrize(
        ("props", "what", "fix"),
        [
            (
                {"not_actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::a/b"]},
                "allow of 'Call' has a NotAction, which is everything but a few actions",
                "name the actions that the call takes",
            ),
            (
                {"actions": ["s3:GetObject"], "not_resources": ["arn:aws:s3:::a/b"]},
                "allow of 'Call' has a NotResource, which is everything but a few resources",
                "name the resources that the call takes",
            ),
            (
                {"actions": ["s3:GetObject"]},
                "allow of 'Call' has a statement without resources",
                "name the resources that the call takes",
            ),
            (
                {"resources": ["arn:aws:s3:::a/b"]},
                "allow of 'Call' has a statement without actions",
                "name the actions that the call takes",
            ),
            (
                {"actions": ["s3:*"], "resources": ["arn:aws:s3:::a/b"]},
                "allow of 'Call' has the action 's3:*'",
                "name each action that the call takes",
            ),
            (
                {
                    "actions": ["s3:GetObject"],
                    "resources": ["arn:aws:s3:::a/b"],
                    "principals": [iam.AnyPrincipal()],
                },
                "allow of 'Call' names a principal, and the principal is the workflow",
                "leave principals out",
            ),
            (
                {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::a/b"], "sid": "Read it"},
                "allow of 'Call' has the Sid 'Read it'",
                "use letters and digits",
            ),
        ],
    )
    def test_refuses_what_allows_more_than_it_names(
        self, stack: cdk.Stack, props: dict[str, Any], what: str, fix: str
    ) -> None:
        assert refused(stack, allowing(iam.PolicyStatement(**props))) == shape(what, fix)

    @pytest.mark.parametrize(
        ("allow", "what"),
        [
            (None, "allow of 'Call' is None, wanted a list of statements"),
            (iam.PolicyStatement(), "allow of 'Call' is a PolicyStatement, wanted a list of statements"),
            (["s3:GetObject"], "allow of 'Call' holds 's3:GetObject', wanted statements alone"),
        ],
    )
    def test_refuses_what_is_no_list_of_statements(self, stack: cdk.Stack, allow: Any, what: str) -> None:
        assert refused(stack, call("Call", "aws-sdk:s3:getObject", arguments={}, allow=allow)).startswith(what)

    @pytest.mark.parametrize(
        ("api", "arguments", "what"),
        [
            (5, {}, "'Call' calls 5, wanted the name of an API"),
            ("arn:aws:states:::aws-sdk:s3:getObject", {}, "wanted what follows arn:aws:states:::"),
            ("get the object", {}, "'Call' calls 'get the object', which Step Functions does not have"),
            ("aws-sdk:s3:getObject.sync", {}, "calls 'aws-sdk:s3:getObject.sync', which Step Functions does not have"),
            ("aws-sdk:s3:getObject", [], "the arguments of 'Call' are a list, wanted a dictionary"),
        ],
    )
    def test_refuses_what_is_no_call(self, stack: cdk.Stack, api: Any, arguments: Any, what: str) -> None:
        assert what in refused(stack, call("Call", api, arguments=arguments, allow=[]))

    def test_no_two_statements_have_one_sid(self, stack: cdk.Stack) -> None:
        one, two, three, four = (
            iam.PolicyStatement(sid=sid, actions=[f"s3:Get{number}"], resources=["arn:aws:s3:::a/b"])
            for number, sid in enumerate(["Read", "Read", "DeliverLogs", "Read2"])
        )
        Workflow(stack, "Fulfil", steps=[allowing(one, four), allowing(two, three, name="Again")])
        sids = {each["Action"]: each["Sid"] for each in statements_of(template_of(stack)) if "s3" in each["Action"]}
        assert sids == {"s3:Get0": "Read", "s3:Get3": "Read2", "s3:Get1": "Read3", "s3:Get2": "DeliverLogs2"}

    def test_any_resource_of_the_users_own_is_not_acknowledged_with_that_of_the_logs(self, stack: cdk.Stack) -> None:
        statement = iam.PolicyStatement(actions=["textract:DetectDocumentText"], resources=["*"])
        workflow = Workflow(stack, "Fulfil", steps=[allowing(statement), *many(stack, 2)])
        assert ("textract:DetectDocumentText", "*") in permissions_of(template_of(stack), "FulfilIdentityRole")
        assert findings_of(stack) == ["AwsSolutions-IAM5[Resource::*]"]
        acknowledge(workflow.identity.base_policies[1], "it knows no resources", "AwsSolutions-IAM5[Resource::*]")
        assert findings_of(stack) == []

    def test_a_wildcard_of_the_users_own_is_not_acknowledged(self, stack: cdk.Stack) -> None:
        statement = iam.PolicyStatement(
            actions=["logs:PutLogEvents"], resources=["arn:aws:logs:eu-west-1:123456789012:log-group:a:*"]
        )
        Workflow(stack, "Fulfil", steps=[allowing(statement)])
        assert any("log-group:a:*" in str(each) for each in findings_of(stack))


class TestLogGroups:
    def names(self, stack: cdk.Stack) -> list[str]:
        groups = resources_of(template_of(stack), "AWS::Logs::LogGroup").values()
        return sorted(each["Properties"]["LogGroupName"] for each in groups)

    def test_workflows_whose_places_look_alike_have_log_groups_of_their_own(self, stack: cdk.Stack) -> None:
        steps = [wait("W", seconds=1)]
        Workflow(stack, "Pay-Out", steps=steps)
        Workflow(Construct(stack, "Pay"), "Out", steps=steps)
        Workflow(stack, "Pay Out", steps=steps)
        assert self.names(stack) == [
            "/aws/vendedlogs/states/Shop/Pay-Out",
            "/aws/vendedlogs/states/Shop/Pay-Out-0e0622c8",
            "/aws/vendedlogs/states/Shop/Pay-Out-f08e13bc",
        ]

    def test_the_name_is_as_long_as_cloudwatch_takes(self, stack: cdk.Stack) -> None:
        scope: Construct = stack
        for part in ("a" * 200, "b" * 200, "c" * 200):
            scope = Construct(scope, part)
        Workflow(scope, "Fulfil", steps=[wait("W", seconds=1)])
        [name] = self.names(stack)
        assert len(name) <= 512
