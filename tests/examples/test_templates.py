"""The example stacks, whole: what is deployed, what may be done, what the auditors say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import cdk_nag
import pytest
from syrupy.extensions.json import JSONSnapshotExtension

from app import compose
from tests.templates import permissions_of, resources_of, statements_of

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

STACKS = ["Greeting", "Users"]
ASSET = re.compile(r"[0-9a-f]{64}(?=\.(zip|json))")

NO_RESOURCE_LEVEL = (
    "X-Ray has no resource-level permissions: PutTraceSegments and PutTelemetryRecords accept only the resource *, "
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html"
)
SYNCHRONOUS = (
    "API Gateway invokes this function synchronously and answers the caller with its failure; a dead-letter queue "
    "receives asynchronous events only, https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
)
FUNCTIONS = ["Greeting/Greet", "Users/CreateUser", "Users/DeleteUser", "Users/ListUsers", "Users/ReadUser"]

# Every acknowledged finding of the examples: where, which, why. Nothing is acknowledged anywhere else.
ACKNOWLEDGED = {
    ("Greeting/Greet/Route", "AwsSolutions-APIG4", "a demonstration: it greets anybody and keeps nothing"),
    *((f"{path}/Identity/Base", "AwsSolutions-IAM5[Resource::*]", NO_RESOURCE_LEVEL) for path in FUNCTIONS),
    *((f"{path}/Function", "Serverless-LambdaDLQ", SYNCHRONOUS) for path in FUNCTIONS),
}


@pytest.mark.parametrize("name", STACKS)
def test_template_is_as_it_was_reviewed(
    templates: dict[str, dict[str, Any]], name: str, snapshot: SnapshotAssertion
) -> None:
    normalised = json.loads(ASSET.sub("[asset]", json.dumps(templates[name])))
    assert normalised == snapshot(extension_class=JSONSnapshotExtension)


def test_templates_are_the_same_without_the_recommended_flags(
    templates: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    bare = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    compose(bare)
    bare.synth()
    for name, template in templates.items():
        assert json.loads((tmp_path / f"{name}.template.json").read_text()) == template


def test_every_stack_has_a_snapshot(templates: dict[str, dict[str, Any]]) -> None:
    assert sorted(templates) == STACKS


@pytest.mark.parametrize("pack", [cdk_nag.AwsSolutionsChecks, cdk_nag.ServerlessChecks])
@pytest.mark.parametrize("name", STACKS)
def test_cdk_nag_finds_nothing(example_app: cdk.App, name: str, pack: type[Any]) -> None:
    report = pack().validate_scope(example_app.node.find_child(name))
    assert [violation.rule_name for violation in report.violations] == []


def test_the_packs_see_what_is_acknowledged() -> None:
    """The twin of the test above: without the acknowledgement the same pack does complain."""
    app = cdk.App(analytics_reporting=False)
    stack = cdk.Stack(app, "Bare")
    cdk.aws_iam.ManagedPolicy(
        stack,
        "Policy",
        statements=[cdk.aws_iam.PolicyStatement(actions=["xray:PutTraceSegments"], resources=["*"])],
    )
    report = cdk_nag.AwsSolutionsChecks().validate_scope(stack)
    assert [violation.rule_name for violation in report.violations] == ["AwsSolutions-IAM5[Resource::*]"]


def test_acknowledgements_stand_in_one_list_each_at_its_resource(example_app: cdk.App) -> None:
    found = {
        (node.node.path, str(finding).removeprefix("Annotation::"), str(reason))
        for node in example_app.node.find_all()
        for entry in node.node.metadata
        if entry.type == "aws:cdk:acknowledged-rules"
        for finding, reason in entry.data.items()
    }
    assert found == ACKNOWLEDGED


def test_each_route_of_the_users_app_may_do_one_thing_to_the_table(templates: dict[str, dict[str, Any]]) -> None:
    template = templates["Users"]
    [table] = resources_of(template, "AWS::DynamoDB::Table")
    for function, action in {
        "CreateUser": "PutItem",
        "ReadUser": "GetItem",
        "ListUsers": "Scan",
        "DeleteUser": "DeleteItem",
    }.items():
        [logs] = [each for each in resources_of(template, "AWS::Logs::LogGroup") if each.startswith(f"{function}Logs")]
        assert permissions_of(template, f"{function}IdentityRole") == {
            (f"dynamodb:{action}", f"{table}.Arn"),
            ("logs:CreateLogStream", f"{logs}.Arn"),
            ("logs:PutLogEvents", f"{logs}.Arn"),
            ("xray:PutTelemetryRecords", "*"),
            ("xray:PutTraceSegments", "*"),
        }


def test_the_greeting_may_do_nothing_but_log_and_trace(templates: dict[str, dict[str, Any]]) -> None:
    template = templates["Greeting"]
    [logs] = [each for each in resources_of(template, "AWS::Logs::LogGroup") if each.startswith("GreetLogs")]
    assert permissions_of(template, "GreetIdentityRole") == {
        ("logs:CreateLogStream", f"{logs}.Arn"),
        ("logs:PutLogEvents", f"{logs}.Arn"),
        ("xray:PutTelemetryRecords", "*"),
        ("xray:PutTraceSegments", "*"),
    }


@pytest.mark.parametrize("name", STACKS)
def test_no_statement_has_a_wildcard_action_or_shares_a_wildcard_resource(
    templates: dict[str, dict[str, Any]], name: str
) -> None:
    for statement in statements_of(templates[name]):
        assert "*" not in json.dumps(statement["Action"])
        if statement["Resource"] == "*":
            assert statement["Action"] == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]


@pytest.mark.parametrize("name", STACKS)
def test_no_custom_resource_and_no_policy_of_aws(templates: dict[str, dict[str, Any]], name: str) -> None:
    template = templates[name]
    kinds = {each["Type"] for each in template["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith(("Custom::", "AWS::CloudFormation::CustomResource"))]
    assert "AWS::IAM::Policy" not in kinds
    assert ":iam::aws:policy/" not in json.dumps(template)
