"""Gaps of the base in topics, rules and schedules; see `test_gaps`."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from constructs_lib.local.overlay import queue_urls
from constructs_lib.local.overlay.base import base
from tests.local.runtime.deployed import App
from tests.local.runtime.event_handlers import (
    admitting,
    allow,
    att,
    collected,
    deploy,
    obeying,
    permission,
    queue,
    received,
    ref,
    role,
    seen,
    sender,
    until,
    without_tls,
)

SNS = "sns.amazonaws.com"
EVENTS = "events.amazonaws.com"
FAN_OUT = ("Topic", "Queue", "Dead", "Worker", "WorkerLogs")


def client_of_user(app: App, service: str, *statements: dict[str, Any]) -> Any:
    """A client with the rights of a user who may do this and nothing else."""
    iam, name = app.aws.client("iam"), f"user-{uuid.uuid4()}"
    iam.create_user(UserName=name)
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="grants", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return app.aws.client(service, key["AccessKeyId"], key["SecretAccessKey"])


def denial(call: Any, **arguments: Any) -> str:
    """What the call is denied with; empty when it is not."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error)
    return ""


class TestQueueUrls:
    def test_name_the_host_of_the_endpoint_and_any_other_is_taken(self, stock: App, mended: App) -> None:
        def urls(app: App) -> set[str]:
            template = {"Resources": queue("Q"), "Outputs": {"Q": {"Value": ref("Q")}}}
            sqs, name = app.aws.client("sqs"), f"urls-{uuid.uuid4()}"
            made = sqs.create_queue(QueueName=name)["QueueUrl"]
            found = {app.aws.deploy(f"Urls-{uuid.uuid4()}", template)["Q"], made}
            found |= {
                sqs.get_queue_url(QueueName=name)["QueueUrl"],
                *sqs.list_queues(QueueNamePrefix=name)["QueueUrls"],
            }
            for host in ("127.0.0.1", "localhost"):
                other = made.replace("127.0.0.1", host).replace("localhost", host)
                sqs.send_message(QueueUrl=other, MessageBody=host)
            assert len(received(app, made)) == 2
            return {each.rsplit(":", 1)[0] for each in found}

        assert "http://localhost" in urls(stock)
        assert urls(mended) == {"http://127.0.0.1"}

    def test_stay_as_they_are_in_a_kept_state(self) -> None:
        [patch] = queue_urls.PATCHES
        url_of, kept = (
            patch.wrap(lambda account, name: f"http://localhost:1/{account}/{name}"),
            "http://localhost:9/1/old",
        )
        account, region = "111122223333", "eu-west-1"
        base("services.sqs")._queue_name_to_url.set_scoped(account, region, "old", kept)
        try:
            with base("core.responses").request_scope(account, region):
                assert url_of(account, "old") == kept
                assert url_of(account, "new").endswith(f"/{account}/new")
        finally:
            base("services.sqs")._queue_name_to_url.pop_scoped(account, region, "old")


class TestTopicDefaultPolicy:
    def test_lets_nobody_publish_who_has_no_grant(self, stock: App, mended: App) -> None:
        def publish(app: App) -> str:
            template = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"T": {"Value": {"Ref": "T"}}}}
            topic = app.aws.deploy("Topic", template)["T"]
            return denial(client_of_user(app, "sns").publish, TopicArn=topic, Message="hi")

        assert publish(stock) == ""
        assert "no identity-based policy allows the SNS:Publish action" in publish(mended)


class TestEventConditions:
    def test_lets_put_the_events_of_a_source_that_is_granted(self, stock: App, mended: App) -> None:
        def denials(app: App) -> list[bool]:
            bus = app.aws.client("events").create_event_bus(Name=f"bus-{uuid.uuid4()}")["EventBusArn"]
            condition = {"ForAllValues:StringEquals": {"events:source": ["orders", "returns"]}}
            also = {"StringEquals": {"events:detail-type": "placed"}}
            statement = {
                "Effect": "Allow",
                "Action": "events:PutEvents",
                "Resource": bus,
                "Condition": condition | also,
            }
            events = client_of_user(app, "events", statement)

            def is_denied(*sources: str, kind: str = "placed") -> bool:
                entries = [
                    {"EventBusName": bus, "Source": each, "DetailType": kind, "Detail": "{}"} for each in sources
                ]
                return bool(denial(events.put_events, Entries=entries))

            return [
                is_denied("orders"),
                is_denied("orders", "returns"),
                is_denied("payments"),
                is_denied("orders", "payments"),
                is_denied("orders", kind="cancelled"),
            ]

        assert denials(stock) == [True, True, True, True, True]
        assert denials(mended) == [False, False, True, True, True]


