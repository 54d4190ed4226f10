"""Gaps of the base in schedules and buckets; see `test_gaps`."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from tests.local.runtime.deployed import App
from tests.local.runtime.event_handlers import (
    admitting,
    allow,
    att,
    collected,
    deploy,
    join,
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

EVENTS = "events.amazonaws.com"
SCHEDULER = "scheduler.amazonaws.com"
SCHEDULED = ("Schedule", "Dead", "Worker", "WorkerLogs")


def scheduled(expression: str, *, may: bool = True, service: str = SCHEDULER) -> dict[str, Any]:
    group = join("arn:aws:scheduler:", ref("AWS::Region"), ":", ref("AWS::AccountId"), ":schedule-group/", ref("Group"))
    grants = [allow("sqs:SendMessage", att("Dead")), *([allow("lambda:InvokeFunction", att("Worker"))] if may else [])]
    resources = {
        **queue("Dead"),
        **obeying("Worker", []),
        **role("Role", service, *grants),
        "Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {}},
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "GroupName": ref("Group"),
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "ScheduleExpression": expression,
                "ScheduleExpressionTimezone": "Asia/Tokyo",
                "Target": {
                    "Arn": att("Worker"),
                    "RoleArn": att("Role"),
                    "Input": '{"at": "<aws.scheduler.scheduled-time>"}',
                    "DeadLetterConfig": {"Arn": att("Dead")},
                },
            },
        },
    }
    trust = resources["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    trust["Condition"] = {"StringEquals": {"aws:SourceArn": group}}
    return resources


def tokyo(seconds: float) -> str:
    zone = datetime.timezone(datetime.timedelta(hours=9))
    moment = datetime.datetime.now(zone) + datetime.timedelta(seconds=seconds)
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


class TestScheduleSettings:
    def test_keeps_the_time_zone(self, stock: App, mended: App) -> None:
        def zone(app: App) -> str:
            name = deploy(app, "Zoned", scheduled("cron(0 9 * * ? *)"), "Schedule", "Group")
            return str(
                app.aws.client("scheduler").get_schedule(Name=name["Schedule"], GroupName=name["Group"])[
                    "ScheduleExpressionTimezone"
                ]
            )

        assert (zone(stock), zone(mended)) == ("UTC", "Asia/Tokyo")

    def test_fires_by_the_clock_of_its_zone_within_a_second(self, mended: App) -> None:
        made = deploy(mended, "Fires", scheduled(tokyo(1)), *SCHEDULED)
        [run] = until(lambda: seen(mended, made["WorkerLogs"]))
        assert run.event["at"].endswith("Z")
        assert received(mended, made["Dead"]) == []

    def test_buries_what_its_role_may_not_deliver(self, mended: App) -> None:
        made = deploy(mended, "MayNotFire", scheduled(tokyo(0), may=False), *SCHEDULED)
        [dead] = collected(mended, made["Dead"], count=1)
        assert "lambda:InvokeFunction" in dead["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
        assert seen(mended, made["WorkerLogs"]) == []

    def test_is_refused_when_its_expression_is_none(self, stock: App, mended: App) -> None:
        resources = scheduled("rate(1 fortnight)")
        deploy(stock, "NoExpression", resources, *SCHEDULED)
        with pytest.raises(AssertionError, match=r"Invalid Schedule Expression rate\(1 fortnight\)"):
            deploy(mended, "NoExpression", resources, *SCHEDULED)

    def test_is_refused_when_the_service_may_not_assume_its_role(self, stock: App, mended: App) -> None:
        resources = scheduled("rate(1 hour)", service="ec2.amazonaws.com")
        deploy(stock, "NotAssumed", resources, *SCHEDULED)
        with pytest.raises(AssertionError, match="must allow AWS EventBridge Scheduler to assume the role"):
            deploy(mended, "NotAssumed", resources, *SCHEDULED)


def bucket(*, is_admitted: bool) -> dict[str, Any]:
    name = f"uploads-{str(is_admitted).lower()}"
    arn = f"arn:aws:s3:::{name}"
    told = [{"Event": "s3:ObjectCreated:*", "Function": att("Worker")}]
    return {
        **obeying("Worker", []),
        **queue("Queue"),
        **(permission("Permission", "Worker", "s3.amazonaws.com", arn) if is_admitted else {}),
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}},
                "Targets": [{"Id": "queue", "Arn": att("Queue")}],
            },
        },
        **without_tls(admitting("Queue", sender("Queue", EVENTS, att("Rule")))),
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "DependsOn": ["Permission"] if is_admitted else [],
            "Properties": {
                "BucketName": name,
                "VersioningConfiguration": {"Status": "Enabled"},
                "NotificationConfiguration": {
                    "LambdaConfigurations": told,
                    "EventBridgeConfiguration": {"EventBridgeEnabled": True},
                },
            },
        },
    }


class TestBucketNotifications:
    def test_is_refused_when_the_function_does_not_let_it_in(self, stock: App, mended: App) -> None:
        deploy(stock, "NoPermission", bucket(is_admitted=False), "Bucket")
        with pytest.raises(AssertionError, match="Unable to validate the following destination configurations"):
            deploy(mended, "NoPermission", bucket(is_admitted=False), "Bucket")

    def test_tells_the_version_and_encodes_the_key_for_functions_alone(self, stock: App, mended: App) -> None:
        def told(app: App) -> tuple[list[str], Any]:
            made = deploy(app, "Uploads", bucket(is_admitted=True), "Bucket", "Queue", "WorkerLogs")
            app.aws.client("s3").put_object(Bucket=made["Bucket"], Key="in/a b+ü.png", Body=b"x")
            until(lambda: seen(app, made["WorkerLogs"]))
            [event] = collected(app, made["Queue"], count=1)
            keys = [each["s3"]["object"]["key"] for run in seen(app, made["WorkerLogs"]) for each in run.records]
            return keys, json.loads(event["Body"])["detail"]["object"]

        keys, detail = told(mended)
        assert (keys, detail["key"]) == (["in/a+b%2B%C3%BC.png"], "in/a b+ü.png")
        assert detail["version-id"]
        assert "version-id" not in told(stock)[1]
