from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import Outside, allow, eventually, policy, refusal
from tests.fidelity.test_step_functions import Machine

SNS = "SNS"
GUIDE = "sns/latest/dg/"
API = "sns/latest/api/"


class Listener:
    """A queue that hears a topic."""

    def __init__(self, aws: Outside, topic: str, **attributes: str) -> None:
        self._sqs = aws.client("sqs")
        suffix = ".fifo" if topic.endswith(".fifo") else ""
        fifo = {"FifoQueue": "true"} if suffix else {}
        self.url = self._sqs.create_queue(QueueName=aws.name("listener") + suffix, Attributes=fifo)["QueueUrl"]
        self.arn = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.arn,
        }
        self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy(statement)})
        self.subscription = aws.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=self.arn, Attributes=attributes, ReturnSubscriptionArn=True
        )["SubscriptionArn"]

    def hears(self, count: int = 1) -> list[str]:
        """The next messages."""
        found: list[str] = []

        def enough() -> bool:
            answer = self._sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=60
            )
            self.messages = answer.get("Messages", [])
            found.extend(each["Body"] for each in self.messages)
            return len(found) >= count

        eventually(enough)
        return found


@pytest.fixture
def sns(aws: Outside) -> Any:
    return aws.client("sns")


@pytest.fixture
def topic(aws: Outside, sns: Any) -> str:
    arn: str = sns.create_topic(Name=aws.name("topic"))["TopicArn"]
    return arn


@behaviour(SNS, "a queue gets an envelope that names topic and message", GUIDE + "sns-message-and-json-formats.html")
def test_envelope(aws: Outside, sns: Any, topic: str) -> None:
    listener = Listener(aws, topic)
    message_id = sns.publish(TopicArn=topic, Message="hello", Subject="s")["MessageId"]
    envelope = json.loads(listener.hears()[0])
    wanted = {"Type": "Notification", "MessageId": message_id, "TopicArn": topic, "Subject": "s", "Message": "hello"}
    assert {key: envelope.get(key) for key in wanted} == wanted
    assert {"Timestamp", "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL"} <= set(envelope)


@behaviour(
    SNS,
    "with raw delivery a queue gets the message alone, and its attributes",
    GUIDE + "sns-large-payload-raw-message-delivery.html",
)
def test_raw(aws: Outside, sns: Any, topic: str) -> None:
    listener = Listener(aws, topic, RawMessageDelivery="true")
    attributes = {"kind": {"DataType": "String", "StringValue": "x"}}
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes=attributes)
    assert listener.hears() == ["hello"]
    assert listener.messages[0]["MessageAttributes"] == attributes


FILTERS = [
    ("exact text", {"kind": ["x"]}, "x", "y"),
    ("prefix", {"kind": [{"prefix": "x-"}]}, "x-1", "y-1"),
    ("suffix", {"kind": [{"suffix": "-x"}]}, "1-x", "1-y"),
    ("anything but", {"kind": [{"anything-but": ["x"]}]}, "y", "x"),
    ("ignoring case", {"kind": [{"equals-ignore-case": "ABC"}]}, "abC", "ab"),
]


@behaviour(
    SNS,
    "a filter on attributes lets exact texts, prefixes, suffixes and their opposites pass",
    GUIDE + "string-value-matching.html",
)
def test_filters(aws: Outside, sns: Any, topic: str) -> None:
    listeners = [
        Listener(aws, topic, RawMessageDelivery="true", FilterPolicy=json.dumps(rule)) for _, rule, _, _ in FILTERS
    ]
    for (name, _, passes, stays), listener in zip(FILTERS, listeners, strict=True):
        for value in (stays, passes):
            sns.publish(
                TopicArn=topic,
                Message=f"{name}: {value}",
                MessageAttributes={"kind": {"DataType": "String", "StringValue": value}},
            )
        heard = listener.hears()
        assert f"{name}: {passes}" in heard
        assert f"{name}: {stays}" not in heard


@behaviour(SNS, "a filter on numbers compares", GUIDE + "numeric-value-matching.html")
def test_numbers(aws: Outside, sns: Any, topic: str) -> None:
    rule = json.dumps({"price": [{"numeric": [">=", 10, "<", 20]}]})
    listener = Listener(aws, topic, RawMessageDelivery="true", FilterPolicy=rule)
    for price in ("9.99", "20", "15"):
        sns.publish(
            TopicArn=topic, Message=price, MessageAttributes={"price": {"DataType": "Number", "StringValue": price}}
        )
    assert listener.hears() == ["15"]


