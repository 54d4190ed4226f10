"""The constructs as the guards see them: nothing is said of their defaults, nor of what was waived with a reason."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb

from constructs_lib import (
    DynamoTable,
    EventBus,
    Iam,
    QueueWorker,
    Schedule,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    StreamWorker,
    Topic,
    UploadBucket,
    Waived,
    Workflow,
    send,
    step,
)
from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import check
from constructs_lib.guards.finding import Severity

ENTRY = "lambda_src/greeting/greet.ts"


def said(app: cdk.App) -> list[str]:
    """Every error and warning of the guards."""
    report = check(Assembly.read(Path(app.synth().directory)))
    return [str(found) for found in report.findings if found.severity is not Severity.INFO]


def test_nothing_is_said_of_the_defaults(app: cdk.App, stack: cdk.Stack) -> None:
    function = SecureFunction(stack, "Function", entry=ENTRY)
    worker = QueueWorker(stack, "Worker", entry=ENTRY, idempotent=True)
    table = DynamoTable(stack, "Table", partition_key="id", stream=dynamodb.StreamViewType.NEW_IMAGE)
    StreamWorker(stack, "Reader", table=table, entry=ENTRY)
    SecureApiFunction(stack, "Route", api=SecureApi(stack, "Api", auth=Iam()), route="POST /greet", entry=ENTRY)
    topic = Topic(stack, "Topic")
    topic.subscribe(worker)
    topic.subscribe(function)
    EventBus(stack, "Bus").add_rule("Placed", {"source": ["orders"]}, worker)
    Schedule(stack, "Nightly", expression="rate(1 day)", target=function)
    UploadBucket(stack, "Uploads").on_upload(function, prefix="in/")
    Workflow(stack, "Fulfil", steps=[step("Hear", function, undo=function), send("Send", worker)])
    Workflow(stack, "Quick", steps=[step("Hear", function)], express=True)
    assert said(app) == []


def test_nothing_is_said_of_what_was_waived_with_a_reason(app: cdk.App, stack: cdk.Stack) -> None:
    why = Waived("tried in a test")
    function = SecureFunction(stack, "Function", entry=ENTRY, on_failure=why, tracing=why, recursion_stop=why)
    Schedule(stack, "Nightly", expression="rate(1 day)", target=function)
    QueueWorker(stack, "Worker", entry=ENTRY, retries=why)
    DynamoTable(stack, "Table", partition_key="id", point_in_time_recovery=why, deletion_protection=why, retain=why)
    Workflow(stack, "Fulfil", steps=[step("Hear", function, retry=why)], tracing=why)
    assert said(app) == []