def fan_out(*, is_admitted: bool) -> dict[str, Any]:
    """A topic with a queue and a function, which let it in or not, and dead letters that do."""
    redrive = {"RedrivePolicy": {"deadLetterTargetArn": att("Dead")}}
    subscribed = {"TopicArn": ref("Topic"), "RawMessageDelivery": True, **redrive}
    admitted = admitting("Queue", sender("Queue", SNS, ref("Topic"))) if is_admitted else {}
    return {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
        **queue("Queue"),
        **queue("Dead"),
        **without_tls(admitting("Dead", sender("Dead", SNS, ref("Topic")))),
        **without_tls(admitted),
        **obeying("Worker", []),
        **(permission("Permission", "Worker", SNS, ref("Topic")) if is_admitted else {}),
        "ToQueue": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {**subscribed, "Protocol": "sqs", "Endpoint": att("Queue")},
        },
        "ToWorker": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": ref("Topic"), "Protocol": "lambda", "Endpoint": att("Worker"), **redrive},
        },
    }


class TestTopicDelivery:
    def test_buries_what_it_may_not_deliver(self, stock: App, mended: App) -> None:
        def ends(app: App) -> tuple[list[str], int]:
            made = deploy(app, "Refused", fan_out(is_admitted=False), *FAN_OUT)
            app.aws.client("sns").publish(TopicArn=made["Topic"], Message="hi")
            if app is stock:
                until(lambda: seen(app, made["WorkerLogs"]))
                return [each["Body"] for each in received(app, made["Dead"])], len(seen(app, made["WorkerLogs"]))
            dead = collected(app, made["Dead"], count=2)
            assert received(app, made["Queue"]) == []
            return sorted(each["Body"] for each in dead), len(seen(app, made["WorkerLogs"]))

        assert ends(stock) == ([], 1)
        (plain, enveloped), runs = ends(mended)
        assert (plain, runs) == ("hi", 0) or (enveloped, runs) == ("hi", 0)

    def test_tries_a_function_again(self, stock: App, mended: App) -> None:
        def runs(app: App) -> int:
            made = deploy(app, "Retried", fan_out(is_admitted=True), *FAN_OUT)
            app.aws.client("sns").publish(TopicArn=made["Topic"], Message='{"do": "throw"}')
            wanted = 1 if app is stock else 3
            until(lambda: seen(app, made["WorkerLogs"]), is_right=lambda found: len(found) == wanted)
            return len(seen(app, made["WorkerLogs"]))

        assert runs(stock) == 1
        assert runs(mended) == 3


RULE_TARGETS = ("Bus", "Queue", "Dead", "Worker", "WorkerLogs", "Machine")


def ruled(*, is_admitted: bool) -> dict[str, Any]:
    """A rule to a queue, a function and a workflow, which let it in or not, with dead letters that do."""
    dead = {"DeadLetterConfig": {"Arn": att("Dead")}}
    start = allow("states:StartExecution", ref("Machine"))
    admitted = admitting("Queue", sender("Queue", EVENTS, att("Rule"))) if is_admitted else {}
    return {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": f"bus-{is_admitted}"}},
        **queue("Queue"),
        **queue("Dead"),
        **without_tls(admitting("Dead", sender("Dead", EVENTS, att("Rule")))),
        **without_tls(admitted),
        **obeying("Worker", []),
        **(permission("Permission", "Worker", EVENTS, att("Rule")) if is_admitted else {}),
        **role("MachineRole", "states.amazonaws.com"),
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": att("MachineRole"),
                "Definition": {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}},
            },
        },
        **role("Starter", EVENTS, *([start] if is_admitted else [])),
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventBusName": ref("Bus"),
                "EventPattern": {"source": ["orders"]},
                "Targets": [
                    {"Id": "queue", "Arn": att("Queue"), **dead},
                    {"Id": "worker", "Arn": att("Worker"), **dead},
                    {"Id": "machine", "Arn": ref("Machine"), "RoleArn": att("Starter"), **dead},
                ],
            },
        },
    }


