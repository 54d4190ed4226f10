"""What the tests of workflows share: how to read one, and how one is refused."""

from __future__ import annotations

import json
import re
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import (
    PropError,
    Step,
    Workflow,
)
from tests.constructs.workflow_structure import problems_of
from tests.templates import permissions_of, resources_of, show

ENTRY = "lambda_src/greeting/greet.ts"
HOUR = cdk.Duration.hours(1)
RULE = ":rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"

OWN = {
    *((f"logs:{action}", "*") for action in ("CreateLogDelivery", "DeleteLogDelivery", "GetLogDelivery")),
    *((f"logs:{action}", "*") for action in ("ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery")),
    *((f"logs:{action}", "*") for action in ("DescribeLogGroups", "DescribeResourcePolicies")),
    *((f"xray:{action}", "*") for action in ("GetSamplingRules", "GetSamplingTargets")),
    *((f"xray:{action}", "*") for action in ("PutTelemetryRecords", "PutTraceSegments")),
}


def granted(template: dict[str, Any], name: str = "Fulfil") -> set[tuple[str, str]]:
    """What a workflow may do beyond its logs and traces; logical ids without their hashes."""
    permissions = permissions_of(template, f"{name}IdentityRole")
    assert permissions >= OWN
    return {(action, re.sub(r"(?<=[a-z])[0-9A-F]{8}", "", resource)) for action, resource in permissions - OWN}


def definition_of(template: dict[str, Any], name: str = "Fulfil") -> dict[str, Any]:
    [machine] = [
        each_
        for id_, each_ in resources_of(template, "AWS::StepFunctions::StateMachine").items()
        if id_.startswith(name)
    ]
    definition: dict[str, Any] = json.loads(show(machine["Properties"]["DefinitionString"]))
    assert problems_of(definition) == []
    return definition


def refused(stack: cdk.Stack, *steps: Step, **props: Any) -> str:
    with pytest.raises(PropError) as caught:
        Workflow(stack, "Fulfil", steps=list(steps), **props)
    return str(caught.value)


def shape(what: str, fix: str) -> str:
    return f"{what}\n  at:  Shop/Fulfil (Workflow)\n  fix: {fix}"
