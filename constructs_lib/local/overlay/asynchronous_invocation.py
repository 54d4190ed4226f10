"""One path for every asynchronous invocation: queued, tried again, aged, and its end reported.

Stock has this path for `InvocationType=Event` and S3 alone, knows no success destination, sends a destination's
record to the dead-letter queue, counts a throttled try as a try, asks no role, and reads the settings of `$LATEST` for
every alias. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html

Two numbers differ from AWS's on purpose: the pauses before the second and the third try are a 120th of the real
minute and two, and ten events of one function run at once, as this machine has few cores.
"""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from constructs_lib.local.overlay import reset_era
from constructs_lib.local.overlay.authority import Role, scope_of
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.clock import virtual_time as time
from constructs_lib.local.overlay.delivery import DeliveryError, Parcel, deliver_as
from constructs_lib.local.overlay.deployed_function import deployed_function, run
from constructs_lib.local.overlay.journal import tell
from constructs_lib.local.overlay.lambda_executor import identity_now, request_identity
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.trace import carried

RETRIES = 2
AGE_SECONDS = 21_600
PAUSE_SECONDS = (0.5, 1.0)
THROTTLED_SECONDS = (0.1, 5.0)  # the first pause after a throttled try, and the longest
AT_ONCE = 10
ERROR_MESSAGE_CHARACTERS = 1024

_slots: dict[str, threading.Semaphore] = {}
_slots_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Settings:
    """How a function wants its events handled.

    Args:
        retries: How many more times a failed event is tried.
        age_seconds: How long it is tried.
        on_success: The ARN that hears of success; empty for none.
        on_failure: The ARN that hears of failure; empty for none.
        dead_letters: The ARN of the dead-letter queue or topic; empty for none.
    """

    retries: int
    age_seconds: float
    on_success: str
    on_failure: str
    dead_letters: str


@dataclass(slots=True)
class Event:
    """One event on its way through a function."""

    record: dict[str, Any]
    payload: Any
    settings: Settings
    request_id: str
    received: float
    tries: int = 0

    @property
    def configuration(self) -> dict[str, Any]:
        """The configuration of the function."""
        return self.record.get("config") or self.record

    @property
    def arn(self) -> str:
        """The ARN it was invoked by."""
        return str(self.configuration["FunctionArn"])

    def is_too_old_after(self, pause: float) -> bool:
        """Whether it will be older than its function allows."""
        return time.time() - self.received + pause > self.settings.age_seconds


def _wrap(stock: Any) -> Any:
    del stock

    def invoke_async_with_retry(func: Any, event: Any) -> None:
        record = dict(func)
        queued = Event(record, event, settings_of(record), identity_now() or str(uuid.uuid4()), time.time())
        threading.Thread(target=carried(_run), args=(queued,), name=f"asynchronous {queued.arn}", daemon=True).start()

    return invoke_async_with_retry


def settings_of(record: dict[str, Any]) -> Settings:
    """The settings of the function, version or alias that is invoked."""
    configuration = record.get("config") or record
    arn = configuration["FunctionArn"]
    _, _, _, region, account, _, name, *qualifier = arn.split(":")
    lambda_svc = base("services.lambda_svc")
    with scope_of(account, region):
        function = lambda_svc._functions.get(name) or {}
        told = None
        for each in [*qualifier, "$LATEST", None] if not qualifier or qualifier == ["$LATEST"] else qualifier:
            told = told or lambda_svc._event_invoke_config(function, each)
    told = told or {}
    destinations = told.get("DestinationConfig") or {}
    retries, age = told.get("MaximumRetryAttempts"), told.get("MaximumEventAgeInSeconds")
    return Settings(
        retries=RETRIES if retries is None else int(retries),
        age_seconds=AGE_SECONDS if age is None else float(age),
        on_success=(destinations.get("OnSuccess") or {}).get("Destination") or "",
        on_failure=(destinations.get("OnFailure") or {}).get("Destination") or "",
        dead_letters=(configuration.get("DeadLetterConfig") or {}).get("TargetArn") or "",
    )


def _run(event: Event) -> None:
    reset_era.belong()
    _, _, _, region, account = event.arn.split(":")[:5]
    with scope_of(account, region):
        condition, result = _try_until_done(event)
        if condition == "Success":
            _tell(event, event.settings.on_success, condition, result)
            return
        _tell(event, event.settings.on_failure, condition, result)
        _bury(event, result)


def _try_until_done(event: Event) -> tuple[str, dict[str, Any]]:
    throttled_pause, longest = THROTTLED_SECONDS
    result: dict[str, Any] = {}
    while True:
        with _slot(event.arn):
            if event.is_too_old_after(0):
                return "EventAgeExceeded", result
            with request_identity(event.request_id):
                result = run(deployed_function(event.arn) or event.record, event.payload)
        if result.get("throttle"):  # not a try of the function: Lambda keeps it in its own queue
            pause, throttled_pause = throttled_pause, min(throttled_pause * 2, longest)
        elif not result.get("error"):
            event.tries += 1
            return "Success", result
        else:
            event.tries += 1
            if event.tries > event.settings.retries or result.get("recursive"):
                return "RetriesExhausted", result
            pause = PAUSE_SECONDS[min(event.tries, len(PAUSE_SECONDS)) - 1]
        if event.is_too_old_after(pause):
            return "EventAgeExceeded", result
        time.sleep(pause)


def _slot(arn: str) -> threading.Semaphore:
    with _slots_lock:
        return _slots.setdefault(arn, threading.Semaphore(AT_ONCE))


def _tell(event: Event, destination: str, condition: str, result: dict[str, Any]) -> None:
    """Send the record of an end to a destination.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    if not destination:
        return
    version = event.configuration.get("Version") or "$LATEST"
    response: dict[str, Any] = {"statusCode": 200, "executedVersion": version}
    if condition != "Success":
        response["functionError"] = result.get("function_error") or "Unhandled"
    _, _, _, _, _, _, _, *qualifier = event.arn.split(":")
    record = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": event.arn if qualifier else f"{event.arn}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": event.tries,
        },
        "requestPayload": event.payload,
        "responseContext": response,
        "responsePayload": result.get("body"),
    }
    outcome = "Success" if condition == "Success" else "Failure"
    detail_type = f"Lambda Function Invocation Result - {outcome}"
    _deliver(event, destination, Parcel(json.dumps(record), source="lambda", detail_type=detail_type))


def _bury(event: Event, result: dict[str, Any]) -> None:
    """Send the event as it came to the dead-letter queue."""
    if not event.settings.dead_letters:
        return
    body = result.get("body")
    message = body.get("errorMessage", "") if isinstance(body, dict) else str(body or "")
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": event.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "429" if result.get("throttle") else "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": message[:ERROR_MESSAGE_CHARACTERS] or "unknown"},
    }
    _deliver(event, event.settings.dead_letters, Parcel(json.dumps(event.payload), attributes))


def _deliver(event: Event, target: str, parcel: Parcel) -> None:
    role = Role(event.configuration.get("Role") or "", event.configuration["FunctionName"])
    try:
        deliver_as(role, target, parcel, region=event.arn.split(":")[3])
        tell("delivery", source=event.arn, target=target, what="record")
    except DeliveryError as error:
        log.warning("%s lost an event, as Lambda would: %s cannot have it: %s", event.arn, target, error)


PATCHES = (Patch("services.lambda_svc", "invoke_async_with_retry", ("func", "event"), _wrap),)