def put_event(app: App, bus: str, detail: dict[str, Any], source: str = "orders") -> None:
    entry = {"EventBusName": bus, "Source": source, "DetailType": "placed", "Detail": json.dumps(detail)}
    app.aws.client("events").put_events(Entries=[entry])


class TestTargetDelivery:
    def test_buries_what_it_may_not_deliver(self, stock: App, mended: App) -> None:
        def ends(app: App) -> tuple[list[Any], int, int]:
            made = deploy(app, "NotLetIn", ruled(is_admitted=False), *RULE_TARGETS)
            put_event(app, made["Bus"], {"id": 1})
            dead = collected(app, made["Dead"], count=3) if app is mended else received(app, made["Dead"])
            if app is stock:
                until(lambda: seen(app, made["WorkerLogs"]))
            executions = app.aws.client("stepfunctions").list_executions(stateMachineArn=made["Machine"])["executions"]
            arrived = len(received(app, made["Queue"])) + len(seen(app, made["WorkerLogs"]))
            return dead, arrived, len(executions)

        assert ends(stock) == ([], 2, 1)
        dead, arrived, started = ends(mended)
        assert (arrived, started) == (0, 0)
        assert {json.loads(each["Body"])["detail"]["id"] for each in dead} == {1}
        codes = {each["MessageAttributes"]["ERROR_CODE"]["StringValue"] for each in dead}
        assert codes == {"NO_PERMISSIONS", "AccessDeniedException"}

    def test_delivers_to_whom_it_may_and_tries_a_function_again(self, stock: App, mended: App) -> None:
        def ends(app: App) -> tuple[int, int, int]:
            made = deploy(app, "LetIn", ruled(is_admitted=True), *RULE_TARGETS)
            put_event(app, made["Bus"], {"do": "throw"})
            put_event(app, made["Bus"], {"do": "throw"}, source="payments")
            wanted = 1 if app is stock else 3
            until(lambda: seen(app, made["WorkerLogs"]), is_right=lambda found: len(found) == wanted)
            executions = app.aws.client("stepfunctions").list_executions(stateMachineArn=made["Machine"])["executions"]
            return len(received(app, made["Queue"])), len(seen(app, made["WorkerLogs"])), len(executions)

        assert ends(stock) == (1, 1, 1)
        assert ends(mended) == (1, 3, 1)


class TestEventArchive:
    def test_is_deployed_and_played_again(self, stock: App, mended: App) -> None:
        resources = ruled(is_admitted=True)
        resources["Bus"]["Properties"]["Name"] = "archived"
        archive = {"SourceArn": att("Bus"), "RetentionDays": 30, "EventPattern": {"source": ["orders"]}}
        resources["Archive"] = {"Type": "AWS::Events::Archive", "Properties": archive}
        with pytest.raises(ClientError, match="Unrecognized resource types"):
            deploy(stock, "Archived", resources, *RULE_TARGETS)
        arns = {"ArchiveArn": att("Archive"), "BusArn": att("Bus")}
        made = deploy(mended, "Archived", resources, *RULE_TARGETS, **arns)
        put_event(mended, made["Bus"], {"id": 7})
        put_event(mended, made["Bus"], {"id": 8}, source="payments")
        assert len(collected(mended, made["Queue"], count=1)) == 1
        now = datetime.datetime.now(datetime.UTC)
        mended.aws.client("events").start_replay(
            ReplayName=f"again-{uuid.uuid4()}",
            EventSourceArn=made["ArchiveArn"],
            EventStartTime=now - datetime.timedelta(minutes=5),
            EventEndTime=now + datetime.timedelta(minutes=5),
            Destination={"Arn": made["BusArn"]},
        )
        [again] = collected(mended, made["Queue"], count=1)
        told = json.loads(again["Body"])
        assert (told["detail"], told["replay-name"][:6]) == ({"id": 7}, "again-")
