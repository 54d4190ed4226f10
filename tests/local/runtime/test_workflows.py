"""Workflows on the embedded AWS: each integration with the role's rights and without, and what they are for."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.local.runtime.event_handlers import received, seen, until
from tests.local.runtime.workflow_bench import Bench, chain


def task(resource: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments, **more}


def integrations(bench: Bench) -> dict[str, dict[str, Any]]:
    entry = {"EventBusName": bench.made["Bus"], "Source": "orders", "DetailType": "placed", "Detail": {"id": 1}}
    return {
        "Lambda.AWSLambdaException": bench.worker({"answer": 1}),
        "SQS.AmazonSQSException": task(
            "sqs:sendMessage", {"QueueUrl": bench.made["Queue"], "MessageBody": {"from": "workflow"}}
        ),
        "SNS.AuthorizationErrorException": task("sns:publish", {"TopicArn": bench.made["Topic"], "Message": "hi"}),
        "DynamoDB.AmazonDynamoDBException": task(
            "dynamodb:putItem", {"TableName": bench.made["Table"], "Item": {"id": {"S": "{% $states.input.id %}"}}}
        ),
        "EventBridge.AmazonEventBridgeException": task("events:putEvents", {"Entries": [entry]}),
        "Dynamodb.AccessDeniedException": task(
            "aws-sdk:dynamodb:getItem", {"TableName": bench.made["Table"], "Key": {"id": {"S": "nobody"}}}
        ),
    }


DENIALS = (
    "Lambda.AWSLambdaException",
    "SQS.AmazonSQSException",
    "SNS.AuthorizationErrorException",
    "DynamoDB.AmazonDynamoDBException",
    "EventBridge.AmazonEventBridgeException",
)


class TestRoles:
    @pytest.mark.parametrize("denial", DENIALS)
    def test_a_task_does_what_its_role_may_and_nothing_else(self, bench: Bench, denial: str) -> None:
        each = integrations(bench)[denial]
        assert bench.run(each, given={"id": "a"}).status == "SUCCEEDED"
        ended = bench.run(each, given={"id": "b"}, role="Bare")
        assert (ended.status, ended.error) == ("FAILED", denial)
        assert "is not authorized to perform: " in ended.cause
        assert ":assumed-role/" in ended.cause

    def test_a_denied_task_does_nothing(self, bench: Bench) -> None:
        each = integrations(bench)["DynamoDB.AmazonDynamoDBException"]
        bench.run(each, given={"id": "denied"}, role="Bare")
        table = bench.app.aws.client("dynamodb")
        assert "Item" not in table.get_item(TableName=bench.made["Table"], Key={"id": {"S": "denied"}})

    def test_any_api_is_asked_for_by_its_action_and_resource(self, bench: Bench) -> None:
        get = integrations(bench)["Dynamodb.AccessDeniedException"]
        assert bench.run(get).status == "SUCCEEDED"
        assert "dynamodb:GetItem on resource: arn:aws:dynamodb:" in bench.run(get, role="Bare").cause

    def test_an_event_of_another_source_is_denied(self, bench: Bench) -> None:
        entry = {"EventBusName": bench.made["Bus"], "Source": "payments", "DetailType": "paid", "Detail": {}}
        assert (
            bench.run(task("events:putEvents", {"Entries": [entry]})).error == "EventBridge.AmazonEventBridgeException"
        )

    def test_a_message_has_the_body_as_json(self, bench: Bench) -> None:
        received(bench.app, bench.made["Queue"])
        bench.run(integrations(bench)["SQS.AmazonSQSException"])
        bodies = [json.loads(each["Body"]) for each in received(bench.app, bench.made["Queue"])]
        assert bodies == [{"from": "workflow"}]


class TestErrors:
    def test_an_error_of_a_function_is_caught_by_its_name(self, bench: Bench) -> None:
        failing = bench.worker({"do": "throw"}, Catch=[{"ErrorEquals": ["RangeError"], "Next": "S1"}])
        ended = bench.run(failing, {"Type": "Pass", "Output": "{% $states.input.Cause %}"})
        assert json.loads(ended.output)["errorMessage"] == "told to"

    def test_a_function_that_exits_or_takes_too_long_is_named(self, bench: Bench) -> None:
        assert bench.run(bench.worker({"do": "exit"})).error == "Runtime.ExitError"
        assert bench.run(bench.worker({"do": "hang"}, TimeoutSeconds=1)).error == "States.Timeout"

    def test_is_tried_as_often_as_said(self, bench: Bench) -> None:
        mark = str(uuid.uuid4())  # calls of earlier tests may still be on their way into the log
        again = [{"ErrorEquals": ["RangeError"], "IntervalSeconds": 1, "MaxAttempts": 2, "JitterStrategy": "FULL"}]
        assert bench.run(bench.worker({"do": "throw", "mark": mark}, Retry=again)).error == "RangeError"
        tries = [call for call in seen(bench.app, bench.made["WorkerLogs"]) if call.event.get("mark") == mark]
        assert len(tries) == 3


class TestCallbacks:
    def test_goes_on_when_somebody_calls_back(self, bench: Bench) -> None:
        group = bench.made["WorkerLogs"]
        before = len(seen(bench.app, group))
        waiting = {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 20}
        each = bench.worker({"token": "{% $states.context.Task.Token %}"}, **waiting)
        started = bench.start(bench.create(chain(each)))
        [call] = until(lambda: [call for call in seen(bench.app, group)[before:] if "token" in call.event])
        bench.states.send_task_success(taskToken=call.event["token"], output='{"approved": true}')
        assert bench.end(started).output == {"approved": True}

    def test_a_message_carries_the_token(self, bench: Bench) -> None:
        received(bench.app, bench.made["Queue"])
        body = {"token": "{% $states.context.Task.Token %}"}
        arguments = {"QueueUrl": bench.made["Queue"], "MessageBody": body}
        each = task("sqs:sendMessage.waitForTaskToken", arguments, TimeoutSeconds=20)
        started = bench.start(bench.create(chain(each)))
        [message] = until(lambda: received(bench.app, bench.made["Queue"]))
        bench.states.send_task_failure(taskToken=json.loads(message["Body"])["token"], error="Declined", cause="no")
        assert bench.end(started).error == "Declined"


class TestNesting:
    def test_waits_for_another_workflow_and_has_its_output(self, bench: Bench) -> None:
        inner = bench.create(chain({"Type": "Pass", "Output": "{% $states.input.n * 2 %}"}))
        nested = task("states:startExecution.sync:2", {"StateMachineArn": inner, "Input": {"n": 21}})
        assert bench.run({**nested, "Output": "{% $states.result.Output %}"}).output == 42

    def test_starts_another_workflow_and_goes_on(self, bench: Bench) -> None:
        inner = bench.create(chain({"Type": "Pass"}))
        ended = bench.run(task("states:startExecution", {"StateMachineArn": inner, "Input": {}}))
        assert bench.end(ended.output["ExecutionArn"]).status == "SUCCEEDED"


class TestMaps:
    def test_keeps_the_order_of_the_items(self, bench: Bench) -> None:
        inner = bench.worker({"answer": "{% $states.input %}"}, Output="{% $states.result.Payload %}", End=True)
        each = {
            "Type": "Map",
            "Items": "{% [1..5] %}",
            "MaxConcurrency": 2,
            "ItemProcessor": {"StartAt": "Echo", "States": {"Echo": inner}},
        }
        assert bench.run(each).output == [1, 2, 3, 4, 5]

    def test_reads_the_items_of_a_distributed_map_with_the_role(self, bench: Bench) -> None:
        bucket = bench.made["Bucket"]
        bench.app.aws.client("s3").put_object(Bucket=bucket, Key="items.json", Body=b"[1, 2, 3]")
        each = {
            "Type": "Map",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSON"},
                "Arguments": {"Bucket": bucket, "Key": "{% $states.input.key %}"},
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Double",
                "States": {"Double": {"Type": "Pass", "Output": "{% $states.input * 2 %}", "End": True}},
            },
        }
        ended = bench.run(each, given={"key": "items.json"})
        assert ended.output == [2, 4, 6]
        [run] = bench.states.list_map_runs(executionArn=ended.arn)["mapRuns"]
        children = bench.states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        assert [child["status"] for child in children] == ["SUCCEEDED"] * 3
        denied = bench.run(each, given={"key": "items.json"}, role="Bare")
        assert "states:StartExecution" in denied.cause
