"""Where the messages of a topic go: to its subscribers, as far as their filter policies let them.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.addressed import node_at
from constructs_lib.assembly.flow.described import NOTIFICATION
from constructs_lib.assembly.flow.matching import matched_by_policy, unchanged
from constructs_lib.assembly.flow.message import Message, Passage
from constructs_lib.assembly.flow.queue_routes import dead_letters
from constructs_lib.assembly.flow.route import Filter, Route
from constructs_lib.assembly.text_set import Extent
from constructs_lib.assembly.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.flow.message import Document
    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.resource import Resource

TOPIC, SUBSCRIPTION, QUEUE = "AWS::SNS::Topic", "AWS::SNS::Subscription", "AWS::SQS::Queue"
NAMED = {"lambda": "AWS::Lambda::Function", "sqs": QUEUE, "firehose": "AWS::KinesisFirehose::DeliveryStream"}
BODY = "MessageBody"  # the scope of a filter policy that reads the message, not its attributes


def topic_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways that begin at topics."""
    for topic in assembly.of_type(TOPIC):
        for told in topic.values("Subscription", "*"):
            if isinstance(told, dict):
                yield from _subscription(assembly, topic, topic, told)
    for subscription in assembly.of_type(SUBSCRIPTION):
        source = assembly.target(subscription.value("TopicArn"), TOPIC)
        if source is not None:
            told = {key: subscription.value(key) for key in subscription.raw}
            yield from _subscription(assembly, source, subscription, told)


def _subscription(assembly: Assembly, topic: Node, by: Resource, told: Mapping[str, Value]) -> Iterator[Route]:
    kind = NAMED.get(str(told.get("Protocol")))
    endpoint = told.get("Endpoint")
    target = assembly.target(endpoint, kind) if kind is not None else node_at(assembly, endpoint)
    if target is None:
        return
    yield Route(topic, target, by, "delivers to", _filter(told), is_asynchronous=True)
    queue = dead_letters(assembly, told.get("RedrivePolicy"))
    if queue is not None:
        yield Route(topic, queue, by, "leaves what cannot be delivered in", _undelivered)


def _filter(told: Mapping[str, Value]) -> Filter:
    policy = told.get("FilterPolicy")
    reads_body = str(told.get("FilterPolicyScope")) == BODY
    is_raw = str(told.get("RawMessageDelivery")).lower() == "true"

    def passes(message: Message) -> Passage:
        # Unless it is raw, the message stands as text inside of another document, where no filter of a mapping looks.
        change = unchanged if is_raw else _wrapped
        return matched_by_policy(policy, message, change, reads_body=reads_body)

    return passes


def _wrapped(_body: Document) -> Document:
    return NOTIFICATION


def _undelivered(_message: Message) -> Passage:
    return Passage(Extent.SOME, "only what a subscriber does not take")
