"""Rules and schedules deliver to their targets with the rights they have, else to the target's dead letters.

Stock asks neither the target's policy nor a role, has no dead letters, and runs a function once and forgets it.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html

Nothing here fails for a while, so nothing is tried twice: a delivery is refused for good or arrives.
"""

from __future__ import annotations

import contextvars
import datetime
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.overlay.authority import Role, here, scope_of, service_denial
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.clock import VirtualDatetime
from constructs_lib.local.overlay.delivery import ACTIONS, DeliveryError, Parcel, deliver, deliver_as, service_of
from constructs_lib.local.overlay.journal import tell
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.universal_target import call, is_universal

RULES = "events.amazonaws.com"
SCHEDULES = "scheduler.amazonaws.com"
NEEDS_ROLE = {"states"}  # everything else can be let in by its own policy


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one target of a rule or schedule."""

    target: Mapping[str, Any]
    source: Mapping[str, Any]
    event: str

    @property
    def is_scheduled(self) -> bool:
        """Whether it comes from EventBridge Scheduler."""
        return "GroupName" in self.source

    @property
    def service(self) -> str:
        """The service that delivers."""
        return SCHEDULES if self.is_scheduled else RULES

    @property
    def arn(self) -> str:
        """The ARN of the rule or schedule."""
        return str(self.source["Arn"])

    @property
    def trusted_as(self) -> str:
        """The `aws:SourceArn` of the service when it assumes the target's role."""
        if not self.is_scheduled:
            return self.arn
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
        prefix, _, name = self.arn.partition(":schedule/")
        return f"{prefix}:schedule-group/{name.partition('/')[0]}"


_current: contextvars.ContextVar[Delivery | None] = contextvars.ContextVar("target_delivery", default=None)


def _wrap_target(stock: Any) -> Any:
    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        seen = base("services.eventbridge")._pattern_event_view(event).event_with_detail()
        delivery = Delivery(_with_occurrence(target, rule), rule, json.dumps(seen))
        _, _, _, region, account = delivery.arn.split(":")[:5]
        before = _current.set(delivery)
        try:
            with scope_of(account, region):
                if is_universal(str(delivery.target.get("Arn"))):
                    _call(delivery)
                else:
                    stock(delivery.target, event, rule, view)
        finally:
            _current.reset(before)

    return invoke_target


