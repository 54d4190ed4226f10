"""The function in Python, in every variant: real handlers on real Powertools, the table in memory."""

from __future__ import annotations

import json
import os
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

from benchmarks.exactly_once.memory_table import MemoryTable
from benchmarks.exactly_once.queue_model import CONCURRENCY, TIMEOUT_MS, Ending
from benchmarks.exactly_once.story import STORM_MS, Story
from benchmarks.exactly_once.virtual_time import FOREVER_MS, Killed, VirtualTime
from constructs_lib.runtime import Record
from constructs_lib.runtime.batch import Settings
from constructs_lib.runtime.queue_handler import MARGIN_MS, make_worker

Handler = Callable[[dict[str, Any], Any], Any]
TABLE = "handled"


@dataclass(frozen=True)
class Context:
    """Lambda's context, on the virtual clock."""

    time: VirtualTime
    ends_ms: int
    aws_request_id: str = "request"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self.ends_ms - self.time.now_ms)


class PythonFunctions:
    """Runs invocations in threads on a virtual clock, one process standing for many environments."""

    def __init__(self) -> None:
        self._time = VirtualTime(CONCURRENCY)
        self._logger = Logger(service="exactly-once", level="CRITICAL")
        self._reading = self._time.is_what_powertools_reads()
        self._reading.__enter__()

    def stop(self) -> None:
        self._reading.__exit__(None, None, None)
        self._time.stop()

    @property
    def now_ms(self) -> int:
        return self._time.now_ms

    def begin(self, variant: str, story: Story) -> None:
        warnings.resetwarnings()
        warnings.showwarning = _SHOW  # overlapping invocations, one process to each on Lambda, restore it out of order
        self._time.reset()
        self._variant, self._story = variant, story
        self._table = MemoryTable(before=lambda _: self._time.sleep(8), after=lambda _: self._time.sleep(4))
        self._handlers: dict[int, Handler] = {}
        self._attempts: Counter[str] = Counter()
        self._effects: Counter[str] = Counter()
        self._charges: set[str] = set()
        self._endings: list[Ending] = []

    def invoke(self, invocation: int, environment: int, records: list[dict[str, Any]]) -> None:
        if environment not in self._handlers:
            with patch.dict(os.environ, {"IDEMPOTENCY_TABLE": TABLE}):
                self._handlers[environment] = VARIANTS[self._variant](self)
        handler, ends_ms = self._handlers[environment], self.now_ms + TIMEOUT_MS

        def work() -> None:
            try:
                answer = handler({"Records": records}, Context(self._time, ends_ms))
            except Killed:
                self._endings.append(Ending(invocation, "killed"))
            except Exception:
                self._endings.append(Ending(invocation, "error"))
            else:
                failures = [each["itemIdentifier"] for each in (answer or {}).get("batchItemFailures", [])]
                self._endings.append(Ending(invocation, "answer", failures))

        self._time.start(work, ends_ms)

    def advance(self, until_ms: int | None) -> list[Ending]:
        self._time.advance(until_ms, lambda: bool(self._endings))
        endings, self._endings = self._endings, []
        return endings

    def effects(self) -> Counter[str]:
        committed = [item["order"]["S"] for (table, _), item in self._table.items.items() if table == "orders"]
        return self._effects + Counter(committed)

    def fulfil(self, order: str, effect: Callable[[], None]) -> None:
        """Do what the story says of this attempt at an order."""
        plan, attempt = self._story.plans[order], self._attempts[order]
        self._attempts[order] += 1
        if plan.kind == "hangs":
            self._time.sleep(FOREVER_MS)
        if plan.kind == "raises":
            raise ValueError("poison")
        fault = plan.faults[attempt] if attempt < len(plan.faults) and self.now_ms < STORM_MS else None
        self._suffer(fault, "error", "hang", "crash")
        self._time.sleep(plan.work_ms)
        effect()
        self._suffer(fault, "error after", "hang after", "crash after")

    def _suffer(self, fault: str | None, error: str, hang: str, crash: str) -> None:
        if fault == error:
            raise ConnectionError(error)
        if fault == hang:
            self._time.sleep(FOREVER_MS)
        if fault == crash:
            self._time.kill()

    def _note(self, order: str) -> None:
        self._effects[order] += 1

    def _charge(self, order: str, key: str) -> None:
        """An effect that is itself once for each key, as payment services offer it."""
        if key not in self._charges:
            self._charges.add(key)
            self._effects[order] += 1

    def plain(self) -> Handler:
        def handler(event: dict[str, Any], _: Any) -> None:
            for record in event["Records"]:
                order = json.loads(record["body"])["order"]
                self.fulfil(order, lambda order=order: self._note(order))  # type: ignore[misc] # binds the loop's order

        return handler

    def stock_batch(self) -> Handler:
        processor = BatchProcessor(event_type=EventType.SQS)

        def handle(record: Any) -> None:
            order = json.loads(record.body)["order"]
            self.fulfil(order, lambda: self._note(order))

        return lambda event, context: process_partial_response(event, handle, processor, context)

    def stock_idempotency(self) -> Handler:
        processor, config = BatchProcessor(event_type=EventType.SQS), IdempotencyConfig()
        layer: Any = DynamoDBPersistenceLayer(table_name=TABLE, boto3_client=self._table)  # type: ignore[arg-type] # in memory

        def fulfil(order: str) -> None:
            self.fulfil(order, lambda: self._note(order))

        once = idempotent_function(
            fulfil, data_keyword_argument="order", persistence_store=layer, config=config, key_prefix="orders"
        )

        def handle(record: Any) -> None:
            once(order=json.loads(record.body)["order"])

        def handler(event: dict[str, Any], context: Any) -> Any:
            config.register_lambda_context(context)
            return process_partial_response(event, handle, processor, context)

        return handler

    def worker(self, effect: Callable[[PythonFunctions, Record[Any]], None]) -> Handler:
        def handle(record: Record[Any]) -> None:
            self.fulfil(record.body["order"], lambda: effect(self, record))

        settings: Settings[Any] = Settings(
            handle=handle,
            parse=json.loads,
            key=lambda record: record.body["order"],
            margin_ms=MARGIN_MS,
            lost_work="fail",
        )
        return make_worker(settings, dynamodb=self._table, logger=self._logger, alarm=self._time.alarm)

    def beside(self, record: Record[Any]) -> None:
        self._note(record.body["order"])

    def by_key(self, record: Record[Any]) -> None:
        self._charge(record.body["order"], record.idempotency_key)

    def committed(self, record: Record[Any]) -> None:
        order = record.body["order"]
        row = {"id": {"S": f"{order} at {self.now_ms}"}, "order": {"S": order}}
        record.commit({"Put": {"TableName": "orders", "Item": row}})


VARIANTS: dict[str, Callable[[PythonFunctions], Handler]] = {
    "plain": PythonFunctions.plain,
    "batch": PythonFunctions.stock_batch,
    "stock": PythonFunctions.stock_idempotency,
    "beside": lambda functions: functions.worker(PythonFunctions.beside),
    "key": lambda functions: functions.worker(PythonFunctions.by_key),
    "commit": lambda functions: functions.worker(PythonFunctions.committed),
}
_SHOW = warnings.showwarning
