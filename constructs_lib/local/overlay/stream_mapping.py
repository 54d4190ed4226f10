"""Event source mappings of table streams and Kinesis streams, as Lambda reads for them.

Stock reads without asking the role of the function, holds up every other mapping while one runs, knows no bisecting, no
retry limit, no report of failed records and no window, and forgets the age of records while they succeed.
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html

A pause between two tries begins at a fifth of a second. The shard of a table is one. A mapping handles one batch at a
time, of one shard after the other, whatever `ParallelizationFactor` says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from constructs_lib.local.overlay.authority import scope_of
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.batch_report import failed_identifiers
from constructs_lib.local.overlay.clock import virtual_time as time
from constructs_lib.local.overlay.deployed_function import deployed_function, run
from constructs_lib.local.overlay.mapping_filter import filter_of
from constructs_lib.local.overlay.mapping_permissions import stream_problem
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.shard import Shard, arrival_of, number_of, shards_of
from constructs_lib.local.overlay.stream_failure import Lost, role_of, tell

BATCH_SIZE = 100
PAUSE_SECONDS = (0.2, 5.0)
FOREVER = -1

Mapping = dict[str, Any]
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of a stream.

    Args:
        start: The position of the first.
        end: The position after the last.
        tries: How often they were handed to the function, and failed.
        not_before: When they may be handed to it again.
    """

    start: int
    end: int
    tries: int = 0
    not_before: float = 0.0

    def later(self) -> Batch:
        """The same records, to be tried again after a pause."""
        first, longest = PAUSE_SECONDS
        pause = min(first * 2**self.tries, longest)
        return replace(self, tries=self.tries + 1, not_before=time.time() + pause)

    def halves(self) -> list[Batch]:
        """The records in two batches; that they are tried apart does not count as a try."""
        middle = (self.start + self.end + 1) // 2
        return [replace(self, end=middle), replace(self, start=middle)]


@dataclass(slots=True)
class Reading:
    """Where a mapping is in a shard."""

    waiting: deque[Batch] = field(default_factory=deque)
    noticed: float = 0.0


_readings: dict[tuple[str, str], Reading] = {}


def forget() -> None:
    """Forget where each mapping is, beyond its position."""
    _readings.clear()


def _wrap(service: str) -> Callable[[Any], Any]:
    def wrap(stock: Any) -> Any:
        del stock

        def poll() -> bool:
            took = False
            for account, region, mapping in base("services.lambda_svc")._iter_all_esms():
                if mapping.get("Enabled", True) and f":{service}:" in mapping.get("EventSourceArn", ""):
                    with scope_of(account, region):
                        took = _poll(mapping, region) or took
            return took

        return poll

    return wrap


def _poll(mapping: Mapping, region: str) -> bool:
    """Hand the next batch of a shard that has one to the function; false when none has."""
    lambda_svc = base("services.lambda_svc")
    function, shards = deployed_function(mapping["FunctionArn"]), list(shards_of(mapping, region))
    if not shards or function is None or lambda_svc._esm_inflight.get(mapping["UUID"], 0):
        return False
    if problem := stream_problem(role_of(function), mapping["EventSourceArn"], region):
        if mapping["LastProcessingResult"] != f"PROBLEM: {problem}":
            log.warning("the mapping of %s does not read: %s", mapping["FunctionArn"], problem)
        mapping["LastProcessingResult"] = f"PROBLEM: {problem}"
        return False
    for shard in shards:
        reading = _readings.setdefault((mapping["UUID"], shard.name), Reading())
        if not reading.waiting and (batch := _gathered(mapping, reading, *shard.span())):
            reading.waiting.append(batch)
            for action in ("GetRecords", "GetShardIterator"):
                role_of(function).use(f"{mapping['EventSourceArn'].split(':')[2]}:{action}", mapping["EventSourceArn"])
        if reading.waiting and reading.waiting[0].not_before <= time.time():
            lambda_svc._dispatch_esm_batch(mapping["UUID"], _handle, mapping, shard, reading)
            return True
    return False


