"""One stack with every construct of the asynchronous half, and what their functions heard."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb

from constructs_lib import (
    DynamoTable,
    EventBus,
    QueueWorker,
    Schedule,
    SecureFunction,
    StreamWorker,
    Topic,
    UploadBucket,
    Workflow,
    choice,
    each,
    fail,
    parallel,
    publish,
    put_event,
    put_item,
    send,
    step,
    succeed,
    when,
)
from constructs_lib.local import LocalAws

LISTEN = "tests/end_to_end/handlers/listen.ts"
DEADLINE_SECONDS = 90.0  # all of it is needed only on a machine that is busy with something else
Answer = TypeVar("Answer")


class Events(cdk.Stack):
    def __init__(self, app: cdk.App) -> None:
        super().__init__(app, "Events")
        short = cdk.Duration.seconds(10)
        worker = QueueWorker(self, "Worker", entry=LISTEN, timeout=short)
        QueueWorker(self, "Impatient", entry=LISTEN, max_receive_count=2, timeout=short)
        QueueWorker(
            self,
            "Ordered",
            entry=LISTEN,
            max_receive_count=2,
            timeout=short,
            fifo=True,
            content_based_deduplication=True,
        )
        listener = SecureFunction(self, "Listener", entry=LISTEN, timeout=short)

        topic = Topic(self, "Topic")
        topic.subscribe(worker, filter={"kind": ["gift"]})
        topic.subscribe(listener)

        bus = EventBus(self, "Bus")
        pattern = {"source": ["orders"], "detail-type": ["placed"]}
        bus.add_rule("Placed", pattern, worker, input_path="$.detail")
        bus.add_rule("Placed", pattern, listener)

        Schedule(self, "Nightly", expression="cron(0 3 * * ? *)", target=listener, input={"said": "nightly"})

        table = DynamoTable(self, "Table", partition_key="id", stream=dynamodb.StreamViewType.NEW_IMAGE)
        StreamWorker(self, "Reader", table=table, entry=LISTEN, retry_attempts=1, timeout=short, batch_size=1)

        bucket = UploadBucket(self, "Uploads")
        bucket.on_upload(listener, prefix="in/", suffix=".png")

        Workflow(
            self,
            "Fulfil",
            steps=[
                step("Hear", listener, result="heard", undo=listener),
                parallel("Tell", [publish("Publish", topic, attributes={"kind": "card"})], [send("Send", worker)]),
                each("Each", items="{% $states.input.items %}", do=[step("Item", listener)]),
                put_item("Save", table, {"id": "{% $states.input.id %}"}),
                put_event("Announce", bus, source="workflow", detail_type="done"),
                choice(
                    "Good?",
                    when("{% $states.input.good %}", then=[succeed("Done")]),
                    otherwise=[fail("Bad", error="NotGood", cause="it said so")],
                ),
            ],
        )

        approval = Workflow(
            self,
            "Approval",
            steps=[
                step("Ask", listener, callback=True, timeout=cdk.Duration.minutes(5), result="answer"),
                succeed("Answered", output="{% $answer %}"),
            ],
        )
        approval.grant_callback(worker)


def until(ask: Callable[[], Answer], *, is_right: Callable[[Answer], Any] = bool) -> Answer:
    """Ask until the answer is right; what it was at last, if it never is."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = ask()
        if is_right(answer) or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)


def heard(aws: LocalAws, function: str, *, holding: str) -> list[Any]:
    """The events a function got that hold this text."""
    found = []
    for line in aws.logs(f"Events/{function}"):
        _, marker, told = line.partition("HEARD ")
        if not marker:
            continue
        message = json.loads(line)["message"].removeprefix("HEARD ") if line.startswith("{") else told
        if holding in message:
            found.append(json.loads(message))
    return found


def records(aws: LocalAws, function: str, *, holding: str) -> list[Any]:
    """The records a function got that hold this text, whoever else's came in the same batch."""
    events = heard(aws, function, holding=holding)
    return [record for event in events for record in event["Records"] if holding in json.dumps(record)]


def resource(aws: LocalAws, kind: str, path: str) -> str:
    """The physical id of a resource, by its construct path below the stack."""
    logical_id = "".join(path.split("/"))
    [stack] = aws.stacks
    found = [found.physical_id for found in stack.of_type(kind) if found.logical_id.startswith(logical_id)]
    if len(found) != 1:
        raise AssertionError((kind, path, found))
    return found[0]


def messages(aws: LocalAws, queue: str) -> list[Any]:
    """Take what is in a queue now."""
    sqs, found = aws.client("sqs"), []
    while batch := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        for message in batch:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        found += batch
    return found
