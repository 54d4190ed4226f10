from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import Outside, allow, eventually, refusal

LOGS = "CloudWatch Logs"
SCHEDULER = "EventBridge Scheduler"
LOGS_GUIDE = "AmazonCloudWatch/latest/logs/"
LOGS_API = "AmazonCloudWatchLogs/latest/APIReference/"
SCHEDULER_GUIDE = "scheduler/latest/UserGuide/"


@pytest.fixture
def logs(aws: Outside) -> Any:
    return aws.client("logs")


@pytest.fixture
def group(aws: Outside, logs: Any) -> str:
    name = f"/app/{aws.name('group')}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    return name


def write(logs: Any, group: str, *lines: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)


@behaviour(LOGS, "what was written is read in the order of time", LOGS_API + "API_GetLogEvents.html")
def test_reads(logs: Any, group: str) -> None:
    write(logs, group, "a", "b")
    events = logs.get_log_events(logGroupName=group, logStreamName="one", startFromHead=True)["events"]
    assert [each["message"] for each in events] == ["a", "b"]


@behaviour(
    LOGS, "a filter finds words, phrases and what they are not", LOGS_GUIDE + "FilterAndPatternSyntaxForLogFilters.html"
)
def test_filters(logs: Any, group: str) -> None:
    write(logs, group, "ERROR no disk", "ERROR no net", "INFO fine")

    def found(pattern: str) -> list[str]:
        events = logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]
        return [each["message"] for each in events]

    assert found("ERROR") == ["ERROR no disk", "ERROR no net"]
    assert found('"no net"') == ["ERROR no net"]
    assert found("ERROR -disk") == ["ERROR no net"]


@behaviour(LOGS, "a filter reads the fields of JSON", LOGS_GUIDE + "FilterAndPatternSyntaxForLogFilters.html")
def test_json_filters(logs: Any, group: str) -> None:
    write(logs, group, json.dumps({"level": "ERROR", "ms": 7}), json.dumps({"level": "INFO", "ms": 70}))
    events = logs.filter_log_events(logGroupName=group, filterPattern='{ $.level = "ERROR" && $.ms < 10 }')["events"]
    assert [json.loads(each["message"])["ms"] for each in events] == [7]


@behaviour(LOGS, "a group keeps what its retention says", LOGS_API + "API_PutRetentionPolicy.html")
def test_retention(logs: Any, group: str) -> None:
    logs.put_retention_policy(logGroupName=group, retentionInDays=14)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"] == 14


@behaviour(LOGS, "a group that is there is not made again", LOGS_API + "API_CreateLogGroup.html")
def test_taken(logs: Any, group: str) -> None:
    assert refusal(logs.create_log_group, logGroupName=group)[0] == "ResourceAlreadyExistsException"


@behaviour(LOGS, "a group that is not there is ResourceNotFoundException", LOGS_API + "API_FilterLogEvents.html")
def test_missing(logs: Any) -> None:
    assert refusal(logs.filter_log_events, logGroupName="/nothing")[0] == "ResourceNotFoundException"


class Scheduled:
    """A schedule that sends to a queue of its own."""

    def __init__(self, aws: Outside, expression: str, **more: Any) -> None:
        self._sqs, self.scheduler, self.name = aws.client("sqs"), aws.client("scheduler"), aws.name("schedule")
        self.url = self._sqs.create_queue(QueueName=self.name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        target = {"Arn": arn, "RoleArn": aws.role("scheduler", allow("sqs:SendMessage", arn)), "Input": '{"n": 1}'}
        self.scheduler.create_schedule(
            Name=self.name, ScheduleExpression=expression, FlexibleTimeWindow={"Mode": "OFF"}, Target=target, **more
        )

    def hears(self) -> Any:
        return json.loads(eventually(lambda: self._sqs.receive_message(QueueUrl=self.url).get("Messages"))[0]["Body"])


def soon(**span: float) -> str:
    return f"at({datetime.now(UTC) + timedelta(**span):%Y-%m-%dT%H:%M:%S})"


@behaviour(
    SCHEDULER, "a one-time schedule sends its input once, at its time", SCHEDULER_GUIDE + "schedule-types.html#one-time"
)
def test_once(aws: Outside) -> None:
    assert Scheduled(aws, soon(seconds=1)).hears() == {"n": 1}


@behaviour(
    SCHEDULER, "a schedule that deletes itself is gone afterwards", SCHEDULER_GUIDE + "managing-schedule-delete.html"
)
def test_deletes_itself(aws: Outside) -> None:
    schedule = Scheduled(aws, soon(seconds=1), ActionAfterCompletion="DELETE")
    assert schedule.hears() == {"n": 1}
    missing = schedule.scheduler.exceptions.ResourceNotFoundException

    def gone() -> bool:
        try:
            schedule.scheduler.get_schedule(Name=schedule.name)
        except missing:
            return True
        return False

    assert eventually(gone)


@behaviour(SCHEDULER, "a disabled schedule sends nothing", SCHEDULER_GUIDE + "managing-schedule-state.html")
def test_disabled(aws: Outside) -> None:
    off, on = Scheduled(aws, soon(seconds=1), State="DISABLED"), Scheduled(aws, soon(seconds=1))
    on.hears()
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=off.url)


@behaviour(SCHEDULER, "an expression that is none is refused", SCHEDULER_GUIDE + "schedule-types.html")
def test_bad_expressions(aws: Outside) -> None:
    role, scheduler = aws.role("scheduler"), aws.client("scheduler")
    target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": role}
    for expression in ("rate(0 minutes)", "rate(1 fortnight)", "cron(* * *)", "hourly"):
        code, _ = refusal(
            scheduler.create_schedule,
            Name=aws.name("schedule"),
            ScheduleExpression=expression,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )
        assert code == "ValidationException", expression
