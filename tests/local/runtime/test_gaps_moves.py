"""Dead letters that are sent back, and what stock says to it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import REGION, App


class Queues:
    """A queue and its dead letters, with a client."""

    def __init__(self, app: App, name: str, *, fifo: bool = False) -> None:
        self.sqs, self.name = app.aws.client("sqs"), f"{name}-{time.monotonic_ns()}"
        kind = {"FifoQueue": "true"} if fifo else {}
        ending = ".fifo" if fifo else ""
        self.dead = self.sqs.create_queue(QueueName=f"{self.name}-dead{ending}", Attributes=kind)["QueueUrl"]
        policy = json.dumps({"deadLetterTargetArn": self.arn(self.dead), "maxReceiveCount": 1})
        attributes = {**kind, "RedrivePolicy": policy, "VisibilityTimeout": "0"}
        self.url = self.sqs.create_queue(QueueName=self.name + ending, Attributes=attributes)["QueueUrl"]

    def arn(self, url: str) -> str:
        return f"arn:aws:sqs:{REGION}:000000000000:{url.rpartition('/')[2]}"

    @property
    def source(self) -> str:
        return self.arn(self.dead)

    def bury(self, *bodies: str, **arguments: Any) -> None:
        """Send messages, receive them once, and see them become dead letters."""
        for number, body in enumerate(bodies):
            more = {name: f"{value}{number}" for name, value in arguments.items()}
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)
        for _ in range(2 * len(bodies) + 1):
            self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        assert self.count(self.dead) == len(bodies)

    def count(self, url: str) -> int:
        attributes = ["ApproximateNumberOfMessages"]
        told = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=attributes)
        return int(told["Attributes"]["ApproximateNumberOfMessages"])

    def move(self, **arguments: Any) -> str:
        handle: str = self.sqs.start_message_move_task(SourceArn=self.source, **arguments)["TaskHandle"]
        return handle

    def last(self) -> Any:
        return self.sqs.list_message_move_tasks(SourceArn=self.source)["Results"][0]

    def ended(self) -> Any:
        until = time.monotonic() + 90
        while self.last()["Status"] in {"RUNNING", "CANCELLING"} and time.monotonic() < until:
            time.sleep(0.02)
        return self.last()


class TestMessageMoves:
    def test_sends_dead_letters_back_to_the_queue_they_came_from(self, stock: App, mended: App) -> None:
        with pytest.raises(ClientError, match="StartMessageMoveTask is not valid"):
            Queues(stock, "back").move()
        queues = Queues(mended, "back")
        queues.bury("one", "two", "three")
        queues.move()
        task = queues.ended()
        assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 3)
        assert "TaskHandle" not in task
        assert (queues.count(queues.dead), queues.count(queues.url)) == (0, 3)
        found = queues.sqs.receive_message(
            QueueUrl=queues.url, AttributeNames=["All"], MaxNumberOfMessages=10, VisibilityTimeout=60
        )["Messages"]
        assert {each["Body"] for each in found} == {"one", "two", "three"}
        assert {each["Attributes"]["ApproximateReceiveCount"] for each in found} == {"1"}

    def test_sends_them_to_another_queue_in_the_order_of_their_groups(self, mended: App) -> None:
        queues, other = Queues(mended, "groups", fifo=True), Queues(mended, "other", fifo=True)
        queues.bury("one", "two", MessageGroupId="g", MessageDeduplicationId="d")
        queues.move(DestinationArn=queues.arn(other.url))
        assert queues.ended()["Status"] == "COMPLETED"
        found = other.sqs.receive_message(
            QueueUrl=other.url, AttributeNames=["All"], MaxNumberOfMessages=10, VisibilityTimeout=60
        )["Messages"]
        assert [(each["Body"], each["Attributes"]["MessageGroupId"]) for each in found] == [
            ("one", "g0"),
            ("two", "g1"),
        ]

    def test_moves_no_faster_than_it_is_told_and_can_be_stopped(self, mended: App) -> None:
        queues = Queues(mended, "slow")
        queues.bury(*"abcdef")
        handle = queues.move(MaxNumberOfMessagesPerSecond=2)
        with pytest.raises(ClientError, match="There is already a task running"):
            queues.move()
        assert queues.last()["TaskHandle"] == handle
        queues.sqs.cancel_message_move_task(TaskHandle=handle)
        task = queues.ended()
        assert task["Status"] == "CANCELLED"
        assert queues.count(queues.dead) == 6 - task["ApproximateNumberOfMessagesMoved"] >= 1
        with pytest.raises(ClientError, match="Only active tasks can be cancelled"):
            queues.sqs.cancel_message_move_task(TaskHandle=handle)

    def test_fails_where_it_is_not_known_where_a_message_came_from(self, mended: App) -> None:
        queues = Queues(mended, "unknown")
        queues.sqs.send_message(QueueUrl=queues.dead, MessageBody="sent here at once")
        queues.move()
        task = queues.ended()
        assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
        assert queues.count(queues.dead) == 1

    def test_refuses_what_is_no_dead_letter_queue(self, mended: App) -> None:
        queues = Queues(mended, "refused")
        with pytest.raises(ClientError, match="must be configured as a Dead Letter Queue"):
            queues.sqs.start_message_move_task(SourceArn=queues.arn(queues.url))
        with pytest.raises(ClientError, match="cannot be the same"):
            queues.move(DestinationArn=queues.source)
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            queues.sqs.start_message_move_task(SourceArn=f"{queues.source}-none")
        with pytest.raises(ClientError, match="TaskHandle is invalid"):
            queues.sqs.cancel_message_move_task(TaskHandle="nonsense")

    def test_asks_whether_the_caller_may_do_all_of_it(self, mended: App) -> None:
        queues, users, name = Queues(mended, "asked"), mended.aws.client("iam"), f"mover-{time.monotonic_ns()}"
        users.create_user(UserName=name)
        key = users.create_access_key(UserName=name)["AccessKey"]
        client = mended.aws.client("sqs", key["AccessKeyId"], key["SecretAccessKey"])

        def allow(*actions: str) -> None:
            statement = {"Effect": "Allow", "Action": list(actions), "Resource": queues.source}
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            users.put_user_policy(UserName=name, PolicyName="move", PolicyDocument=document)

        with pytest.raises(ClientError, match=f"startmessagemovetask on resource: {queues.source}"):
            client.start_message_move_task(SourceArn=queues.source)
        allow("sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:GetQueueAttributes")
        with pytest.raises(ClientError, match="sqs:DeleteMessage is needed"):
            client.start_message_move_task(SourceArn=queues.source)
        allow("sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:GetQueueAttributes", "sqs:DeleteMessage")
        assert client.start_message_move_task(SourceArn=queues.source)["TaskHandle"]
