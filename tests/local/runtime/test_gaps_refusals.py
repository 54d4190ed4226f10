"""What stock takes and AWS refuses: events, parts, circles, definitions; and filters it does not read."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import App
from tests.local.runtime.workflow_bench import Bench

QUEUE = "AWS::SQS::Queue"
# The property that names a resource of a type, and the call that makes one of that name.
MAKERS = {
    QUEUE: ("QueueName", "sqs", "create_queue", "QueueName"),
    "AWS::SNS::Topic": ("TopicName", "sns", "create_topic", "Name"),
}


def code_of(call: Any, /, **arguments: Any) -> str:
    """How a call is refused; empty when it is not."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


class TestEventRefusals:
    def entry(self, **more: Any) -> dict[str, Any]:
        return {"Source": "shop", "DetailType": "Placed", "Detail": "{}", **more}

    def test_are_told_one_by_one(self, stock: App, mended: App) -> None:
        def codes(app: App) -> list[str | None]:
            details = ("no json", "[]", "{}")
            answer = app.aws.client("events").put_events(Entries=[self.entry(Detail=each) for each in details])
            assert answer["FailedEntryCount"] == sum("ErrorCode" in each for each in answer["Entries"])
            return [each.get("ErrorCode") for each in answer["Entries"]]

        assert codes(stock) == [None, None, None]
        assert codes(mended) == ["MalformedDetail", "MalformedDetail", None]

    @pytest.mark.parametrize("missing", ["Source", "DetailType", "Detail"])
    def test_name_what_is_missing(self, mended: App, missing: str) -> None:
        entry = {key: value for key, value in self.entry().items() if key != missing}
        [told] = mended.aws.client("events").put_events(Entries=[entry])["Entries"]
        assert (told["ErrorCode"], missing in told["ErrorMessage"]) == ("InvalidArgument", True)

    def test_keep_a_rule_with_targets(self, stock: App, mended: App) -> None:
        def refused(app: App) -> str:
            events, name = app.aws.client("events"), f"rule-{uuid.uuid4()}"
            events.put_rule(Name=name, EventPattern='{"source": ["shop"]}')
            target = {"Id": "Queue", "Arn": "arn:aws:sqs:us-east-1:000000000000:somewhere"}
            events.put_targets(Rule=name, Targets=[target])
            code = code_of(events.delete_rule, Name=name)
            events.remove_targets(Rule=name, Ids=["Queue"])
            events.delete_rule(Name=name)
            return code

        assert (refused(stock), refused(mended)) == ("", "ValidationException")


class TestMultipartSizes:
    def ended(self, app: App, *sizes: int) -> str:
        """How an upload of such parts ends."""
        s3, bucket = app.aws.client("s3"), f"parts-{uuid.uuid4()}"
        s3.create_bucket(Bucket=bucket)
        upload = {"Bucket": bucket, "Key": "big"}
        upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
        parts = [
            {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=b"x" * size)["ETag"]}
            for number, size in enumerate(sizes, 1)
        ]
        return code_of(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts})

    def test_are_asked_of_all_parts_but_the_last(self, stock: App, mended: App) -> None:
        assert (self.ended(stock, 5, 5), self.ended(mended, 5, 5)) == ("", "EntityTooSmall")

    def test_are_kept_by_what_s3_takes(self, mended: App) -> None:
        least = 5 * 1024 * 1024
        assert (self.ended(mended, 5), self.ended(mended, least, 5), self.ended(mended, least - 1, 5)) == (
            "",
            "",
            "EntityTooSmall",
        )


class TestTemplateCircles:
    def circle(self) -> dict[str, Any]:
        def named_after(other: str) -> dict[str, Any]:
            return {"Type": QUEUE, "Properties": {"QueueName": {"Fn::GetAtt": [other, "QueueName"]}}}

        return {"Resources": {"One": named_after("Two"), "Two": named_after("One")}}

    def test_are_refused_before_anything_is_made(self, stock: App, mended: App) -> None:
        def refused(app: App, call: str, **more: str) -> str:
            told = {"StackName": f"circle-{uuid.uuid4()}", "TemplateBody": json.dumps(self.circle()), **more}
            return code_of(getattr(app.aws.client("cloudformation"), call), **told)

        assert (refused(stock, "create_stack"), refused(mended, "create_stack")) == ("", "ValidationError")
        change = {"ChangeSetName": "first", "ChangeSetType": "CREATE"}
        assert refused(mended, "create_change_set", **change) == "ValidationError"

    def test_are_none_where_a_condition_leaves_one_out(self, mended: App) -> None:
        template = self.circle()
        template["Conditions"] = {"Never": {"Fn::Equals": ["a", "b"]}}
        template["Resources"]["Two"]["Condition"] = "Never"
        template["Resources"]["One"]["Properties"] = {}
        told = {"StackName": f"circle-{uuid.uuid4()}", "TemplateBody": json.dumps(template)}
        assert code_of(mended.aws.client("cloudformation").create_stack, **told) == ""