@behaviour(SNS, "a filter on the body reads its JSON, nested", GUIDE + "sns-message-filtering-scope.html")
def test_bodies(aws: Outside, sns: Any, topic: str) -> None:
    rule = json.dumps({"order": {"status": ["paid"]}})
    listener = Listener(aws, topic, RawMessageDelivery="true", FilterPolicy=rule, FilterPolicyScope="MessageBody")
    texts = ["no json", json.dumps({"order": {"status": "new"}}), json.dumps({"order": {"status": "paid"}})]
    for text in texts:
        sns.publish(TopicArn=topic, Message=text)
    assert listener.hears() == [texts[2]]


@behaviour(
    SNS,
    "a filter wants every named attribute: several names are and, several values are or",
    GUIDE + "and-or-logic.html",
)
def test_and_or(aws: Outside, sns: Any, topic: str) -> None:
    rule = json.dumps({"kind": ["x", "y"], "size": [{"exists": True}]})
    listener = Listener(aws, topic, RawMessageDelivery="true", FilterPolicy=rule)
    for message, attributes in (("kind only", {"kind": "x"}), ("both", {"kind": "y", "size": "1"})):
        told = {key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()}
        sns.publish(TopicArn=topic, Message=message, MessageAttributes=told)
    assert listener.hears() == ["both"]


@behaviour(SNS, "a filter that is no filter is refused", GUIDE + "sns-subscription-filter-policies.html")
def test_bad_filters(aws: Outside, topic: str) -> None:
    queue = Listener(aws, topic)
    code, _ = refusal(
        aws.client("sns").set_subscription_attributes,
        SubscriptionArn=queue.subscription,
        AttributeName="FilterPolicy",
        AttributeValue=json.dumps({"kind": "not a list"}),
    )
    assert code == "InvalidParameter"


@behaviour(SNS, "FIFO topics keep the order of a group and drop duplicates", GUIDE + "fifo-topic-message-ordering.html")
def test_fifo(aws: Outside, sns: Any) -> None:
    topic = sns.create_topic(Name=aws.name("topic") + ".fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    listener = Listener(aws, topic, RawMessageDelivery="true")
    for message, once in (("1", "a"), ("again", "a"), ("2", "b")):
        sns.publish(TopicArn=topic, Message=message, MessageGroupId="g", MessageDeduplicationId=once)
    assert listener.hears(2) == ["1", "2"]


@behaviour(SNS, "a batch holds ten messages at most", API + "API_PublishBatch.html")
def test_batches(aws: Outside, sns: Any, topic: str) -> None:
    listener = Listener(aws, topic, RawMessageDelivery="true")
    entries = [{"Id": str(number), "Message": f"{number}"} for number in range(11)]
    assert (
        refusal(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)[0]
        == "TooManyEntriesInBatchRequest"
    )
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries[:10])
    assert sorted(listener.hears(10), key=int) == [str(number) for number in range(10)]


@behaviour(SNS, "a message above 256 KiB is refused", API + "API_Publish.html")
def test_large_messages(sns: Any, topic: str) -> None:
    assert refusal(sns.publish, TopicArn=topic, Message="x" * (256 * 1024 + 1))[0] == "InvalidParameter"


@behaviour(SNS, "a topic that is not there is NotFound", API + "API_Publish.html")
def test_no_topic(sns: Any, topic: str) -> None:
    assert refusal(sns.publish, TopicArn=f"{topic}-not", Message="a")[0] == "NotFound"


@behaviour(SNS, "a queue that lets nobody send hears nothing", GUIDE + "subscribe-sqs-queue-to-sns-topic.html")
def test_queue_policy(aws: Outside, sns: Any, topic: str) -> None:
    closed, heard = Listener(aws, topic), Listener(aws, topic)
    aws.client("sqs").set_queue_attributes(QueueUrl=closed.url, Attributes={"Policy": ""})
    sns.publish(TopicArn=topic, Message="a")
    heard.hears()
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=closed.url)


@behaviour(
    "Step Functions",
    "a task publishes to a topic and gives the message's id",
    "step-functions/latest/dg/connect-sns.html",
)
def test_topics(aws: Outside, topic: str) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "End": True,
        "Parameters": {"TopicArn": topic, "Message.$": "$.text"},
    }
    assert "MessageId" in Machine(aws, {"Tell": task}, allow("sns:Publish", topic)).output({"text": "x"})
