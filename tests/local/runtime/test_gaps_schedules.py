"""Schedules whose target is a call: what stock leaves undone."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.local.runtime.deployed import App
from tests.local.runtime.test_gaps_filters import Inbox
from tests.local.runtime.test_gaps_pipes import Pipes


class TestUniversalTarget:
    def schedule(self, app: App, role: str, inbox: Inbox, **more: Any) -> None:
        """Send a message to an inbox, in a second, with the API of the queue."""
        moment = time.strftime("at(%Y-%m-%dT%H:%M:%S)", time.gmtime(time.time() + 1))
        target = {
            "Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
            "RoleArn": role,
            "Input": json.dumps({"QueueUrl": inbox.url, "MessageBody": "called"}),
            **more,
        }
        app.aws.client("scheduler").create_schedule(
            Name=inbox.name, ScheduleExpression=moment, FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )

    def test_makes_any_call_with_its_role(self, stock: App, mended: App) -> None:
        def arrived(app: App) -> list[str]:
            inbox = Inbox(app, "universal")
            role = Pipes(app).role(("sqs:SendMessage", inbox.arn), service="scheduler.amazonaws.com")
            self.schedule(app, role, inbox)
            return inbox.bodies()

        assert arrived(mended) == ["called"]
        assert arrived(stock) == []

    def test_buries_what_its_role_may_not(self, mended: App) -> None:
        inbox, dead = Inbox(mended, "universal"), Inbox(mended, "buried")
        inbox.sqs.set_queue_attributes(QueueUrl=inbox.url, Attributes={"Policy": ""})
        role = Pipes(mended).role(("sqs:SendMessage", dead.arn), service="scheduler.amazonaws.com")
        self.schedule(mended, role, inbox, DeadLetterConfig={"Arn": dead.arn})
        [body] = dead.bodies()
        assert json.loads(body)["MessageBody"] == "called"
        assert "Messages" not in inbox.sqs.receive_message(QueueUrl=inbox.url)
