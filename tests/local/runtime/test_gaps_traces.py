"""Gaps of the base in traces; see `test_gaps`."""

from __future__ import annotations

import uuid
from typing import Any

from tests.local.runtime.deployed import App

HEADER = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def carried_by_a_message(app: App, *, header: str, attribute: str = "") -> str:
    """The trace a message has whose sender sent this header, and this attribute."""
    sqs = app.aws.client("sqs")
    url = sqs.create_queue(QueueName=f"traced-{uuid.uuid4()}")["QueueUrl"]

    def add(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = header

    sqs.meta.events.register("before-sign.sqs.SendMessage", add)
    told = {"AWSTraceHeader": {"DataType": "String", "StringValue": attribute}} if attribute else {}
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageSystemAttributes=told)
    [message] = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"], WaitTimeSeconds=2)["Messages"]
    return str(message["Attributes"].get("AWSTraceHeader", ""))


class TestQueueTrace:
    def test_is_that_of_the_call_that_sent_the_message(self, stock: App, mended: App) -> None:
        assert carried_by_a_message(stock, header=HEADER) == ""
        assert carried_by_a_message(mended, header=HEADER) == HEADER

    def test_is_that_of_the_attribute_where_the_sender_spells_it_out(self, mended: App) -> None:
        assert carried_by_a_message(mended, header=HEADER, attribute="Root=own") == "Root=own"

    def test_is_none_when_the_header_is_none_of_a_trace(self, mended: App) -> None:
        assert carried_by_a_message(mended, header="Root=<script>") == ""
