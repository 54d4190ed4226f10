"""Alarms, alerts and a dashboard on the embedded AWS: everything deploys, and an alarm that goes off reaches people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs

from constructs_lib import Alerts, Dashboard, DynamoTable, QueueWorker, Slack, Topic
from constructs_lib.local import LocalAws
from tests.end_to_end.events_app import messages, until

LISTEN = "tests/end_to_end/handlers/listen.ts"


def watched(app: cdk.App) -> None:
    """A shop, whom its alarms tell, and a page that shows it; each a stack."""
    oncall, shop = cdk.Stack(app, "OnCall"), cdk.Stack(app, "Shop")
    pager = Topic(oncall, "Pager", encryption_key=kms.Key(oncall, "Key", enable_key_rotation=True))
    pager.topic.add_subscription(subscriptions.SqsSubscription(sqs.Queue(oncall, "NightShift")))
    Alerts(oncall, "Alerts", topic=pager, slack=Slack("T012AB3CD", "C0123456789"), of=app)
    worker = QueueWorker(shop, "Emails", entry=LISTEN)
    DynamoTable(shop, "Orders", partition_key="id").grant(worker, "GetItem", "PutItem")
    Dashboard(cdk.Stack(app, "Overview"), "Dashboard", of=app)


@pytest.fixture(scope="module")
def aws(synthesize: Callable[[Callable[[cdk.App], object]], Path]) -> Iterator[LocalAws]:
    with LocalAws.from_assembly(synthesize(watched)) as running:
        yield running


def alarms(aws: LocalAws) -> list[Any]:
    return list(aws.client("cloudwatch").describe_alarms()["MetricAlarms"])


def test_every_alarm_is_there_and_quiet(aws: LocalAws) -> None:
    told = [each["AlarmDescription"].partition(":")[0] for each in alarms(aws)]
    assert len(told) == len(["Errors", "Throttles", "Duration", "Age", "Depth", "NotEmpty"]) + 3 + len(["Pager"])
    assert {"Shop/Emails", "Shop/Emails/Function", "Shop/Emails/DeadLetters", "Shop/Orders", "OnCall/Pager"} == set(
        told
    )
    assert all(each["StateValue"] != "ALARM" for each in alarms(aws))


def test_one_that_goes_off_reaches_the_night_shift(aws: LocalAws) -> None:
    [alarm] = [each for each in alarms(aws) if each["AlarmDescription"].startswith("Shop/Emails/DeadLetters:")]
    cloudwatch = aws.client("cloudwatch")
    [queue] = aws.client("sqs").list_queues(QueueNamePrefix="OnCall-NightShift")["QueueUrls"]
    for state in ("ALARM", "OK"):
        cloudwatch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue=state, StateReason="a try")
        [message] = until(lambda: messages(aws, queue))
        told = json.loads(json.loads(message["Body"])["Message"])
        assert told["NewStateValue"] == state
        assert told["AlarmDescription"].endswith("Runbook: constructs-lib runbook dead-letters")