def _with_occurrence(target: Mapping[str, Any], source: Mapping[str, Any]) -> Mapping[str, Any]:
    """Tell the input of a schedule which occurrence it is.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    if "GroupName" not in source or not isinstance(target.get("Input"), str):
        return target
    told = {
        "<aws.scheduler.schedule-arn>": source["Arn"],
        "<aws.scheduler.scheduled-time>": f"{VirtualDatetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}",
        "<aws.scheduler.execution-id>": str(uuid.uuid4()),
        "<aws.scheduler.attempt-number>": "1",
    }
    text = target["Input"]
    for name, value in told.items():
        text = text.replace(name, value)
    return {**target, "Input": text}


def hand_over(arn: str, parcel: Parcel) -> None:
    """Deliver what is on its way to a target, or bury it."""
    delivery = _current.get()
    if delivery is None:
        raise AssertionError("a delivery belongs to a rule or a schedule")
    try:
        _hand_over(delivery, arn, parcel)
        tell("delivery", source=delivery.arn, target=arn, what="event")
    except DeliveryError as error:
        log.warning("%s is not delivered to %s: %s", delivery.arn, arn, error)
        _bury(delivery, error)


def _call(delivery: Delivery) -> None:
    """Make the call that a universal target is, or bury it."""
    account, _ = here()
    role = Role(delivery.target.get("RoleArn") or "", delivery.source["Name"][:64])
    keys = {"aws:SourceArn": delivery.trusted_as, "aws:SourceAccount": account}
    try:
        if denial := role.trust_denial(delivery.service, keys):
            raise DeliveryError("NO_PERMISSIONS", denial)
        call(role, str(delivery.target["Arn"]), str(delivery.target.get("Input") or "{}"))
    except DeliveryError as error:
        log.warning("%s is not delivered to %s: %s", delivery.arn, delivery.target["Arn"], error)
        _bury(delivery, error)


def _hand_over(delivery: Delivery, arn: str, parcel: Parcel) -> None:
    account, region = here()
    role_arn, service = delivery.target.get("RoleArn") or "", service_of(arn)
    if role_arn or delivery.is_scheduled or service in NEEDS_ROLE:
        role = Role(role_arn, delivery.source["Name"][:64])
        keys = {"aws:SourceArn": delivery.trusted_as, "aws:SourceAccount": account}
        if denial := role.trust_denial(delivery.service, keys):
            raise DeliveryError("NO_PERMISSIONS", denial)
        deliver_as(role, arn, parcel, region=region)
        return
    is_open = service == "events"  # a bus of the same account lets its rules in
    if not is_open and (denial := service_denial(RULES, ACTIONS.get(service, service), arn, delivery.arn, account)):
        raise DeliveryError("NO_PERMISSIONS", denial)
    deliver(arn, parcel)


def _bury(delivery: Delivery, failure: DeliveryError) -> None:
    target = (delivery.target.get("DeadLetterConfig") or {}).get("Arn") or ""
    if not target:
        return
    account, region = here()
    told = {
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": failure.message,
        "RETRY_ATTEMPTS": "0",
        "RULE_ARN" if not delivery.is_scheduled else "SCHEDULE_ARN": delivery.arn,
        "TARGET_ARN": str(delivery.target.get("Arn", "")),
    }
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
    body = delivery.target.get("Input", delivery.event) if delivery.is_scheduled else delivery.event
    try:
        if delivery.is_scheduled:
            role = Role(delivery.target.get("RoleArn") or "", delivery.source["Name"][:64])
            deliver_as(role, target, Parcel(body, attributes), region=region)
            return
        if denial := service_denial(RULES, "sqs:SendMessage", target, delivery.arn, account):
            raise DeliveryError("AccessDenied", denial)
        deliver(target, Parcel(body, attributes))
    except DeliveryError as error:
        log.warning("and not to its dead letters: %s", error)


def _wrap_simple(stock: Any) -> Any:
    del stock

    def dispatch(arn: str, payload: str) -> None:
        hand_over(arn, Parcel(payload))

    return dispatch


def _wrap_queue(stock: Any) -> Any:
    del stock

    def dispatch_to_sqs(spec: Any, payload: str, sqs_parameters: Any = None) -> None:
        group = (sqs_parameters or {}).get("MessageGroupId") or ""
        hand_over(str(spec), Parcel(payload, group=group))

    return dispatch_to_sqs


def _wrap_bus(stock: Any) -> Any:
    def dispatch_to_event_bus(
        spec: Any, event: Any, rule: Any, event_path: Any, target_input_payload: Any = None
    ) -> None:
        delivery = _current.get()
        if delivery is None or not delivery.is_scheduled:
            stock(spec, event, rule, event_path, target_input_payload)
            return
        told = delivery.target.get("EventBridgeParameters") or {}
        detail = target_input_payload or "{}"
        hand_over(str(spec), Parcel(detail, source=told.get("Source", ""), detail_type=told.get("DetailType", "")))

    return dispatch_to_event_bus


_SIMPLE = ("arn", "payload")
PATCHES = (
    Patch("services.eventbridge", "_invoke_target", ("target", "event", "rule", "view"), _wrap_target),
    Patch("services.eventbridge", "_dispatch_to_lambda", _SIMPLE, _wrap_simple),
    Patch("services.eventbridge", "_dispatch_to_sns", _SIMPLE, _wrap_simple),
    Patch("services.eventbridge", "_dispatch_to_stepfunctions", _SIMPLE, _wrap_simple),
    Patch("services.eventbridge", "_dispatch_to_sqs", ("spec", "payload", "sqs_parameters"), _wrap_queue),
    Patch(
        "services.eventbridge",
        "_dispatch_to_event_bus",
        ("spec", "event", "rule", "event_path", "target_input_payload"),
        _wrap_bus,
    ),
)
