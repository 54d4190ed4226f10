"""Who uses a construct of ours has the whole app looked at, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from constructs import Construct, RootConstruct

from constructs_lib import (
    DynamoTable,
    EventBus,
    Iam,
    QueueWorker,
    SecureApi,
    SecureFunction,
    Topic,
    UploadBucket,
    Workflow,
    succeed,
)
from constructs_lib.guards.rules import rule_ids
from constructs_lib.wiring.guarded import guard

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRY = "lambda_src/greeting/greet.ts"


def speakers(app: cdk.App) -> list[dict[str, Any]]:
    """The reports our plugin gave in one synthesis; each ends with a warning, so that CDK keeps it."""
    cdk.Validations.of(app).acknowledge(cdk.Acknowledgment(id=f"ServerlessGuards::{rule_ids()[-1]}", reason="none"))
    app.synth()
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    return [each for each in report["pluginReports"] if each["pluginName"] == "ServerlessGuards"]


def test_the_app_of_a_construct_is_checked_once_however_many_ask(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Shop")
    cdk.CfnResource(stack, "Topic", type="AWS::SNS::Topic")
    guard(stack)
    guard(Construct(stack, "Part"))
    guard(cdk.Stack(cdk.Stage(app, "Prod"), "Shop"))
    cdk.CfnResource(stack, "Other", type="AWS::SNS::Topic")
    assert len(speakers(app)) == 1


def test_every_app_of_a_process_is_checked(tmp_path: Path) -> None:
    for name in ("a", "b"):
        app = cdk.App(outdir=str(tmp_path / name), analytics_reporting=False)
        stack = cdk.Stack(app, "Shop")
        cdk.CfnResource(stack, "Topic", type="AWS::SNS::Topic")
        guard(stack)
        assert len(speakers(app)) == 1


def test_a_tree_without_an_app_is_left_alone() -> None:
    root = RootConstruct()
    guard(Construct(root, "Part"))
    assert [each.node.id for each in root.node.children] == ["Part"]


def test_an_app_nobody_guards_has_no_report(app: cdk.App) -> None:
    cdk.CfnResource(cdk.Stack(app, "Shop"), "Topic", type="AWS::SNS::Topic")
    app.synth()
    assert not (Path(app.outdir) / "validation-report.json").exists()


@pytest.mark.parametrize(
    "define",
    [
        lambda stack: DynamoTable(stack, "Users", partition_key="id"),
        lambda stack: EventBus(stack, "Bus"),
        lambda stack: QueueWorker(stack, "Emails", entry=ENTRY),
        lambda stack: SecureApi(stack, "Api", auth=Iam()),
        lambda stack: SecureFunction(stack, "Greet", entry=ENTRY),
        lambda stack: Topic(stack, "News"),
        lambda stack: UploadBucket(stack, "Uploads"),
        lambda stack: Workflow(stack, "Pay", steps=[succeed("Done")]),
    ],
)
def test_each_construct_has_its_app_checked(app: cdk.App, define: Callable[[cdk.Stack], Construct]) -> None:
    define(cdk.Stack(app, "Shop"))
    assert len(speakers(app)) == 1
