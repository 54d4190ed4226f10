"""What passes filters of subscriptions and paths of targets, and what stock makes of both."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.runtime.deployed import REGION, App


class Inbox:
    """A queue anybody may send to."""

    def __init__(self, app: App, name: str) -> None:
        self.sqs = app.aws.client("sqs")
        self.name = f"{name}-{time.monotonic_ns()}"
        self.arn = f"arn:aws:sqs:{REGION}:000000000000:{self.name}"
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": self.arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.url = self.sqs.create_queue(QueueName=self.name, Attributes={"Policy": policy})["QueueUrl"]

    def bodies(self, count: int = 1) -> list[str]:
        """What has arrived, as soon as `count` messages have; at the latest after five looks of a second."""
        found: list[str] = []
        for _ in range(5):
            if len(found) >= count:
                break
            for each in self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
                "Messages", []
            ):
                found.append(each["Body"])
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=each["ReceiptHandle"])
        return found


class Topic:
    """A topic whose only subscription has a filter."""

    def __init__(self, app: App) -> None:
        self.sns, self.inbox = app.aws.client("sns"), Inbox(app, "filtered")
        self.arn = self.sns.create_topic(Name=self.inbox.name)["TopicArn"]
        raw = {"RawMessageDelivery": "true"}
        self.subscription = self.sns.subscribe(
            TopicArn=self.arn, Protocol="sqs", Endpoint=self.inbox.arn, Attributes=raw, ReturnSubscriptionArn=True
        )["SubscriptionArn"]

    def set(self, name: str, value: str) -> None:
        self.sns.set_subscription_attributes(
            SubscriptionArn=self.subscription, AttributeName=name, AttributeValue=value
        )

    def passes(self, scope: str, policy: Any, body: Any, attributes: dict[str, Any] | None = None) -> bool:
        """Whether a message passes; one without a filter follows it, so that nobody waits for what does not come."""
        self.set("FilterPolicyScope", scope)
        self.set("FilterPolicy", json.dumps(policy))
        message = body if isinstance(body, str) else json.dumps(body)
        self.sns.publish(TopicArn=self.arn, Message=message, MessageAttributes=attributes or {})
        self.set("FilterPolicy", "")
        self.sns.publish(TopicArn=self.arn, Message="last")
        found: list[str] = []
        while "last" not in found:
            arrived = self.inbox.bodies()
            assert arrived
            found += arrived
        return len(found) == 2


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def number(value: str) -> dict[str, str]:
    return {"DataType": "Number", "StringValue": value}


def array(*values: Any) -> dict[str, str]:
    return {"DataType": "String.Array", "StringValue": json.dumps(values)}


ATTRIBUTES: list[
    tuple[Any, dict[str, Any], bool, bool]
] = [  # the filter, the attributes, whether stock and we let pass
    ({"a": [{"numeric": [">", 0]}]}, {"a": text("5")}, True, False),
    ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": number("5")}, True, True),
    ({"a": [{"numeric": ["=", 301.5]}]}, {"a": number("3.015e2")}, True, True),
    ({"a": [None]}, {"a": array(None, "x")}, False, True),
    ({"a": ["true"]}, {"a": array(True)}, True, False),
    ({"a": [True]}, {"a": array(True)}, True, True),
    ({"a": ["x"]}, {"a": array("z", "x")}, True, True),
    ({"a": [{"anything-but": {"wildcard": "*x"}}]}, {"a": text("yx")}, False, False),
    ({"a": [{"exists": False}]}, {"b": text("x")}, True, True),
    ({"a": [{"exists": False}]}, {}, False, False),
    ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": text("y")}, True, True),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": text("10.0.1.9")}, False, False),
]
BODIES: list[tuple[Any, Any, bool, bool]] = [
    ({"a": {"b": ["x"]}}, {"a": [{"b": "y"}, {"b": "x"}]}, False, True),
    ({"a": {"b": [{"exists": False}]}}, {"a": {}}, False, True),
    ({"a": [None]}, {"a": None}, False, True),
    ({"a": {"b": ["x"]}}, {"a": {"b": "y"}}, False, False),
    ({"$or": [{"a": ["x"]}, {"b": {"c": ["y"]}}]}, {"b": {"c": "y"}}, True, True),
    ({"a": [{"prefix": "p"}]}, {"a": ["q", "pq"]}, True, True),
    ({"a": ["x"]}, "no json", False, False),
]


@pytest.fixture(scope="module")
def topics(stock: App, mended: App) -> tuple[Topic, Topic]:
    return Topic(stock), Topic(mended)


class TestTopicFilter:
    @pytest.mark.parametrize(("policy", "attributes", "by_stock", "by_us"), ATTRIBUTES)
    def test_looks_at_attributes(
        self, topics: tuple[Topic, Topic], policy: Any, attributes: dict[str, Any], by_stock: bool, by_us: bool
    ) -> None:
        found = tuple(each.passes("MessageAttributes", policy, "m", attributes) for each in topics)
        assert found == (by_stock, by_us)

    @pytest.mark.parametrize(("policy", "body", "by_stock", "by_us"), BODIES)
    def test_looks_into_bodies(
        self, topics: tuple[Topic, Topic], policy: Any, body: Any, by_stock: bool, by_us: bool
    ) -> None:
        assert tuple(each.passes("MessageBody", policy, body) for each in topics) == (by_stock, by_us)

    @pytest.mark.parametrize(
        ("policy", "reason"),
        [
            ({"a": "x"}, '"a" must be an object or an array'),
            ({"a": [{"nope": 1}]}, "Unrecognized match type nope"),
            ({"a": {"b": ["x"]}}, "does not support nested filter policy"),
            ({name: ["x"] for name in "abcdef"}, "more than 5 keys"),
        ],
    )
    def test_refuses_what_is_no_filter(self, stock: App, mended: App, policy: Any, reason: str) -> None:
        Topic(stock).set("FilterPolicy", json.dumps(policy))
        topic = Topic(mended)
        with pytest.raises(ClientError, match=reason):
            topic.set("FilterPolicy", json.dumps(policy))
        with pytest.raises(ClientError, match=reason):
            topic.sns.subscribe(
                TopicArn=topic.arn, Protocol="lambda", Endpoint=f"arn:aws:lambda:{REGION}:000000000000:function:none",
                Attributes={"FilterPolicy": json.dumps(policy)},
            )  # fmt: skip

    def test_refuses_it_in_a_template(self, mended: App) -> None:
        topic = Topic(mended)
        properties = {"TopicArn": topic.arn, "Protocol": "sqs", "Endpoint": Inbox(mended, "declared").arn}
        declared = {"Type": "AWS::SNS::Subscription", "Properties": {**properties, "FilterPolicy": {"a": "x"}}}
        with pytest.raises(AssertionError, match="must be an object or an array"):
            mended.aws.deploy("BadFilter", {"Resources": {"Subscription": declared}})


class TestEventInput:
    def delivered(self, app: App, target: dict[str, Any]) -> Any:
        events, inbox = app.aws.client("events"), Inbox(app, "targeted")
        events.put_rule(Name=inbox.name, EventPattern=json.dumps({"source": [inbox.name]}))
        events.put_targets(Rule=inbox.name, Targets=[{"Id": "1", "Arn": inbox.arn, **target}])
        detail = json.dumps({"items": [{"id": 7}, {"id": 8}]})
        events.put_events(Entries=[{"Source": inbox.name, "DetailType": "t", "Detail": detail}])
        [body] = inbox.bodies()
        return json.loads(body)

    def test_finds_items_of_arrays_for_templates(self, stock: App, mended: App) -> None:
        paths = {"first": "$.detail.items[0].id", "all": "$.detail.items[*].id", "none": "$.detail.items[5]"}
        template = '{"first": <first>, "all": <all>, "none": "<none>", "whole": <aws.events.event.json>}'
        target = {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
        assert self.delivered(stock, target)["first"] == ""
        found = self.delivered(mended, target)
        assert (found["first"], found["all"], found["none"]) == (7, [7, 8], "")
        assert found["whole"]["detail"] == {"items": [{"id": 7}, {"id": 8}]}

    def test_finds_them_for_inputs(self, stock: App, mended: App) -> None:
        target = {"InputPath": "$.detail.items[1]"}
        assert "detail" in self.delivered(stock, target)
        assert self.delivered(mended, target) == {"id": 8}
