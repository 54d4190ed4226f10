"""What the role of a workflow may do: its steps, its logs, its traces; and what in it cannot name a resource."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from constructs_lib.workflow_steps.bucket_items import BucketItems
from constructs_lib.workflow_steps.recipe_check import distributed_in
from constructs_lib.workflow_steps.states import label_of
from constructs_lib.workflow_steps.step import Step, Task, all_steps
from constructs_lib.workflow_steps.tasks import executions_of

if TYPE_CHECKING:
    from aws_cdk import aws_stepfunctions as sfn
    from constructs import Construct

NO_RESOURCE_LEVEL = (
    "log delivery and X-Ray have no resource-level permissions for what a state machine needs: both accept only the "
    "resource *, https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html and "
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html"
)
EXECUTIONS_REASON = (
    "the names of executions are chosen when they start; the policy names the one state machine they belong to, "
    "https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html"
)


def task_statements(scope: Construct, steps: Sequence[Step]) -> list[iam.PolicyStatement]:
    """One statement for each kind of action, with the resources of all steps that take it."""
    grouped: dict[str, tuple[iam.PolicyStatement, list[str]]] = {}
    for statement in _statements_of(scope, steps):
        text = statement.to_statement_json()
        kind = json.dumps([text["Action"], text.get("Condition"), text["Effect"]], default=str, sort_keys=True)
        resources = grouped.setdefault(kind, (statement, []))[1]
        resources += statement.resources
    return [each.copy(resources=resources) for each, resources in grouped.values()]


def distributed_statements(
    scope: Construct, machine: sfn.StateMachine, steps: Sequence[Step]
) -> list[iam.PolicyStatement]:
    """What starting a workflow's own items takes.

    https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    """
    labels = [label_of(each.name) for each in distributed_in(steps)]
    if not labels:
        return []
    name = machine.state_machine_name
    return [
        iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine.state_machine_arn]),
        iam.PolicyStatement(
            actions=["states:DescribeExecution", "states:StopExecution"], resources=[executions_of(scope, name)]
        ),
        iam.PolicyStatement(
            actions=["states:RedriveExecution"],
            resources=[executions_of(scope, name, f"/{label}") for label in labels],
        ),
    ]


def log_statement() -> iam.PolicyStatement:
    """Deliver logs; alone in its statement, so that the wildcard covers nothing else.

    https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
    """
    return iam.PolicyStatement(
        sid="DeliverLogs",
        actions=[
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ],
        resources=["*"],
    )


def trace_statement() -> iam.PolicyStatement:
    """Send traces, and ask how many; alone in its statement.

    https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
    """
    return iam.PolicyStatement(
        sid="SendTraces",
        actions=[
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ],
        resources=["*"],
    )


def execution_findings(scope: Construct, statements: Sequence[iam.PolicyStatement]) -> list[str]:
    """What cdk-nag says about statements on executions, whose names end in a wildcard."""
    about_executions = [each for each in statements if all(action.startswith("states:") for action in each.actions)]
    resources = [resource for each in about_executions for resource in each.resources if resource.endswith(":*")]
    return sorted({f"AwsSolutions-IAM5[Resource::{flat(cdk.Stack.of(scope).resolve(each))}]" for each in resources})


def _statements_of(scope: Construct, steps: Sequence[Step]) -> list[iam.PolicyStatement]:
    found: list[iam.PolicyStatement] = []
    for step in all_steps(steps):
        if isinstance(step, Task):
            found += step.statements(scope)
    for each in distributed_in(steps):
        if isinstance(each.items, BucketItems):
            found += each.items.statements(scope)
    return found


def flat(value: Any) -> str:
    """A resolved ARN as cdk-nag writes it: `arn:<AWS::Partition>:states:...`."""
    match value:
        case {"Fn::Join": ["", list(parts)]}:
            return "".join(flat(part) for part in parts)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::ImportValue": str(name)}:
            return name
        case Mapping() if "Ref" in value:
            return f"<{value['Ref']}>"
        case _:
            return str(value)
