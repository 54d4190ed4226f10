"""A bucket tells a function that lets it, and a bus the version of the object.

Stock invokes a function without its permission, and accepts it as a destination; its events have no `version-id`.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
"""

from __future__ import annotations

import contextvars
import json
from typing import Any

from constructs_lib.local.overlay.authority import here, service_denial
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.delivery import DeliveryError, Parcel, deliver
from constructs_lib.local.overlay.journal import tell
from constructs_lib.local.overlay.patching import Patch

SERVICE = "s3.amazonaws.com"
_version: contextvars.ContextVar[str] = contextvars.ContextVar("object_version", default="")


def _bucket_arn(payload: Any) -> str:
    name = payload["Records"][0]["s3"]["bucket"]["name"] if "Records" in payload else payload.get("Bucket", "")
    return f"arn:aws:s3:::{name}"


def _wrap_function(stock: Any) -> Any:
    del stock

    def deliver_event_to_lambda(arn: str, event_payload: Any, bucket_region: str) -> None:
        del bucket_region
        _deliver(arn, "lambda:InvokeFunction", event_payload)

    return deliver_event_to_lambda


def _wrap_queue(stock: Any) -> Any:
    del stock

    def deliver_event_to_sqs(arn: str, event_payload: Any, bucket_region: str, bucket_name: str = "") -> None:
        del bucket_region, bucket_name
        _deliver(arn, "sqs:SendMessage", event_payload)

    return deliver_event_to_sqs


def _deliver(arn: str, action: str, payload: Any) -> None:
    account, _ = here()
    source = _bucket_arn(payload)
    try:
        if denial := service_denial(SERVICE, action, arn, source, account):
            raise DeliveryError("AccessDenied", denial)
        deliver(arn, Parcel(json.dumps(payload)))
        tell("delivery", source=source, target=arn, what="notification")
    except DeliveryError as error:
        log.warning("%s does not tell %s: %s", source, arn, error)


def _wrap_validation(stock: Any) -> Any:
    def validate_notification_configs(
        configs: Any, bucket_region: str, bucket_name: str = "", skip_destination_validation: bool = False
    ) -> Any:
        problem = stock(configs, bucket_region, bucket_name, skip_destination_validation)
        if problem is not None or skip_destination_validation:
            return problem
        account, _ = here()
        functions = [each["arn"] for each in configs if each["type"] == "lambda"]
        source, action = f"arn:aws:s3:::{bucket_name}", "lambda:InvokeFunction"
        refused = [each for each in functions if service_denial(SERVICE, action, each, source, account)]
        if not refused:
            return None
        told = f"Unable to validate the following destination configurations: {', '.join(refused)}"
        return base("services.s3")._invalid_notification_config(told)

    return validate_notification_configs


def _wrap_fire(stock: Any) -> Any:
    def fire_s3_event(bucket_name: str, key: str, event_name: str, *rest: Any, **more: Any) -> None:
        before = _version.set(str(more.get("version_id") or ""))
        try:
            stock(bucket_name, key, event_name, *rest, **more)
        finally:
            _version.reset(before)

    return fire_s3_event


def _wrap_dispatch(stock: Any) -> Any:
    def dispatch_event(event: Any, view: Any = None) -> None:
        version = _version.get()
        if event.get("Source") == "aws.s3" and version:
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event, view = {**event, "Detail": json.dumps(detail)}, None
        stock(event, view)

    return dispatch_event


PATCHES = (
    Patch("services.s3", "_deliver_event_to_lambda", ("arn", "event_payload", "bucket_region"), _wrap_function),
    Patch(
        "services.s3", "_deliver_event_to_sqs", ("arn", "event_payload", "bucket_region", "bucket_name"), _wrap_queue
    ),
    Patch(
        "services.s3",
        "_validate_notification_configs",
        ("configs", "bucket_region", "bucket_name", "skip_destination_validation"),
        _wrap_validation,
    ),
    Patch(
        "services.s3",
        "_fire_s3_event",
        (
            "bucket_name",
            "key",
            "event_name",
            "size",
            "etag",
            "deletion_type",
            "restore_event_data",
            "version_id",
            "sequencer",
            "object_extra",
            "record_extra",
        ),
        _wrap_fire,
    ),
    Patch("services.eventbridge", "_dispatch_event", ("event", "view"), _wrap_dispatch),
)
