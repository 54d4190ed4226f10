"""Hands a payload to a queue, topic, function, bus or state machine, for a role or for a service.

Whoever delivers has asked `authority` before, or lets `deliver_as` ask.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from constructs_lib.local.overlay.authority import Role, acting_as, scope_of
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.deployed_function import deployed_function

ACTIONS = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
    "states": "states:StartExecution",
}


class DeliveryError(Exception):
    """A payload did not arrive.

    Args:
        code: AWS's name of the error.
        message: What went wrong.
        is_final: Whether another try would end the same.
    """

    def __init__(self, code: str, message: str, *, is_final: bool = True) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is delivered.

    Args:
        body: The text of a message, or the JSON of an event.
        attributes: Message attributes, in the shape of the SQS API.
        group: The message group, for FIFO queues and topics.
        deduplication: The deduplication id, for the same.
        subject: The subject of a notification.
        source: The source of an event for a bus.
        detail_type: The detail type of the same.
    """

    body: str
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    group: str = ""
    deduplication: str = ""
    subject: str = ""
    source: str = ""
    detail_type: str = ""


def deliver_as(role: Role, arn: str, parcel: Parcel, *, region: str) -> None:
    """Deliver with the rights of a role.

    Raises:
        DeliveryError: The role may not, or the target does not take it.
    """
    service = service_of(arn)
    keys = {"events:source": parcel.source, "events:detail-type": parcel.detail_type}
    denial = role.denial(ACTIONS.get(service, service), arn, region=region, keys=keys if service == "events" else None)
    if denial:
        raise DeliveryError("AccessDeniedException", denial)
    deliver(arn, parcel, principal=role.principal)


def deliver(arn: str, parcel: Parcel, *, principal: str = "") -> None:
    """Deliver; that it is allowed is known.

    Args:
        arn: The ARN of the target.
        parcel: What to deliver.
        principal: Who delivers, for the policies that deny. Default: the account.

    Raises:
        DeliveryError: The target does not exist or does not take it.
    """
    service = service_of(arn)
    ways = {"sqs": _send, "sns": _publish, "lambda": _invoke, "events": _put, "states": _start}
    if service not in ways:
        raise DeliveryError("ValidationException", f"the embedded AWS delivers nothing to {arn}")
    _, _, _, region, account = arn.split(":")[:5]
    with scope_of(account, region):
        acting_as(principal, lambda: ways[service](arn, parcel))


def service_of(arn: str) -> str:
    """The service of an ARN; empty where it is none."""
    found = re.match(r"arn:[^:]*:([^:]+):", arn)
    return found[1] if found else ""


def _send(arn: str, parcel: Parcel) -> None:
    sqs = base("services.sqs")
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        raise DeliveryError("AWS.SimpleQueueService.NonExistentQueue", f"the queue {arn} does not exist")
    message: dict[str, Any] = {"QueueUrl": queue["url"], "MessageBody": parcel.body}
    if parcel.attributes:
        message["MessageAttributes"] = parcel.attributes
    if queue["is_fifo"]:
        message["MessageGroupId"] = parcel.group
        if parcel.deduplication:
            message["MessageDeduplicationId"] = parcel.deduplication
    try:
        sqs._act_send_message(message, queue["url"])
    except sqs._Err as error:
        raise DeliveryError(error.code, error.message) from error


def _publish(arn: str, parcel: Parcel) -> None:
    sns = base("services.sns")
    try:
        result = sns.publish_internal(
            arn,
            parcel.body,
            parcel.subject,
            message_attributes=parcel.attributes,
            message_group_id=parcel.group,
            message_deduplication_id=parcel.deduplication,
        )
    except sns.SnsPublishError as error:
        raise DeliveryError(error.code, str(error)) from error
    if result is None:
        raise DeliveryError("NotFound", f"the topic {arn} does not exist")


def _invoke(arn: str, parcel: Parcel) -> None:
    function = deployed_function(arn)
    if function is None:
        raise DeliveryError("ResourceNotFoundException", f"Function not found: {arn}")
    base("services.lambda_svc").invoke_async_with_retry(function, json.loads(parcel.body))


def _put(arn: str, parcel: Parcel) -> None:
    entry = {
        "EventBusName": arn.partition("event-bus/")[2],
        "Source": parcel.source,
        "DetailType": parcel.detail_type,
        "Detail": parcel.body,
    }
    events = base("services.eventbridge")
    if entry["EventBusName"] not in events._event_buses:
        raise DeliveryError("ResourceNotFoundException", f"Event bus {entry['EventBusName']} does not exist.")
    _, _, answer = events._put_events({"Entries": [entry]}, allow_aws_source=True)
    [result] = json.loads(answer)["Entries"]
    if "ErrorCode" in result:
        raise DeliveryError(result["ErrorCode"], result["ErrorMessage"])


def _start(arn: str, parcel: Parcel) -> None:
    status, _, answer = base("services.stepfunctions")._start_execution({"stateMachineArn": arn, "input": parcel.body})
    if status != HTTPStatus.OK:
        told = json.loads(answer)
        raise DeliveryError(told.get("__type", "ServiceException"), told.get("message", ""))
