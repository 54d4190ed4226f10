"""A topic delivers to its subscriptions: to whom their policies let it, else to the dead letters of the subscription.

Stock forgets what cannot be delivered, runs a function without its permission, without a second try and without its
dead letters. https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
"""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.overlay.authority import scope_of, service_denial
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.delivery import DeliveryError, Parcel, deliver
from constructs_lib.local.overlay.journal import tell
from constructs_lib.local.overlay.patching import Patch

SERVICE = "sns.amazonaws.com"
Subscription = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Notification:
    """One published message."""

    topic: str
    id: str
    message: str
    subject: str
    structure: str
    given_attributes: dict[str, Any] | None
    group: str
    deduplication: str

    @property
    def attributes(self) -> dict[str, Any]:
        """Its attributes, in the shape of the API."""
        return self.given_attributes or {}

    def text_for(self, protocol: str) -> str:
        """The message as that protocol gets it."""
        return str(base("services.sns")._resolve_message_for_protocol(self.message, self.structure, protocol))

    def envelope_for(self, protocol: str) -> str:
        """The notification around the message."""
        sns = base("services.sns")
        return str(
            sns._build_envelope(self.topic, self.id, self.text_for(protocol), self.subject, self.attributes, False)
        )


def _wrap(stock: Any) -> Any:
    signature = inspect.signature(stock)

    def fanout(*arguments: Any, **named: Any) -> None:
        given = signature.bind(*arguments, **named)
        given.apply_defaults()
        told = Notification(*given.arguments.values())
        sns = base("services.sns")
        topic = sns._topic_by_arn_any_scope(told.topic)
        if topic is None:
            return
        _, _, _, region, account = told.topic.split(":")[:5]
        with scope_of(account, region):
            for each in list(topic["subscriptions"]):
                is_wanted = sns._matches_filter_policy(each, told.attributes, told.text_for(each["protocol"]))
                if each.get("confirmed") and is_wanted:
                    _deliver(each, told, account)

    return fanout


def _deliver(subscription: Subscription, told: Notification, account: str) -> None:
    protocol, endpoint = subscription["protocol"], subscription["endpoint"]
    parcel = _parcel(subscription, told)
    try:
        if protocol == "sqs":
            _to(endpoint, "sqs:SendMessage", parcel, told.topic, account)
        elif protocol == "lambda":
            body = Parcel(json.dumps(_event(subscription, told)))
            _to(endpoint, "lambda:InvokeFunction", body, told.topic, account)
        elif protocol in {"http", "https"}:
            text = told.envelope_for(protocol)
            post = base("services.sns")._deliver_to_http
            threading.Thread(target=lambda: asyncio.run(post(endpoint, text)), daemon=True).start()
    except DeliveryError as error:
        _bury(subscription, parcel, told, account, error)


def _to(arn: str, action: str, parcel: Parcel, topic: str, account: str) -> None:
    if denial := service_denial(SERVICE, action, arn, topic, account):
        raise DeliveryError("AccessDenied", denial)
    deliver(arn, parcel)
    tell("delivery", source=topic, target=arn, what="notification")


def _parcel(subscription: Subscription, told: Notification) -> Parcel:
    """The message of a queue, plain or in its envelope."""
    protocol = subscription["protocol"]
    if _settings(subscription).get("RawMessageDelivery") == "true":
        text, attributes = told.text_for(protocol), told.attributes
    else:
        text, attributes = told.envelope_for(protocol), {}
    return Parcel(text, attributes, group=told.group, deduplication=told.deduplication)


def _event(subscription: Subscription, told: Notification) -> dict[str, Any]:
    """The event of a function.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
    """
    notification = {"Subject": None, "MessageAttributes": {}, **json.loads(told.envelope_for("lambda"))}
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription["arn"],
        "EventSource": "aws:sns",
        "Sns": notification,
    }
    return {"Records": [record]}


def _bury(subscription: Subscription, parcel: Parcel, told: Notification, account: str, failure: DeliveryError) -> None:
    log.warning("%s is not delivered to %s: %s", told.topic, subscription["endpoint"], failure)
    redrive = _settings(subscription).get("RedrivePolicy")
    if not redrive:
        return
    target = json.loads(redrive).get("deadLetterTargetArn", "")
    try:
        _to(target, "sqs:SendMessage", parcel, told.topic, account)
    except DeliveryError as error:
        log.warning("and not to its dead letters: %s", error)


def _settings(subscription: Subscription) -> Mapping[str, str]:
    found: Mapping[str, str] = subscription.get("attributes") or {}
    return found


PATCHES = (
    Patch(
        "services.sns",
        "_fanout",
        (
            "topic_arn",
            "msg_id",
            "message",
            "subject",
            "message_structure",
            "message_attributes",
            "message_group_id",
            "message_dedup_id",
        ),
        _wrap,
    ),
)