def _gathered(mapping: Mapping, reading: Reading, start: int, end: int) -> Batch | None:
    """The next batch, once it is full or its window is over."""
    if start >= end:
        reading.noticed = 0.0
        return None
    reading.noticed = reading.noticed or time.time()
    size = int(mapping.get("BatchSize") or BATCH_SIZE)
    window = float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
    if end - start < size and time.time() - reading.noticed < window:
        return None
    reading.noticed = 0.0
    return Batch(start, min(end, start + size))


def _handle(mapping: Mapping, shard: Shard, reading: Reading) -> None:
    """Hand the first waiting batch to the function, and decide what becomes of it."""
    if not any(each is reading for each in _readings.values()):  # there was a reset
        return
    batch = reading.waiting.popleft()
    function = deployed_function(mapping["FunctionArn"])
    if function is None:
        reading.waiting.clear()
        return
    records = shard.records(batch.start, batch.end - batch.start)
    if too_old := _too_old(mapping, records):
        tell(Lost(mapping, function, records[:too_old], batch.tries, "MaxRecordAgeExceeded", shard.name))
        _go_on(shard, reading, batch, batch.start + too_old)
        return
    wanted = [each for each in records if filter_of(mapping)(each)]
    if not wanted:
        _go_on(shard, reading, batch, batch.end)
        return
    result = run(function, {"Records": wanted})
    if result.get("throttle"):
        mapping["LastProcessingResult"] = "PROBLEM: Function call was throttled"
        reading.waiting.appendleft(replace(batch.later(), tries=batch.tries))
        return
    done = _handled(mapping, result, batch, records, wanted)
    mapping["LastProcessingResult"] = "OK" if done == batch.end else "PROBLEM: Function call failed"
    if done > batch.start:
        _go_on(shard, reading, batch, done)
        return
    limit = mapping.get("MaximumRetryAttempts", FOREVER)
    if mapping.get("BisectBatchOnFunctionError") and len(records) > 1:
        reading.waiting.extendleft(reversed(batch.halves()))
    elif limit != FOREVER and batch.tries >= int(limit):
        tell(Lost(mapping, function, records, batch.tries + 1, "RetryAttemptsExhausted", shard.name))
        _go_on(shard, reading, batch, batch.end)
    else:
        reading.waiting.appendleft(batch.later())


def _go_on(shard: Shard, reading: Reading, batch: Batch, position: int) -> None:
    """The records before the position are over; the rest of the batch is not."""
    shard.advance(position)
    if position < batch.end:
        reading.waiting.appendleft(Batch(position, batch.end))


def _too_old(mapping: Mapping, records: list[Record]) -> int:
    """How many of the first records have outlived the mapping's limit."""
    limit = int(mapping.get("MaximumRecordAgeInSeconds") or FOREVER)
    if limit == FOREVER:
        return 0
    oldest = time.time() - limit
    fresh = (n for n, each in enumerate(records) if arrival_of(each) >= oldest)
    return next(fresh, len(records))


def _handled(
    mapping: Mapping, result: dict[str, Any], batch: Batch, records: list[Record], wanted: list[Record]
) -> int:
    """Up to which position the function has handled the batch."""
    if result.get("error"):
        return batch.start
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or []):
        return batch.end
    numbers = [number_of(each) for each in records]
    failed = failed_identifiers(result.get("body"), {number_of(each) for each in wanted})
    if failed is None:
        return batch.start
    return batch.start + min((numbers.index(each) for each in failed), default=len(numbers))


def _wrap_provisioner(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        is_stream = any(f":{each}:" in props.get("EventSourceArn", "") for each in ("dynamodb", "kinesis"))
        return stock(logical_id, {"BatchSize": BATCH_SIZE, **props} if is_stream else props, stack_name)

    return create


PATCHES = (
    Patch("services.lambda_svc", "_poll_dynamodb_streams", (), _wrap("dynamodb")),
    Patch("services.lambda_svc", "_poll_kinesis", (), _wrap("kinesis")),
    Patch(
        "services.cloudformation.provisioners",
        "_RESOURCE_HANDLERS/AWS::Lambda::EventSourceMapping/create",
        ("logical_id", "props", "stack_name"),
        _wrap_provisioner,
    ),
)
