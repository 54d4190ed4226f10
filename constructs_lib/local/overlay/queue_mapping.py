"""SQS event source mappings, as Lambda polls for them.

Stock polls without asking the role of the function, gives a batch up to ten messages whatever is stated, ignores
the batching window, runs one batch of a FIFO queue at a time, takes a malformed report of failures for success, keeps
what a filter dropped when the batch fails, and does not try a throttled batch again.
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from constructs_lib.local.overlay import reset_era
from constructs_lib.local.overlay.authority import Role, scope_of
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.batch_report import failed_identifiers
from constructs_lib.local.overlay.clock import virtual_time as time
from constructs_lib.local.overlay.deployed_function import deployed_function, run
from constructs_lib.local.overlay.mapping_filter import filter_of
from constructs_lib.local.overlay.mapping_permissions import queue_problem
from constructs_lib.local.overlay.patching import Patch

RECEIVED_AT_ONCE = 10
CONCURRENCY = 5  # of a mapping that states none; Lambda goes to a thousand, on more cores than this machine has
PAYLOAD_BYTES = 6_000_000
RECORD_BYTES = 1_000  # of a record, around its body
THROTTLED_SECONDS = (0.1, 2.0)

Mapping = dict[str, Any]
Message = dict[str, Any]


@dataclass(slots=True)
class Gathering:
    """Messages received for a batch that is not full yet."""

    messages: list[Message] = field(default_factory=list)
    since: float = 0.0

    @property
    def bytes(self) -> int:
        """About what the batch will weigh."""
        return sum(len(each["body"]) + RECORD_BYTES for each in self.messages)


_gathering: dict[str, Gathering] = {}


@dataclass(frozen=True, slots=True)
class Source:
    """A mapping with what it maps, as it is now."""

    mapping: Mapping
    record: dict[str, Any]
    queue: dict[str, Any]
    region: str
    era: int = field(default_factory=reset_era.current)

    @property
    def id(self) -> str:
        """The id of the mapping."""
        return str(self.mapping["UUID"])

    @property
    def role(self) -> Role:
        """The role Lambda polls with."""
        configuration = self.record["config"]
        return Role(configuration.get("Role") or "", configuration["FunctionName"])

    def use(self, action: str) -> None:
        """Tell that the role was used for this on the queue."""
        self.role.use(f"sqs:{action}", str(self.mapping["EventSourceArn"]))

    @property
    def visibility_seconds(self) -> float:
        """How long a received message stays hidden."""
        return float(self.queue["attributes"].get("VisibilityTimeout", "30"))

    @property
    def concurrency(self) -> int:
        """How many batches may be in flight."""
        stated = (self.mapping.get("ScalingConfig") or {}).get("MaximumConcurrency")
        return int(stated or CONCURRENCY)


def forget() -> None:
    """Forget the messages received for batches that are not full."""
    _gathering.clear()


def _wrap(stock: Any) -> Any:
    del stock

    def poll_sqs() -> bool:
        took = False
        for account, region, mapping in base("services.lambda_svc")._iter_all_esms():
            if mapping.get("Enabled", True) and ":sqs:" in mapping.get("EventSourceArn", ""):
                with scope_of(account, region):
                    source = _source(mapping, region)
                    took = (source is not None and _poll(source)) or took
        return took

    return poll_sqs


def _source(mapping: Mapping, region: str) -> Source | None:
    record = deployed_function(mapping["FunctionArn"])
    queue = base("services.sqs")._queue_by_arn(mapping["EventSourceArn"])
    return None if record is None or queue is None else Source(mapping, record, queue, region)


def _poll(source: Source) -> bool:
    lambda_svc = base("services.lambda_svc")
    if lambda_svc._esm_inflight.get(source.id, 0) >= source.concurrency:
        return False
    problem = queue_problem(source.role, source.queue, source.region)
    if problem:
        if source.mapping["LastProcessingResult"] != f"PROBLEM: {problem}":
            log.warning("the mapping of %s does not poll: %s", source.mapping["FunctionArn"], problem)
        source.mapping["LastProcessingResult"] = f"PROBLEM: {problem}"
        return False
    batch = _batch(source)
    if batch:
        lambda_svc._dispatch_esm_batch(source.id, _run, source, batch)
    return bool(batch)


def _batch(source: Source) -> list[Message]:
    """Receive; the batch, once it is full or its window is over."""
    sqs, lets_through = base("services.sqs"), filter_of(source.mapping)
    size = int(source.mapping.get("BatchSize") or RECEIVED_AT_ONCE)
    window = float(source.mapping.get("MaximumBatchingWindowInSeconds") or 0)
    gathering = _gathering.setdefault(source.id, Gathering())
    while len(gathering.messages) < size and gathering.bytes < PAYLOAD_BYTES:
        wanted = min(size - len(gathering.messages), RECEIVED_AT_ONCE)
        received = sqs._receive_messages_for_esm(source.queue["url"], wanted)
        if not received:
            break
        source.use("ReceiveMessage")
        kept = [each for each in received if lets_through(record_of(source, each))]
        dropped = {each["receipt_handle"] for each in received if each not in kept}
        if dropped:
            source.use("DeleteMessage")
            sqs._delete_messages_for_esm(source.queue["url"], dropped)
        if kept and not gathering.messages:
            gathering.since = time.time()
        gathering.messages += kept
    is_full = len(gathering.messages) >= size or gathering.bytes >= PAYLOAD_BYTES
    if not gathering.messages or not (is_full or time.time() - gathering.since >= window):
        return []
    is_same = _gathering.pop(source.id, None) is gathering  # else there was a reset
    return gathering.messages if is_same else []


def _run(source: Source, batch: list[Message]) -> None:
    """Invoke with a batch; what did not fail is deleted, the rest comes back when its visibility timeout is over."""
    reset_era.check(source.era)
    visible_at = min(each["visible_at"] for each in batch)
    result = _invoke(source, {"Records": [record_of(source, each) for each in batch]}, visible_at)
    if result.get("throttle"):
        source.mapping["LastProcessingResult"] = "PROBLEM: Function call was throttled"
        return
    failed: set[str] | None = None if result.get("error") else set()
    if failed is not None and "ReportBatchItemFailures" in (source.mapping.get("FunctionResponseTypes") or []):
        failed = failed_identifiers(result.get("body"), {each["id"] for each in batch})
    if failed is None:
        source.mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
        return
    done = {each["receipt_handle"] for each in batch if each["id"] not in failed}
    with scope_of(*_scope(source)):
        if done:
            source.use("DeleteMessage")
        base("services.sqs")._delete_messages_for_esm(source.queue["url"], done)
    source.mapping["LastProcessingResult"] = "OK" if not failed else "PROBLEM: Function reported failed messages"


def _invoke(source: Source, event: dict[str, Any], visible_at: float) -> dict[str, Any]:
    """Invoke, and again while the function is throttled and the messages are still hidden."""
    pause, longest = THROTTLED_SECONDS
    while True:
        result = run(deployed_function(source.mapping["FunctionArn"]) or source.record, event)
        if not result.get("throttle") or time.time() + pause >= visible_at:
            return result
        time.sleep(pause)
        pause = min(pause * 2, longest)


def _scope(source: Source) -> tuple[str, str]:
    _, _, _, region, account = source.mapping["EventSourceArn"].split(":")[:5]
    return account, region


def record_of(source: Source, message: Message) -> dict[str, Any]:
    """A message as the function sees it."""
    sent, first = message["sent_at"], message.get("first_receive_at") or time.time()
    system = message.get("sys") or {}
    attributes = {
        "ApproximateReceiveCount": str(message["receive_count"]),
        "SentTimestamp": str(int(sent * 1000)),
        "SenderId": system.get("SenderId", ""),
        "ApproximateFirstReceiveTimestamp": str(int(first * 1000)),
        "AWSTraceHeader": system.get("AWSTraceHeader"),
        "DeadLetterQueueSourceArn": system.get("DeadLetterQueueSourceArn"),
        "MessageGroupId": message.get("group_id"),
        "MessageDeduplicationId": message.get("dedup_id"),
        "SequenceNumber": message.get("seq"),
    }
    told = message.get("message_attributes") or {}
    record = {
        "messageId": message["id"],
        "receiptHandle": message["receipt_handle"],
        "body": message["body"],
        "attributes": {name: str(value) for name, value in attributes.items() if value},
        "messageAttributes": {name: _attribute(each) for name, each in told.items()},
        "md5OfBody": message.get("md5_body") or "",
        "eventSource": "aws:sqs",
        "eventSourceARN": source.mapping["EventSourceArn"],
        "awsRegion": source.region,
    }
    if told and message.get("md5_attrs"):
        record["md5OfMessageAttributes"] = message["md5_attrs"]
    return record


def _attribute(told: dict[str, Any]) -> dict[str, Any]:
    named = {f"{name[0].lower()}{name[1:]}": value for name, value in json.loads(json.dumps(told)).items()}
    return {"stringListValues": [], "binaryListValues": [], **named}


PATCHES = (Patch("services.lambda_svc", "_poll_sqs", (), _wrap),)
