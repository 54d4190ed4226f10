"""Triggers of functions whose versions are moved a part at a time, or start from snapshots."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs

from constructs_lib import Canary, SecureFunction
from tests.constructs.test_under_the_guards import said
from tests.guards.rules.judged import arn, function, judged, ref, resource

RULE = "versions-are-called"
MOVED = {"CodeDeployLambdaAliasUpdate": {"ApplicationName": "a", "DeploymentGroupName": "g"}}
SNAPS: dict[str, Any] = {"SnapStart": {"ApplyOn": "PublishedVersions"}, "Runtime": "python3.14"}


def shop(*called: object, policy: object = None, warm: bool = False, **properties: Any) -> dict[str, Any]:
    """A function with an alias, and rules that call something."""
    amount: dict[str, Any] = {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1}} if warm else {}
    live = resource("AWS::Lambda::Alias", Name="live", FunctionName=ref("Send"), FunctionVersion="1", **amount)
    rules = {
        f"Rule{number}": resource("AWS::Events::Rule", Targets=[{"Id": "T", "Arn": each}])
        for number, each in enumerate(called)
    }
    return {"Send": function(**properties), "Live": live | ({"UpdatePolicy": policy} if policy else {}), **rules}


def test_the_whole_message_of_an_alias_that_is_moved() -> None:
    assert judged(RULE, shop(arn("Send"), ref("Live"), policy=MOVED)) == [
        (
            "warning: deployments move it a part at a time, and new code runs at once for Rule0 (AWS::Events::Rule): "
            "what is called there is Send ($LATEST)\n"
            "  at:  Shop/Live (AWS::Lambda::Alias)\n"
            "  fix: let every trigger call Live, not the function"
        )
    ]


def test_the_whole_message_of_snapshots() -> None:
    assert judged(RULE, shop(*[arn("Send")] * 4, **SNAPS)) == [
        (
            "warning: its versions start from snapshots, and there is none for Rule0 (AWS::Events::Rule), "
            "Rule1 (AWS::Events::Rule), Rule2 (AWS::Events::Rule) and 1 more: what is called there is Send ($LATEST)\n"
            "  at:  Shop/Send (AWS::Lambda::Function) SnapStart.ApplyOn\n"
            "  fix: let every trigger call a version, or an alias on one"
        )
    ]


def test_accepts_the_alias_a_version_and_nobody() -> None:
    version = {"Fn::Join": [":", [arn("Send"), "3"]]}
    for called in ((ref("Live"),), (version,), ()):
        assert judged(RULE, shop(*called, policy=MOVED)) == []
        assert judged(RULE, shop(*called, **SNAPS)) == []


def test_accepts_a_function_that_is_called_itself_where_its_versions_are_for_nothing_yet() -> None:
    assert judged(RULE, shop(arn("Send"))) == []
    assert judged(RULE, shop(arn("Send"), policy="garbage")) == []
    assert judged(RULE, shop(arn("Send"), policy=MOVED, warm=True)) == []  # the rule on warm environments says it


def test_a_trigger_of_the_cdks_own_on_the_bare_function_is_told(app: cdk.App, stack: cdk.Stack) -> None:
    charge = SecureFunction(stack, "Charge", entry="lambda_src/greeting/greet.ts", canary=Canary())
    charge.keep_failed_events()
    hourly = events.Schedule.rate(cdk.Duration.hours(1))
    queue = sqs.Queue(stack, "Lost", enforce_ssl=True)
    target = targets.LambdaFunction(charge.function, dead_letter_queue=queue)
    events.Rule(stack, "Hourly", schedule=hourly, targets=[target])
    assert any("new code runs at once for Shop/Hourly" in each for each in said(app))
