"""Pipes of EventBridge: from queues and streams, through filter and enrichment, to any target, with their own role.

Stock reads streams of tables alone and hands them to topics and workflows, asks no role, and keeps neither filter,
template nor enrichment. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes.html

A pipe hands over one batch at a time, as soon as there is something; a pause between two tries of a stream begins at a
fifth of a second.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.overlay.authority import Role, scope_of
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.clock import CLOCK
from constructs_lib.local.overlay.clock import virtual_time as time
from constructs_lib.local.overlay.delivery import DeliveryError, Parcel, deliver_as
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.pipe_source import (
    TAKERS,
    Batch,
    Pipe,
    begin,
    identifier,
    parameters,
    problem,
    service_of_source,
)
from constructs_lib.local.overlay.pipe_target import hand_over

KEPT = ("SourceParameters", "TargetParameters", "Enrichment", "EnrichmentParameters")
SERVICE = "pipes.amazonaws.com"
LOOK_SECONDS, IDLE_SECONDS = 0.2, 1.0
PAUSE_SECONDS = (0.2, 5.0)
FOREVER = -1


@dataclass(slots=True)
class Trying:
    """How often the batch of a pipe was tried."""

    key: str = ""
    tries: int = 0
    not_before: float = 0.0


_trying: dict[str, Trying] = {}
_busy: set[str] = set()


def _wrap_loop(stock: Any) -> Any:
    del stock

    def poll_loop() -> None:
        pipes = base("services.pipes")
        while True:
            CLOCK.sleep(LOOK_SECONDS if pipes._pipes.has_any() else IDLE_SECONDS, for_work=False)
            pipes._poll_once()

    return poll_loop


def _wrap_once(stock: Any) -> Any:
    del stock

    def poll_once() -> None:
        for account, region, pipe in base("services.pipes")._iter_all_pipes():
            arn = pipe["Arn"]
            if pipe.get("CurrentState") != "RUNNING" or arn in _busy or service_of_source(pipe) not in TAKERS:
                continue
            if _trying.setdefault(arn, Trying()).not_before > time.time():
                continue
            _busy.add(arn)
            threading.Thread(target=_work, args=(pipe, account, region), name="pipe", daemon=True).start()

    return poll_once


def _work(pipe: Pipe, account: str, region: str) -> None:
    """Hand over batches until there is none, or one fails."""
    try:
        with scope_of(account, region):
            while pipe.get("CurrentState") == "RUNNING" and _next(pipe, region):
                pass
    except Exception:
        log.exception("pipe %s failed", pipe["Name"])
        _later(_trying[pipe["Arn"]])
    finally:
        _busy.discard(pipe["Arn"])


def _next(pipe: Pipe, region: str) -> bool:
    """Hand over the next batch; false when there is none, or when it has to be tried again."""
    role, account = Role(pipe.get("RoleArn") or "", "pipes"), pipe["Arn"].split(":")[4]
    reason = role.trust_denial(SERVICE, {"aws:SourceArn": pipe["Arn"], "aws:SourceAccount": account})
    if reason := reason or problem(role, pipe, region):
        if pipe.get("StateReason") != reason:
            log.warning("pipe %s does not read: %s", pipe["Name"], reason)
        pipe["StateReason"] = reason
        return False
    pipe["StateReason"] = ""
    batch = TAKERS[service_of_source(pipe)](pipe, region)
    if batch is None:
        return False
    if not batch.wanted:
        batch.end(set())
        return True
    trying = _trying[pipe["Arn"]]
    if trying.key != batch.key:
        trying.key, trying.tries = batch.key, 0
    try:
        failed = hand_over(pipe, role, batch.wanted, region)
    except DeliveryError as failure:
        log.warning("pipe %s could not deliver: %s", pipe["Name"], failure)
        failed = {identifier(each) for each in batch.wanted}
    if not failed or not batch.key:  # what failed of a queue comes back by itself
        batch.end(failed)
        return not failed
    return _again(pipe, role, batch, failed, region)


def _again(pipe: Pipe, role: Role, batch: Batch, failed: set[str], region: str) -> bool:
    """Try the failed records of a stream again, or bury them when they were tried often enough."""
    trying, limit = _trying[pipe["Arn"]], int(parameters(pipe).get("MaximumRetryAttempts", FOREVER))
    if limit == FOREVER or trying.tries < limit:
        batch.end(failed)
        _later(trying)
        return False
    target = (parameters(pipe).get("DeadLetterConfig") or {}).get("Arn") or ""
    if target:
        told = {
            "context": {"partnerResourceArn": pipe["Arn"], "condition": "RetryAttemptsExhausted"},
            "sequenceNumbers": sorted(failed),
            "sourceArn": pipe["Source"],
        }
        try:
            deliver_as(role, target, Parcel(json.dumps(told)), region=region)
        except DeliveryError as failure:
            log.warning("pipe %s has lost records: %s", pipe["Name"], failure)
    batch.end(set())
    return True


def _later(trying: Trying) -> None:
    first, longest = PAUSE_SECONDS
    trying.not_before = time.time() + min(first * 2**trying.tries, longest)
    trying.tries += 1


def forget() -> None:
    """Forget how often each batch was tried."""
    _trying.clear()


def _keep(name: str, told: Any, *, is_new: bool) -> None:
    pipe = base("services.pipes")._pipes.get(name)
    if pipe is not None:
        pipe.update({key: told[key] for key in KEPT if told.get(key)})
        for key in KEPT:
            if not is_new and key not in told and key != "SourceParameters":
                pipe.pop(key, None)
        if is_new:
            begin(pipe)


def _wrap_create(stock: Any) -> Any:
    def create_pipe(name: str, body: Any) -> Any:
        is_new = base("services.pipes")._pipes.get(name) is None
        answer = stock(name, body)
        if is_new:
            _keep(name, body, is_new=True)
        return answer

    return create_pipe


def _wrap_update(stock: Any) -> Any:
    def update_pipe(name: str, body: Any) -> Any:
        answer = stock(name, body)
        _keep(name, body, is_new=False)
        return answer

    return update_pipe


def _wrap_describe(stock: Any) -> Any:
    def describe(pipe: Any) -> Any:
        return {**stock(pipe), **{key: pipe[key] for key in KEPT if key in pipe}}

    return describe


def _wrap_fields(stock: Any) -> Any:
    def fields(props: Any) -> Any:
        return {**stock(props), **{key: props[key] for key in KEPT if key in props}}

    return fields


def _wrap_provisioner(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        name, attributes = stock(logical_id, props, stack_name)
        _keep(name, props, is_new=True)
        return name, attributes

    return create


_PIPES, _PROVISIONERS = "services.pipes", "services.cloudformation.provisioners"
PATCHES = (
    Patch(_PIPES, "_poll_loop", (), _wrap_loop),
    Patch(_PIPES, "_poll_once", (), _wrap_once),
    Patch(_PIPES, "_create_pipe", ("name", "body"), _wrap_create),
    Patch(_PIPES, "_update_pipe", ("name", "body"), _wrap_update),
    Patch(_PIPES, "_describe_response", ("pipe",), _wrap_describe),
    Patch(_PROVISIONERS, "_pipes_pipe_fields", ("props",), _wrap_fields),
    Patch(
        _PROVISIONERS,
        "_RESOURCE_HANDLERS/AWS::Pipes::Pipe/create",
        ("logical_id", "props", "stack_name"),
        _wrap_provisioner,
    ),
)
