"""A task that calls a version of a function needs that version, and a grant of it is enough."""

from __future__ import annotations

import json
from typing import Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import check

RULE = "workflow-may-run-its-tasks"


def machine(granted: Any) -> Assembly:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${Version}", "End": True}}}
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": granted}
    assumed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"}}
    return Assembly.of(
        {
            "Shop": {
                "Resources": {
                    "Function": {"Type": "AWS::Lambda::Function", "Properties": {}},
                    "Version": {
                        "Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}},
                    },
                    "Role": {
                        "Type": "AWS::IAM::Role",
                        "Properties": {
                            "AssumeRolePolicyDocument": {"Statement": [assumed]},
                            "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}],
                        },
                    },
                    "Machine": {
                        "Type": "AWS::StepFunctions::StateMachine",
                        "Properties": {
                            "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                            "DefinitionString": json.dumps(definition),
                            "DefinitionSubstitutions": {"Version": {"Ref": "Version"}},
                        },
                    },
                }
            }
        }
    )  # fmt: skip


@pytest.mark.parametrize("granted", [{"Ref": "Version"}, "*"])
def test_a_grant_of_the_version_is_enough(granted: Any) -> None:
    assert check(machine(granted), only=[RULE]).errors == ()


def test_a_grant_of_something_else_is_not() -> None:
    [found] = check(machine("arn:aws:lambda:eu-west-1:111122223333:function:other"), only=[RULE]).errors
    assert found.detail == "A"
