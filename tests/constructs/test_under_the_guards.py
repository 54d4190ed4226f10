"""The constructs as the guards see them: nothing is said of their defaults, nor of what was waived with a reason."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda_event_sources as event_sources

from constructs_lib import (
    Canary,
    DynamoTable,
    EventBus,
    Iam,
    KeptVersions,
    Provisioned,
    QueueWorker,
    Schedule,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    SecureRestApi,
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
PYTHON_ENTRY = "lambda_src/users/list_users.py"


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


def test_nothing_is_said_of_functions_that_are_called_by_their_alias(app: cdk.App, stack: cdk.Stack) -> None:
    hook = SecureFunction(stack, "Hook", entry=ENTRY)
    warm = SecureFunction(
        stack,
        "Warm",
        entry=ENTRY,
        provisioned_concurrency=Provisioned(1, up_to=3, schedule={"rate(1 day)": 2}),
        canary=Canary(before=hook),
    )
    worker = QueueWorker(stack, "Worker", entry=ENTRY, provisioned_concurrency=1, canary=Canary(percent=7))
    table = DynamoTable(stack, "Table", partition_key="id", stream=dynamodb.StreamViewType.NEW_IMAGE)
    reader = StreamWorker(stack, "Reader", table=table, entry=ENTRY, provisioned_concurrency=1)
    api, rest_api = SecureApi(stack, "Api", auth=Iam()), SecureRestApi(stack, "RestApi", auth=Iam())
    route = SecureApiFunction(stack, "Route", api=api, route="POST /greet", entry=ENTRY, provisioned_concurrency=1)
    SecureApiFunction(stack, "RestRoute", api=rest_api, route="POST /users", entry=PYTHON_ENTRY, snap_start=True)
    Topic(stack, "Topic").subscribe(warm)
    EventBus(stack, "Bus").add_rule("Placed", {"source": ["orders"]}, warm)
    Schedule(stack, "Nightly", expression="rate(1 day)", target=warm)
    UploadBucket(stack, "Uploads").on_upload(warm, prefix="in/")
    Workflow(stack, "Fulfil", steps=[step("Hear", warm)])
    KeptVersions(stack, "Versions", of=[warm, worker.function, reader.function, route])
    assert said(app) == []


def test_a_trigger_that_calls_no_alias_is_an_error(app: cdk.App, stack: cdk.Stack) -> None:
    warm = SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=1)
    warm.keep_failed_events()
    source = event_sources.SqsEventSource(QueueWorker(stack, "Worker", entry=ENTRY).queue)
    warm.function.add_event_source(source)
    with pytest.raises(RuntimeError, match=r"1 environments are kept warm, and .* does not call them"):
        app.synth()


def test_a_loop_by_way_of_an_alias_is_found(app: cdk.App, stack: cdk.Stack) -> None:
    warm = SecureFunction(stack, "Warm", entry=ENTRY, provisioned_concurrency=1)
    topic = Topic(stack, "Topic")
    topic.subscribe(warm)
    topic.grant_publish(warm)
    with pytest.raises(RuntimeError, match="Shop/Warm/Function runs itself, without end"):
        app.synth()
