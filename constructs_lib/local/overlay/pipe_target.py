"""What a pipe does with what it has read: enrich it, write it anew, and hand it to its target with its role.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-target.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-input-transformation.html
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from constructs_lib.local.overlay.authority import Role
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.batch_report import failed_identifiers
from constructs_lib.local.overlay.clock import virtual_time as time
from constructs_lib.local.overlay.delivery import ACTIONS, DeliveryError, Parcel, deliver, service_of
from constructs_lib.local.overlay.deployed_function import deployed_function, run
from constructs_lib.local.overlay.event_input import MissingError, at
from constructs_lib.local.overlay.pipe_source import Pipe, Record, identifier, parsed

PLACEHOLDER = re.compile(r"<(\$[^<>]*|aws\.pipes\.[^<>]+)>")
TOGETHER = {"lambda", "states"}  # targets that get the records of a batch in one array
FORGETTING = "FIRE_AND_FORGET"


def hand_over(pipe: Pipe, role: Role, records: Sequence[Record], region: str) -> set[str]:
    """Hand records to the target; the identifiers of those it says it failed on.

    Raises:
        DeliveryError: The target, or the enrichment before it, did not take them.
    """
    enriched = _enriched(pipe, role, records, region)
    told = pipe.get("TargetParameters") or {}
    template, service = told.get("InputTemplate") or "", service_of(pipe["Target"])
    bodies = [written(each, template, pipe) for each in enriched]
    if not bodies:
        return set()
    _authorize(role, pipe["Target"], region)
    if service == "lambda":
        parameters = told.get("LambdaFunctionParameters") or {}
        return _call(pipe, bodies, records, forgets=parameters.get("InvocationType") == FORGETTING)
    if service == "states":
        parameters = told.get("StepFunctionStateMachineParameters") or {}
        _execute(pipe["Target"], _array(bodies), waits=_waits(pipe["Target"], parameters))
        return set()
    for record, body in zip(enriched, bodies, strict=True):
        deliver(pipe["Target"], _parcel(pipe, record, body), principal=role.principal)
    return set()


def written(record: Any, template: str, pipe: Pipe) -> str:
    """A record as its target gets it: as it is, or by the template."""
    if not template:
        return record if isinstance(record, str) else json.dumps(record)
    seen = parsed(record) if isinstance(record, dict) else record
    values = {name: _value(name, seen, record, pipe) for name in PLACEHOLDER.findall(template)}
    if '"' not in template:  # there is no text a placeholder could stand in
        return PLACEHOLDER.sub(lambda match: json.dumps(values[match[1]]), template)
    return str(base("services.eventbridge")._render_input_template(template, values))


def _value(name: str, seen: Any, record: Any, pipe: Pipe) -> Any:
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    known = {
        "aws.pipes.pipe-arn": pipe["Arn"],
        "aws.pipes.pipe-name": pipe["Name"],
        "aws.pipes.source-arn": pipe["Source"],
        "aws.pipes.enrichment-arn": pipe.get("Enrichment") or "",
        "aws.pipes.target-arn": pipe["Target"],
        "aws.pipes.event.ingestion-time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "aws.pipes.event": record,
        "aws.pipes.event.json": seen,
    }
    if name in known:
        return known[name]
    try:
        return at(name, seen)
    except MissingError:
        return ""


def _enriched(pipe: Pipe, role: Role, records: Sequence[Record], region: str) -> list[Any]:
    """What the enrichment makes of the records; the records where there is none."""
    arn = pipe.get("Enrichment") or ""
    if not arn:
        return list(records)
    template = (pipe.get("EnrichmentParameters") or {}).get("InputTemplate") or ""
    given = _array([written(each, template, pipe) for each in records])
    service = service_of(arn)
    if service not in TOGETHER:
        raise DeliveryError("ValidationException", f"the embedded AWS enriches nothing by {arn}")
    _authorize(role, arn, region, waits=True)
    answer = _answer(arn, given) if service == "lambda" else _execute(arn, given, waits=True)
    if answer in (None, "", [], {}):
        return []
    return answer if isinstance(answer, list) else [answer]


def _authorize(role: Role, arn: str, region: str, *, waits: bool = False) -> None:
    service = service_of(arn)
    action = ACTIONS.get(service, service)
    if service == "states" and (waits or _is_express(arn)):
        action = "states:StartSyncExecution" if waits else action
    if denial := role.denial(action, arn, region=region):
        raise DeliveryError("AccessDeniedException", denial)


def _call(pipe: Pipe, bodies: list[str], records: Sequence[Record], *, forgets: bool) -> set[str]:
    if forgets:
        deliver(pipe["Target"], Parcel(_array(bodies)))
        return set()
    answer = _answer(pipe["Target"], _array(bodies))
    names = {identifier(each) for each in records}
    if not isinstance(answer, dict) or "batchItemFailures" not in answer:
        return set()
    failed = failed_identifiers(answer, names)
    return names if failed is None else failed


def _answer(arn: str, given: str) -> Any:
    """What a function returns."""
    function = deployed_function(arn)
    if function is None:
        raise DeliveryError("ResourceNotFoundException", f"Function not found: {arn}")
    result = run(function, json.loads(given))
    if result.get("throttle") or result.get("error"):
        raise DeliveryError("Lambda.Failed", f"{arn} failed: {result.get('body')}", is_final=False)
    return result.get("body")


def _execute(arn: str, given: str, *, waits: bool) -> Any:
    """Start an execution; its output where somebody waits for it."""
    if not waits:
        deliver(arn, Parcel(given))
        return None
    status, _, answered = base("services.stepfunctions")._start_sync_execution({"stateMachineArn": arn, "input": given})
    told = json.loads(answered)
    if status != HTTPStatus.OK or told.get("status") != "SUCCEEDED":
        raise DeliveryError("StepFunctions.Failed", f"{arn} failed: {told}", is_final=False)
    return json.loads(told["output"])


def _waits(arn: str, parameters: dict[str, Any]) -> bool:
    return _is_express(arn) and parameters.get("InvocationType") != FORGETTING


def _is_express(arn: str) -> bool:
    machine = base("services.stepfunctions")._state_machines.get(arn) or {}
    return bool(machine.get("type") == "EXPRESS")


def _array(bodies: list[str]) -> str:
    """One array of what each record was written as; what is no JSON is a text in it."""
    return json.dumps([_json_or_text(each) for each in bodies])


def _json_or_text(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _parcel(pipe: Pipe, record: Any, body: str) -> Parcel:
    told = pipe.get("TargetParameters") or {}
    queue, bus = told.get("SqsQueueParameters") or {}, told.get("EventBridgeEventBusParameters") or {}
    source = (record.get("eventSource") if isinstance(record, dict) else "") or "aws:pipes"
    return Parcel(
        body,
        group=_dynamic(queue.get("MessageGroupId"), record),
        deduplication=_dynamic(queue.get("MessageDeduplicationId"), record),
        source=_dynamic(bus.get("Source"), record) or f"Pipe {pipe['Name']}",
        detail_type=_dynamic(bus.get("DetailType"), record) or f"Event from {source}",
    )


def _dynamic(value: str | None, record: Any) -> str:
    """A parameter, or what stands in the record where it points to."""
    if not value or not value.startswith("$."):
        return value or ""
    try:
        return str(at(value, parsed(record) if isinstance(record, dict) else record))
    except MissingError:
        return ""