class TestValuesBetweenStacks:
    def stack(self, **output: Any) -> dict[str, Any]:
        return {"Resources": {"Queue": {"Type": QUEUE}}, "Outputs": {"Value": output}}

    def test_are_found_in_other_regions(self, stock: App, mended: App) -> None:
        def taken(app: App) -> str:
            home, away = f"home-{uuid.uuid4()}", f"away-{uuid.uuid4()}"
            client = boto3.client(
                "cloudformation",
                "eu-central-1",
                endpoint_url=app.aws.endpoint,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            client.create_stack(StackName=home, TemplateBody=json.dumps(self.stack(Value={"Ref": "AWS::Region"})))
            client.get_waiter("stack_create_complete").wait(StackName=home, WaiterConfig={"Delay": 1})
            asked = {"StackName": home, "OutputName": "Value", "Region": "eu-central-1"}
            return app.aws.deploy(away, self.stack(Value={"Fn::GetStackOutput": asked}))["Value"]

        with pytest.raises(AssertionError, match="not found in stack"):
            taken(stock)
        assert taken(mended) == "eu-central-1"

    def test_stay_while_they_are_imported(self, stock: App, mended: App) -> None:
        def updated(app: App, value: str | None) -> None:
            giving, taking = f"giving-{uuid.uuid4()}", f"taking-{uuid.uuid4()}"
            export = {"Export": {"Name": giving}}
            app.aws.deploy(giving, self.stack(Value="old", **export))
            app.aws.deploy(taking, self.stack(Value={"Fn::ImportValue": giving}))
            app.aws.deploy(giving, self.stack(Value="old", Description="changed", **export))
            app.aws.deploy(giving, self.stack(Value=value or "old", **(export if value else {})))

        updated(stock, None)
        for value, act in {None: "delete", "new": "update"}.items():
            with pytest.raises(AssertionError, match=rf"Cannot {act} export giving-.+ as it is in use by taking-"):
                updated(mended, value)

    def test_go_with_who_imports_them(self, mended: App) -> None:
        giving, taking = f"giving-{uuid.uuid4()}", f"taking-{uuid.uuid4()}"
        mended.aws.deploy(giving, self.stack(Value="old", Export={"Name": giving}))
        mended.aws.deploy(taking, self.stack(Value={"Fn::ImportValue": giving}))
        client = mended.aws.client("cloudformation")
        client.delete_stack(StackName=taking)
        client.get_waiter("stack_delete_complete").wait(StackName=taking, WaiterConfig={"Delay": 1})
        assert mended.aws.deploy(giving, self.stack(Value="new"))["Value"] == "new"


# An API, what a route in it says, and what one beside it may say.
ROUTED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = {
    "AWS::ApiGatewayV2::Route": (
        {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "shop", "ProtocolType": "HTTP"}},
        {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /x"},
        {"RouteKey": "GET /y"},
    ),
    "AWS::ApiGateway::Resource": (
        {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "shop"}},
        {"RestApiId": {"Ref": "Api"}, "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "PathPart": "{id}"},
        {"PathPart": "about"},
    ),
}


@pytest.fixture
def apps(stock: App, mended: App) -> tuple[App, App]:
    return stock, mended


class TestTakenNames:
    @pytest.mark.parametrize("kind", MAKERS)
    def test_fail_who_wants_them(self, stock: App, mended: App, kind: str) -> None:
        field, service, call, argument = MAKERS[kind]

        def deployed(app: App) -> None:
            name = f"taken-{uuid.uuid4()}"
            getattr(app.aws.client(service), call)(**{argument: name})
            app.aws.deploy(name, {"Resources": {"Mine": {"Type": kind, "Properties": {field: name}}}})

        deployed(stock)
        with pytest.raises(AssertionError, match=rf"Resource of type '{kind}' with identifier 'taken-.+' already ex"):
            deployed(mended)

    @pytest.mark.parametrize(
        ("kind", "changed", "why"),
        [
            ("AWS::ApiGatewayV2::Route", {}, "Route with key GET /x already exists for this API"),
            ("AWS::ApiGateway::Resource", {}, "Another resource with the same parent already has this name: {id}"),
            ("AWS::ApiGateway::Resource", {"PathPart": "{key}"}, "of this resource already has a variable path part"),
        ],
    )
    def test_of_routes_fail_who_has_them_twice(
        self, apps: tuple[App, App], kind: str, changed: dict[str, str], why: str
    ) -> None:
        api, properties, free = ROUTED[kind]

        def renamed(app: App, changed: dict[str, str]) -> None:
            name = f"route-{uuid.uuid4()}"
            app.aws.deploy(name, {"Resources": {"Api": api, "Mine": {"Type": kind, "Properties": properties}}})
            again = {"Type": kind, "Properties": properties | changed}
            app.aws.deploy(name, {"Resources": {"Api": api, "Renamed": again}})

        stock, mended = apps
        renamed(stock, changed)
        with pytest.raises(AssertionError, match=re.escape(why)):
            renamed(mended, changed)
        renamed(mended, free)

    def test_of_a_path_may_come_again_below_another(self, mended: App) -> None:
        api, properties, _ = ROUTED["AWS::ApiGateway::Resource"]
        below = properties | {"ParentId": {"Ref": "Mine"}}
        resources = {"Api": api} | {
            name: {"Type": "AWS::ApiGateway::Resource", "Properties": each}
            for name, each in {"Mine": properties, "Below": below}.items()
        }
        mended.aws.deploy(f"route-{uuid.uuid4()}", {"Resources": resources})

    def test_are_free_for_updates_and_after_the_stack_is_gone(self, mended: App) -> None:
        name = f"taken-{uuid.uuid4()}"
        formation = mended.aws.client("cloudformation")
        for seconds in (1, 2):
            properties = {"QueueName": name, "VisibilityTimeout": seconds}
            mended.aws.deploy(name, {"Resources": {"Mine": {"Type": QUEUE, "Properties": properties}}})
            formation.delete_stack(StackName=name)
            formation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


class TestWorkflowDefinition:
    def refused(self, on: Bench, definition: str) -> str:
        told = {"name": f"bad-{uuid.uuid4()}", "definition": definition, "roleArn": on.made["FullArn"]}
        return code_of(on.states.create_state_machine, **told)

    def test_is_refused_when_it_leads_nowhere(self, stock_bench: Bench, bench: Bench) -> None:
        definition = json.dumps({"StartAt": "One", "States": {"One": {"Type": "Pass", "Next": "Nowhere"}}})
        assert (self.refused(stock_bench, definition), self.refused(bench, definition)) == ("", "InvalidDefinition")

    def test_is_refused_in_an_update(self, bench: Bench) -> None:
        machine = bench.create({"StartAt": "One", "States": {"One": {"Type": "Succeed"}}})
        told = {"stateMachineArn": machine, "definition": "{}"}
        assert code_of(bench.states.update_state_machine, **told) == "InvalidDefinition"

    def test_fails_its_stack(self, bench: Bench) -> None:
        definition = {"StartAt": "One", "States": {"One": {"Type": "Task", "End": True}}}
        properties = {"Definition": definition, "RoleArn": bench.made["FullArn"]}
        resources = {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}
        with pytest.raises(AssertionError, match=r"These fields are required: \[Resource\] at /States/One"):
            bench.app.aws.deploy(f"bad-{uuid.uuid4()}", {"Resources": resources})


class TestWorkflowHistory:
    def kinds(self, on: Bench, payload: Any) -> list[str]:
        """What the history tells of a task that names its function by its ARN."""
        task = {"Type": "Task", "Resource": on.made["WorkerArn"], "Arguments": payload}
        ended = on.run(task)
        events = on.states.get_execution_history(executionArn=ended.arn)["events"]
        return [each["type"] for each in events if each["type"].startswith(("Task", "Lambda"))]

    def test_calls_functions_by_their_own_name(self, stock_bench: Bench, bench: Bench) -> None:
        entered, exited = "TaskStateEntered", "TaskStateExited"
        assert self.kinds(stock_bench, {}) == [entered, "TaskScheduled", "TaskSucceeded", exited]
        lambda_ = [f"LambdaFunction{each}" for each in ("Scheduled", "Started", "Succeeded")]
        assert self.kinds(bench, {}) == [entered, *lambda_, exited]


class TestLogFilter:
    def found(self, app: App, pattern: str) -> list[int]:
        """Which of two lines a filter finds."""
        logs, group = app.aws.client("logs"), f"/filters/{uuid.uuid4()}"
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        lines = [{"level": "ERROR", "n": 1}, {"level": "INFO", "n": 2}]
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": json.dumps(each)} for each in lines]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
        told = logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]
        return [json.loads(each["message"])["n"] for each in told]

    def test_reads_fields(self, stock: App, mended: App) -> None:
        pattern = '{ $.level = "ERR*" }'
        assert (self.found(stock, pattern), self.found(mended, pattern)) == ([1, 2], [1])

    def test_is_refused_when_it_is_none(self, mended: App) -> None:
        with pytest.raises(ClientError, match="Invalid filter pattern"):
            self.found(mended, "{ level = 3 ")
