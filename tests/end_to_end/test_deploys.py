"""Functions with an alias on the embedded AWS: whatever calls them reaches the version it is on, with IAM enforced."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from botocore.exceptions import ClientError

from constructs_lib import (
    Canary,
    DynamoTable,
    EventBus,
    Iam,
    KeptVersions,
    Provisioned,
    Public,
    QueueWorker,
    Schedule,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    SecureRestApi,
    StreamWorker,
    Topic,
    UploadBucket,
    Workflow,
    step,
)
from constructs_lib.local import LocalAws
from tests.end_to_end.events_app import resource, until

WHICH = "tests/end_to_end/handlers/which.py"
FUNCTION, MACHINE = "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"

Synthesize = Callable[[Callable[[cdk.App], object]], Path]


class Moving(cdk.Stack):
    """Two routes, deployed twice; one of their functions is nested."""

    def __init__(self, app: cdk.App, memory_mib: int) -> None:
        super().__init__(app, "Moving")
        api = SecureApi(self, "Api", auth=Public("a test calls it"))
        SecureApiFunction(
            self, "Warm", api=api, route="GET /warm", entry=WHICH, memory_mib=memory_mib, provisioned_concurrency=1
        )
        nested = SecureRestApi(self, "Nested", auth=Public("a test calls it"), nest_functions=True)
        SecureApiFunction(
            self, "Inner", api=nested, route="GET /inner", entry=WHICH, memory_mib=memory_mib, canary=Canary()
        )
        SecureApiFunction(self, "Same", api=api, route="GET /same", entry=WHICH, canary=Canary())


class Deploys(cdk.Stack):
    def __init__(self, app: cdk.App) -> None:
        super().__init__(app, "Deploys")
        api = SecureApi(self, "Api", auth=Public("a test calls it"))
        probe = SecureFunction(self, "Probe", entry=WHICH)
        SecureApiFunction(
            self,
            "Warm",
            api=api,
            route="GET /warm",
            entry=WHICH,
            provisioned_concurrency=Provisioned(1, up_to=2, schedule={"rate(1 day)": 2}),
            canary=Canary(before=probe),
        )
        rest_api = SecureRestApi(self, "RestApi", auth=Public("a test calls it"))
        SecureApiFunction(self, "Snap", api=rest_api, route="GET /snap", entry=WHICH, snap_start=True)
        SecureApiFunction(self, "Signed", api=api, route="GET /signed", entry=WHICH, auth=Iam(), canary=Canary())
        QueueWorker(self, "Queued", entry=WHICH, provisioned_concurrency=1)
        table = DynamoTable(self, "Table", partition_key="id", stream=dynamodb.StreamViewType.KEYS_ONLY)
        StreamWorker(self, "Streamed", table=table, entry=WHICH, provisioned_concurrency=1)
        called = SecureFunction(self, "Called", entry=WHICH, provisioned_concurrency=1)
        Topic(self, "Topic").subscribe(called)
        EventBus(self, "Bus").add_rule("Placed", {"source": ["shop"]}, called)
        UploadBucket(self, "Uploads").on_upload(called)
        Schedule(self, "Nightly", expression="rate(1 day)", target=called)
        Workflow(self, "Fulfil", steps=[step("Which", called, result="which")])
        called.grant_invoke(SecureFunction(self, "Caller", entry=WHICH))
        KeptVersions(self, "Versions", of=[SecureFunction(self, "Kept", entry=WHICH, canary=Canary())], count=2)


@pytest.fixture(scope="module")
def aws(synthesize: Synthesize) -> Iterator[LocalAws]:
    with LocalAws.from_assembly(synthesize(Deploys)) as running:
        yield running


def told(aws: LocalAws, function: str) -> list[dict[str, str]]:
    """What a function said of each of its calls."""
    found = []
    for line in aws.logs(f"Deploys/{function}"):
        said = json.loads(line[line.index("{") :]) if "which" in line else {}
        said = json.loads(said["message"]) if isinstance(said.get("message"), str) else said.get("message", said)
        if "which" in said:
            found.append(said["which"])
    return found


@pytest.mark.parametrize("path", ["/warm", "/live/snap"])
def test_a_route_answers_through_the_alias(aws: LocalAws, path: str) -> None:
    answer = aws.call("GET", path)
    assert answer.status == 200, answer.body
    assert answer.json() == {"called": "live", "version": "1"}


def test_whatever_sends_something_reaches_the_alias(aws: LocalAws) -> None:
    aws.client("sqs").send_message(QueueUrl=resource(aws, "AWS::SQS::Queue", "Queued/Queue"), MessageBody="{}")
    aws.client("sns").publish(TopicArn=resource(aws, "AWS::SNS::Topic", "Topic"), Message="{}")
    machine = resource(aws, MACHINE, "Fulfil")
    aws.client("stepfunctions").start_execution(stateMachineArn=machine)
    table = resource(aws, "AWS::DynamoDB::Table", "Table")
    aws.client("dynamodb").put_item(TableName=table, Item={"id": {"S": "1"}})
    placed = {"Source": "shop", "DetailType": "placed", "Detail": "{}"}
    aws.client("events").put_events(Entries=[{**placed, "EventBusName": resource(aws, "AWS::Events::EventBus", "Bus")}])
    bucket = resource(aws, "AWS::S3::Bucket", "Uploads/Bucket")
    aws.client("s3").put_object(Bucket=bucket, Key="a", Body=b"")
    live = {"called": "live", "version": "1"}
    for function, calls in (
        ("Queued/Function", 1),
        ("Streamed/Function", 1),
        ("Called", 4),
    ):  # or more, where a delivery was repeated
        heard = until(lambda: told(aws, function), is_right=lambda said: len(said) >= calls)  # noqa: B023 - at once
        assert len(heard) >= calls
        assert all(each == live for each in heard)


def test_only_the_alias_may_be_called_by_whom_it_was_granted(aws: LocalAws) -> None:
    """The role of the caller, the alias and the function itself."""
    function = resource(aws, FUNCTION, "CalledFunction")
    caller = aws.client_of("Deploys/Caller", "lambda")
    answer = json.loads(caller.invoke(FunctionName=f"{function}:live")["Payload"].read())
    assert json.loads(answer["body"])["called"] == "live"
    with pytest.raises(ClientError, match="AccessDenied"):
        caller.invoke(FunctionName=function)


def test_what_is_not_here_is_named_and_the_rest_works(aws: LocalAws) -> None:
    assert {each["what"] for each in aws.control.ask("stand-ins")} >= {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentGroup",
    }


def test_the_last_versions_stay_and_the_one_that_is_called(aws: LocalAws) -> None:
    functions, name = aws.client("lambda"), resource(aws, FUNCTION, "KeptFunction")
    for memory in range(513, 517):
        functions.update_function_configuration(FunctionName=name, MemorySize=memory)
        functions.publish_version(FunctionName=name)

    def versions() -> list[str]:
        return [each["Version"] for each in functions.list_versions_by_function(FunctionName=name)["Versions"]]

    assert versions() == ["$LATEST", "1", "2", "3", "4", "5"]
    executions = aws.client("stepfunctions")
    arn = executions.start_execution(stateMachineArn=resource(aws, MACHINE, "VersionsRemoval"))["executionArn"]
    ended = until(
        lambda: executions.describe_execution(executionArn=arn), is_right=lambda each: each["status"] != "RUNNING"
    )
    assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
    assert versions() == ["$LATEST", "1", "4", "5"]


def test_another_deployment_moves_the_alias_and_removes_the_version_before(synthesize: Synthesize) -> None:
    with LocalAws.from_assembly(synthesize(lambda app: Moving(app, 512))) as aws:
        for _ in range(3):  # the path of warm requests knows it by then
            assert aws.call("GET", "/warm").json() == {"called": "live", "version": "1"}
            assert aws.call("GET", "/live/inner").json() == {"called": "live", "version": "1"}
        aws.redeploy(synthesize(lambda app: Moving(app, 1024)))
        assert aws.call("GET", "/warm").json() == {"called": "live", "version": "2"}
        assert aws.call("GET", "/live/inner").json() == {"called": "live", "version": "2"}
        assert aws.call("GET", "/same").json() == {"called": "live", "version": "1"}
        versions = aws.client("lambda").list_versions_by_function(FunctionName=resource(aws, FUNCTION, "WarmFunction"))
        assert [each["Version"] for each in versions["Versions"]] == ["$LATEST", "2"]
