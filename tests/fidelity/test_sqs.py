from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import ACCOUNT, Outside, eventually, policy, refusal

SQS = "SQS"
GUIDE = "AWSSimpleQueueService/latest/SQSDeveloperGuide/"
API = "AWSSimpleQueueService/latest/APIReference/"


@pytest.fixture
def sqs(aws: Outside) -> Any:
    return aws.client("sqs")


@pytest.fixture
def queue(aws: Outside, sqs: Any) -> str:
    return made(sqs, aws.name("queue"))


@pytest.fixture
def fifo(aws: Outside, sqs: Any) -> str:
    return made(sqs, aws.name("queue") + ".fifo", FifoQueue="true")


def made(sqs: Any, name: str, **attributes: str) -> str:
    url: str = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def arn_of(sqs: Any, queue: str) -> str:
    arn: str = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn


def received(sqs: Any, queue: str, **more: Any) -> list[dict[str, Any]]:
    told = {"MaxNumberOfMessages": 10, **more}
    messages: list[dict[str, Any]] = sqs.receive_message(QueueUrl=queue, **told).get("Messages", [])
    return messages


def bodies(sqs: Any, queue: str, **more: Any) -> list[str]:
    return [each["Body"] for each in received(sqs, queue, **more)]


@behaviour(SQS, "a received message is invisible until its timeout is over", GUIDE + "sqs-visibility-timeout.html")
def test_visibility(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    assert bodies(sqs, queue, VisibilityTimeout=1) == ["a"]
    assert bodies(sqs, queue) == []
    assert eventually(lambda: bodies(sqs, queue)) == ["a"]


@behaviour(SQS, "a timeout of 0 makes a message visible at once", API + "API_ChangeMessageVisibility.html")
def test_visible_at_once(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    handle = received(sqs, queue)[0]["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    assert bodies(sqs, queue) == ["a"]


@behaviour(SQS, "a deleted message never comes back", API + "API_DeleteMessage.html")
def test_deletes(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    handle = received(sqs, queue, VisibilityTimeout=0)[0]["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    assert bodies(sqs, queue) == []


@behaviour(SQS, "a receive count rises with each receipt", API + "API_ReceiveMessage.html")
def test_counts_receipts(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    counts = [
        received(sqs, queue, VisibilityTimeout=0, AttributeNames=["All"])[0]["Attributes"]["ApproximateReceiveCount"]
        for _ in range(3)
    ]
    assert counts == ["1", "2", "3"]


@behaviour(SQS, "after maxReceiveCount a message moves to the dead-letter queue", GUIDE + "sqs-dead-letter-queues.html")
def test_dead_letters(aws: Outside, sqs: Any) -> None:
    dead = made(sqs, aws.name("dead"))
    redrive = json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": 2})
    queue = made(sqs, aws.name("queue"), RedrivePolicy=redrive)
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    for _ in range(2):
        assert bodies(sqs, queue, VisibilityTimeout=0) == ["poison"]
    assert bodies(sqs, queue) == []
    assert eventually(lambda: bodies(sqs, dead)) == ["poison"]


@behaviour(SQS, "a delayed message is not seen before its time", GUIDE + "sqs-delay-queues.html")
def test_delays(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="a", DelaySeconds=1)
    assert bodies(sqs, queue) == []
    assert eventually(lambda: bodies(sqs, queue)) == ["a"]


@behaviour(SQS, "long polling answers as soon as a message is there", GUIDE + "sqs-short-and-long-polling.html")
def test_long_polls(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="a", DelaySeconds=1)
    began = time.monotonic()
    assert bodies(sqs, queue, WaitTimeSeconds=20) == ["a"]
    assert time.monotonic() - began < 18


@behaviour(
    SQS, "attributes travel with the message, and MD5 covers body and attributes", GUIDE + "sqs-message-metadata.html"
)
def test_attributes(sqs: Any, queue: str) -> None:
    attributes = {"kind": {"DataType": "String", "StringValue": "x"}, "n": {"DataType": "Number", "StringValue": "1"}}
    sqs.send_message(QueueUrl=queue, MessageBody="a", MessageAttributes=attributes)
    message = received(sqs, queue, MessageAttributeNames=["kind"])[0]
    assert message["MessageAttributes"] == {"kind": attributes["kind"]}


@behaviour(SQS, "a batch of more than ten messages is refused", API + "API_SendMessageBatch.html")
def test_batches(sqs: Any, queue: str) -> None:
    entries = [{"Id": str(number), "MessageBody": "a"} for number in range(11)]
    code, _ = refusal(sqs.send_message_batch, QueueUrl=queue, Entries=entries)
    assert code == "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries[:10])["Successful"]) == 10


@behaviour(SQS, "two entries of a batch have two ids", API + "API_SendMessageBatch.html")
def test_batch_ids(sqs: Any, queue: str) -> None:
    entries = [{"Id": "same", "MessageBody": "a"}] * 2
    code, _ = refusal(sqs.send_message_batch, QueueUrl=queue, Entries=entries)
    assert code == "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"


@behaviour(SQS, "a message above 1 MiB is refused", GUIDE + "quotas-messages.html")
def test_large_messages(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 1024 * 1024)
    assert refusal(sqs.send_message, QueueUrl=queue, MessageBody="x" * (1024 * 1024 + 1))[0] == "InvalidParameterValue"


@behaviour(SQS, "an empty message is refused", API + "API_SendMessage.html")
def test_empty_messages(sqs: Any, queue: str) -> None:
    assert refusal(sqs.send_message, QueueUrl=queue, MessageBody="")[0] == "MissingParameter"


@behaviour(SQS, "a queue that is not there is QueueDoesNotExist", API + "API_GetQueueUrl.html")
def test_no_queue(sqs: Any) -> None:
    assert refusal(sqs.get_queue_url, QueueName="nothing")[0] == "AWS.SimpleQueueService.NonExistentQueue"


@behaviour(SQS, "FIFO: a message without a group is refused", GUIDE + "using-messagegroupid-property.html")
def test_groups_are_needed(sqs: Any, fifo: str) -> None:
    code, _ = refusal(sqs.send_message, QueueUrl=fifo, MessageBody="a", MessageDeduplicationId="1")
    assert code == "MissingParameter"


@behaviour(
    SQS,
    "FIFO: what was sent before with the same deduplication id is not sent again",
    GUIDE + "using-messagededuplicationid-property.html",
)
def test_deduplicates(sqs: Any, fifo: str) -> None:
    for body in ("a", "b"):
        sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId="g", MessageDeduplicationId="1")
    assert bodies(sqs, fifo) == ["a"]


@behaviour(SQS, "FIFO: by content, the same body is sent once", GUIDE + "using-messagededuplicationid-property.html")
def test_deduplicates_by_content(aws: Outside, sqs: Any) -> None:
    queue = made(sqs, aws.name("queue") + ".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for body in ("a", "a", "b"):
        sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId="g")
    assert bodies(sqs, queue) == ["a", "b"]


@behaviour(
    SQS,
    "FIFO: a group waits while one of its messages is in flight, others go on",
    GUIDE + "FIFO-queues-understanding-logic.html",
)
def test_groups_keep_order(sqs: Any, fifo: str) -> None:
    for number, group in enumerate("aabb"):
        sqs.send_message(
            QueueUrl=fifo, MessageBody=f"{group}{number}", MessageGroupId=group, MessageDeduplicationId=str(number)
        )
    first = received(sqs, fifo, MaxNumberOfMessages=1)
    assert [each["Body"] for each in first] == ["a0"]
    assert bodies(sqs, fifo) == ["b2", "b3"]
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first[0]["ReceiptHandle"])
    assert bodies(sqs, fifo) == ["a1"]


@behaviour(SQS, "FIFO: sequence numbers rise", GUIDE + "FIFO-key-terms.html")
def test_sequence_numbers(sqs: Any, fifo: str) -> None:
    numbers = [
        int(
            sqs.send_message(QueueUrl=fifo, MessageBody="a", MessageGroupId="g", MessageDeduplicationId=each)[
                "SequenceNumber"
            ]
        )
        for each in "abc"
    ]
    assert numbers == sorted(set(numbers))


@behaviour(SQS, "the policy of a queue lets another account send", GUIDE + "sqs-basic-examples-of-sqs-policies.html")
def test_policies(aws: Outside, sqs: Any, queue: str) -> None:
    arn = arn_of(sqs, queue)
    stranger = aws.client("sqs", key="111111111111")
    assert "AccessDenied" in refusal(stranger.send_message, QueueUrl=queue, MessageBody="a")[0]
    statement = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(statement)})
    stranger.send_message(QueueUrl=queue, MessageBody="a")
    assert bodies(sqs, queue) == ["a"]


@behaviour(SQS, "purging empties a queue", API + "API_PurgeQueue.html")
def test_purges(sqs: Any, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    sqs.purge_queue(QueueUrl=queue)
    assert bodies(sqs, queue) == []


@behaviour(SQS, "dead letters are sent back by a move task", GUIDE + "sqs-configure-dead-letter-queue-redrive.html")
def test_move_tasks(aws: Outside, sqs: Any) -> None:
    dead = made(sqs, aws.name("dead"))
    redrive = json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": 1})
    queue = made(sqs, aws.name("queue"), RedrivePolicy=redrive)
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    assert bodies(sqs, queue, VisibilityTimeout=0) == ["poison"]
    assert bodies(sqs, queue) == []
    sqs.start_message_move_task(SourceArn=arn_of(sqs, dead))
    assert eventually(lambda: bodies(sqs, queue)) == ["poison"]


@behaviour(SQS, "counts tell what waits and what is in flight", GUIDE + "sqs-available-cloudwatch-metrics.html")
def test_counts(sqs: Any, queue: str) -> None:
    for body in "abc":
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    received(sqs, queue, MaxNumberOfMessages=1)
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "2"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert attributes["QueueArn"].split(":")[4] == ACCOUNT
