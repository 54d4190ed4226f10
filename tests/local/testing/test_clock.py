"""What would take hours on AWS happens when the clock says so, seen from outside."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from constructs_lib.local import LocalAws
from constructs_lib.local.clock import Clock
from constructs_lib.problem import LocalError

Eventually = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("reset")


def runs(aws: LocalAws, of: str) -> list[str]:
    """The ids of the items that runs for this purpose have written, oldest first."""
    items = aws.client("dynamodb").scan(TableName=aws.outputs["Work"]["Items"])["Items"]
    return sorted(each["id"]["S"] for each in items if each["id"]["S"].startswith(of))


def messages(aws: LocalAws, queue: str) -> int:
    """How many messages can be received."""
    found = aws.client("sqs").get_queue_attributes(
        QueueUrl=aws.outputs["Work"][queue], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


NOWHERE = {"Arn": "arn:aws:sqs:us-east-1:000000000000:nobody", "RoleArn": "arn:aws:iam::000000000000:role/nobody"}


def change_schedule(aws: LocalAws, **settings: Any) -> None:
    """Change the schedule of the stack; the next reset changes it back."""
    scheduler = aws.client("scheduler")
    [listed] = scheduler.list_schedules()["Schedules"]
    found = scheduler.get_schedule(Name=listed["Name"])
    known = {name: found[name] for name in ("Name", "FlexibleTimeWindow", "ScheduleExpression", "Target", "State")}
    scheduler.update_schedule(**{**known, **settings})


class TestMoving:
    def test_it_is_ahead_by_what_it_was_advanced(self, clock: Clock) -> None:
        began, shown = datetime.now(UTC), clock.advance(days=1, hours=2)
        assert timedelta(days=1, hours=2) <= shown - began + timedelta(milliseconds=1)
        assert shown - datetime.now(UTC) <= timedelta(days=1, hours=2)

    def test_it_shows_real_time_after_a_reset(self, clock: Clock, reset: Callable[[], None]) -> None:
        clock.advance(days=1)
        reset()
        assert abs(clock.now - datetime.now(UTC)) < timedelta(minutes=5)

    def test_it_stands_still_while_it_is_frozen_and_goes_on_from_there(self, clock: Clock) -> None:
        with clock.frozen():
            before = clock.now
            time.sleep(0.05)
            assert clock.now == before
            assert clock.advance(minutes=1) == before + timedelta(minutes=1)
        time.sleep(0.01)
        assert before + timedelta(minutes=1) < clock.now < before + timedelta(minutes=2)

    def test_it_does_not_go_back(self, clock: Clock) -> None:
        with pytest.raises(LocalError) as refused:
            clock.advance(hours=-1)
        assert str(refused.value) == (
            "the clock cannot go back by 1:00:00\n  at:  clock.advance\n  fix: reset shows real time again"
        )

    def test_it_refuses_to_pass_a_thousand_occurrences_of_schedules(self, clock: Clock, local_app: LocalAws) -> None:
        change_schedule(local_app, ScheduleExpression="rate(1 minutes)", Target=NOWHERE)
        with pytest.raises(LocalError, match=r"schedules occur more than 1000 times within 86400 s; 264.. s are left"):
            clock.advance(days=1)


class TestSchedules:
    def test_one_fires_once_for_each_hour_that_passes(
        self, clock: Clock, local_app: LocalAws, eventually: Eventually
    ) -> None:
        clock.advance(minutes=59)
        assert runs(local_app, "schedule") == []
        began = time.monotonic()
        clock.advance(minutes=1)
        eventually(lambda: len(runs(local_app, "schedule")) == 1)
        assert time.monotonic() - began < 45  # a second on a quiet machine, and no minute
        clock.advance(hours=3)
        eventually(lambda: len(runs(local_app, "schedule")) == 4)
        hours = [datetime.fromisoformat(each.split()[1]) for each in runs(local_app, "schedule")]
        apart = [round((later - sooner).total_seconds() / 60) for sooner, later in itertools.pairwise(hours)]
        assert apart == [60, 60, 60]

    def test_a_rule_fires_at_three_each_night(self, clock: Clock, local_app: LocalAws, eventually: Eventually) -> None:
        change_schedule(local_app, State="DISABLED")
        clock.advance(days=2)
        eventually(lambda: len(runs(local_app, "rule")) == 2)

    def test_a_reset_lets_them_begin_anew(
        self, clock: Clock, local_app: LocalAws, reset: Callable[[], None], eventually: Eventually
    ) -> None:
        clock.advance(minutes=50)
        reset()
        clock.advance(minutes=50)
        time.sleep(0.3)
        assert runs(local_app, "schedule") == []
        clock.advance(minutes=10)
        eventually(lambda: len(runs(local_app, "schedule")) == 1)


class TestWorkflows:
    def start(self, aws: LocalAws, name: str, **told: Any) -> Callable[[], dict[str, Any]]:
        workflows = aws.client("stepfunctions")
        arn = workflows.start_execution(stateMachineArn=aws.outputs["Work"][name], input=json.dumps(told))
        return lambda: dict(workflows.describe_execution(executionArn=arn["executionArn"]))

    def test_a_wait_of_a_day_ends(self, clock: Clock, local_app: LocalAws, eventually: Eventually) -> None:
        execution = self.start(local_app, "WaitADay")
        time.sleep(0.2)
        clock.advance(hours=23)
        time.sleep(0.2)
        assert execution()["status"] == "RUNNING"
        clock.advance(hours=1)
        eventually(lambda: execution()["status"] == "SUCCEEDED")
        assert execution()["stopDate"] - execution()["startDate"] >= timedelta(days=1)

    def test_one_that_takes_too_long_is_timed_out(
        self, clock: Clock, local_app: LocalAws, eventually: Eventually
    ) -> None:
        execution = self.start(local_app, "InTime")
        time.sleep(0.2)
        clock.advance(hours=1)
        eventually(lambda: execution()["status"] == "TIMED_OUT")

    def test_a_task_that_nobody_ends_misses_its_heartbeat(
        self, clock: Clock, local_app: LocalAws, eventually: Eventually
    ) -> None:
        execution = self.start(local_app, "Callback")
        eventually(lambda: runs(local_app, "callback"))
        clock.advance(minutes=9)
        time.sleep(0.3)
        assert execution()["status"] == "RUNNING"
        clock.advance(minutes=1)
        eventually(lambda: execution()["status"] == "FAILED")
        assert execution()["error"] == "States.HeartbeatTimeout"

    def test_a_task_is_tried_again_after_its_interval(
        self, clock: Clock, local_app: LocalAws, eventually: Eventually
    ) -> None:
        with clock.frozen():
            execution = self.start(local_app, "TryAgain", **{"for": "task", "fails": True})
            for tries in (1, 2, 3):
                eventually(lambda tries=tries: len(runs(local_app, "task")) == tries)
                time.sleep(0.2)
                assert len(runs(local_app, "task")) == tries
                clock.advance(minutes=59)
                time.sleep(0.1)
                assert len(runs(local_app, "task")) == tries
                clock.advance(minutes=1)
            eventually(lambda: execution()["status"] == "FAILED")


class TestMessages:
    def test_one_that_was_received_comes_back_when_its_visibility_timeout_is_over(
        self, clock: Clock, local_app: LocalAws
    ) -> None:
        sqs, inbox = local_app.client("sqs"), local_app.outputs["Work"]["Inbox"]
        sqs.send_message(QueueUrl=inbox, MessageBody="one")
        assert len(sqs.receive_message(QueueUrl=inbox)["Messages"]) == 1
        clock.advance(minutes=14)
        assert "Messages" not in sqs.receive_message(QueueUrl=inbox)
        clock.advance(minutes=1)
        assert len(sqs.receive_message(QueueUrl=inbox)["Messages"]) == 1

    def test_one_that_is_delayed_comes_when_its_delay_is_over(self, clock: Clock, local_app: LocalAws) -> None:
        sqs, inbox = local_app.client("sqs"), local_app.outputs["Work"]["Inbox"]
        sqs.send_message(QueueUrl=inbox, MessageBody="one", DelaySeconds=600)
        assert messages(local_app, "Inbox") == 0
        clock.advance(minutes=10)
        assert messages(local_app, "Inbox") == 1

    def test_one_that_nobody_wants_is_gone_after_its_retention(self, clock: Clock, local_app: LocalAws) -> None:
        local_app.client("sqs").send_message(QueueUrl=local_app.outputs["Work"]["Inbox"], MessageBody="one")
        clock.advance(minutes=59)
        assert messages(local_app, "Inbox") == 1
        clock.advance(minutes=2)
        assert messages(local_app, "Inbox") == 0

    def test_one_that_fails_three_times_reaches_the_dead_letters_after_three_advances(
        self, clock: Clock, local_app: LocalAws, eventually: Eventually
    ) -> None:
        told = json.dumps({"for": "job", "fails": True})
        local_app.client("sqs").send_message(QueueUrl=local_app.outputs["Work"]["Jobs"], MessageBody=told)
        for tries in (1, 2, 3):
            eventually(lambda tries=tries: len(runs(local_app, "job")) == tries)
            assert messages(local_app, "Dead") == 0
            clock.advance(minutes=15)
        eventually(lambda: messages(local_app, "Dead") == 1)

    def test_dead_letters_are_sent_back_also_when_the_clock_is_ahead(
        self, clock: Clock, local_app: LocalAws, eventually: Eventually
    ) -> None:
        sqs, dead, jobs = local_app.client("sqs"), local_app.outputs["Work"]["Dead"], local_app.outputs["Work"]["Jobs"]
        clock.advance(minutes=30)
        sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"for": "again"}))
        arns = [
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            for url in (dead, jobs)
        ]
        sqs.start_message_move_task(SourceArn=arns[0], DestinationArn=arns[1])
        eventually(lambda: len(runs(local_app, "again")) == 1)

    def test_whoever_waits_for_one_is_not_held_up_by_a_frozen_clock(self, clock: Clock, local_app: LocalAws) -> None:
        began = time.monotonic()
        with clock.frozen():
            inbox = local_app.outputs["Work"]["Inbox"]
            answer = local_app.client("sqs").receive_message(QueueUrl=inbox, WaitTimeSeconds=1)
        assert "Messages" not in answer
        assert 0.9 < time.monotonic() - began < 50


class TestEvents:
    def test_one_that_fails_is_tried_three_times_and_told_its_destination(
        self, clock: Clock, local_app: LocalAws, eventually: Eventually
    ) -> None:
        name = next(each for each, path in local_app.function_paths().items() if path == "Work/Recorder")
        with clock.frozen():
            local_app.client("lambda").invoke(
                FunctionName=name, InvocationType="Event", Payload=json.dumps({"for": "event", "fails": True})
            )
            for tries in (1, 2, 3):
                eventually(lambda tries=tries: len(runs(local_app, "event")) == tries)
                time.sleep(0.2)
                assert len(runs(local_app, "event")) == tries
                clock.advance(minutes=tries)
            eventually(lambda: messages(local_app, "Dead") == 1)


class TestItems:
    def test_one_expires_when_the_clock_says_so(
        self, clock: Clock, local_app: LocalAws, eventually: Eventually
    ) -> None:
        dynamodb, table = local_app.client("dynamodb"), local_app.outputs["Work"]["Items"]
        in_an_hour = str(int(time.time()) + 3600)
        dynamodb.put_item(TableName=table, Item={"id": {"S": "short"}, "expires": {"N": in_an_hour}})
        clock.advance(minutes=59)
        time.sleep(0.1)
        assert runs(local_app, "short") == ["short"]
        clock.advance(minutes=2)
        eventually(lambda: runs(local_app, "short") == [])
