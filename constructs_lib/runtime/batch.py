"""Runs one record handler over a batch, and reports which records are to come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, process_partial_response

from constructs_lib.runtime.deadline import Alarm, Deadline, Invocation
from constructs_lib.runtime.lost_work import run_watched
from constructs_lib.runtime.once import Attempts, key_digest
from constructs_lib.runtime.record import Record
from constructs_lib.runtime.refusals import LostWork, NotStarted, RecordRefused, Unreadable
from constructs_lib.runtime.source import Arrival, Source, delivery_of, source_of

Body = TypeVar("Body")
Response = dict[str, list[dict[str, str]]]
MOST_SAID = 500  # characters of an error that go into the log


@dataclass(frozen=True, kw_only=True)
class Settings(Generic[Body]):
    """What the user said of their handler; see `queue_worker`."""

    handle: Callable[[Record[Body]], object]
    parse: Callable[[Any], Body]
    key: Callable[[Record[Body]], str | int] | None
    margin_ms: int
    lost_work: Literal["fail", "log"]


class Worker(Generic[Body]):
    """A Lambda handler for batches."""

    def __init__(self, settings: Settings[Body], attempts: Attempts, logger: Logger, alarm: Alarm) -> None:
        """Handle every batch with the same settings."""
        self._settings = settings
        self._attempts = attempts
        self._logger = logger
        self._alarm = alarm

    def __call__(self, event: dict[str, Any], context: Invocation) -> Response:
        """Handle the records of an event, and name those that failed."""
        records: list[dict[str, Any]] = event["Records"]
        if not records:
            return {"batchItemFailures": []}
        source = source_of(records)
        if not source.is_ordered:
            # What has failed before goes last: it may do so again, and the others should not have to wait for it.
            records = sorted(records, key=delivery_of)
        self._logger.append_keys(function_request_id=getattr(context, "aws_request_id", None))
        deadline = Deadline(context, self._settings.margin_ms, self._alarm)
        batch = _Batch(self._settings, self._attempts, self._logger, source, deadline, context, len(records))
        processor = source.processor()
        response = process_partial_response(
            {"Records": records},
            batch.handle,
            processor,
            context,  # type: ignore[arg-type] # Powertools wants all of Lambda's context, we hand on what we got
        )
        self._report(processor)
        return {"batchItemFailures": [dict(failure) for failure in response["batchItemFailures"]]}  # type: ignore[arg-type] # a TypedDict of texts

    def _report(self, processor: BatchProcessor) -> None:
        """Log one line for each record that goes back, without its body."""
        for failed, (kind, error, trace) in zip(processor.fail_messages, processor.exceptions, strict=True):
            raw = failed.raw_event  # type: ignore[union-attr] # no models are used
            log = self._logger.warning if isinstance(error, NotStarted) else self._logger.error
            log(
                "record failed and comes back",
                extra={
                    "record_id": raw.get("messageId") or raw.get("eventID"),
                    "delivery": delivery_of(raw),
                    "error": kind.__name__ if kind is not None else None,
                    "reason": said(error),
                },
                exc_info=None if isinstance(error, RecordRefused) or trace is None else error,
            )


@dataclass
class _Batch(Generic[Body]):
    """One batch on its way."""

    settings: Settings[Body]
    attempts: Attempts
    logger: Logger
    source: Source
    deadline: Deadline
    context: Invocation
    waiting: int
    is_stopped: bool = False

    def handle(self, record: Any) -> None:
        """Handle one record, as Powertools hands it over.

        Raises:
            Exception: Why it is to come back.
        """
        self.waiting -= 1
        if self.is_stopped:
            raise NotStarted("an earlier record of the stream failed: not started, comes back unharmed")
        try:
            _Handling(self, self.source.arrival(record)).run()
        except SystemExit as error:
            self._stop_stream()
            raise RuntimeError(f"the handler called sys.exit({error.code!r})") from error
        except Exception:
            self._stop_stream()
            raise

    def _stop_stream(self) -> None:
        self.is_stopped = self.source.is_stream


class _Handling(Generic[Body]):
    """One record on its way."""

    def __init__(self, batch: _Batch[Body], arrival: Arrival) -> None:
        self._batch = batch
        self._arrival = arrival
        self._ends_at_ms = 0

    def run(self) -> None:
        """Handle the record, if there is time, it can be read, and its key has not been handled."""
        self._batch.deadline.refuse_late_start()
        _ = self._record  # parsed here: what cannot be read makes no claim
        self._batch.attempts.run(self._key, self._work, self._batch.context)

    def _work(self) -> None:
        settings, deadline = self._batch.settings, self._batch.deadline
        deadline.refuse_late_start()  # the claim may have taken its time
        allowance = deadline.allowance_ms(self._arrival.delivery, self._batch.waiting)
        self._ends_at_ms = deadline.left_ms() - allowance
        try:
            deadline.run(lambda: run_watched(lambda: settings.handle(self._record)), allowance)
        except LostWork as error:
            if settings.lost_work == "fail":
                raise
            self._batch.logger.warning(
                "record acknowledged with work lost", extra={"record_id": self._arrival.id, "reason": said(error)}
            )

    @cached_property
    def _record(self) -> Record[Body]:
        arrival = self._arrival
        try:
            body = self._batch.settings.parse(arrival.content)
        except ValueError as error:
            if type(error).__name__ == "JSONDecodeError":
                raise Unreadable("its body is not JSON") from None
            raise
        except RecursionError:
            raise Unreadable("its body is nested too deeply") from None
        return Record(
            id=arrival.id,
            body=body,
            delivery=arrival.delivery,
            group=arrival.group,
            attributes=arrival.attributes,
            raw=arrival.content,
            _idempotency_key=lambda: self._key,
            _commit=lambda items: self._batch.attempts.commit(self._key, items),
            _left_ms=lambda: self._batch.deadline.left_ms() - self._ends_at_ms,
        )

    @cached_property
    def _key(self) -> str:
        key = self._batch.settings.key
        return key_digest(self._arrival.once if key is None else key(self._record))


def said(error: BaseException | None) -> str:
    """Return what an error says, with what caused it, on one line and not at length."""
    texts: list[str] = []
    while error is not None and len(texts) < 2:  # noqa: PLR2004 - the error and its cause
        texts.append(f"{error}" or type(error).__name__)
        error = error.__cause__
    return " ".join(": ".join(texts).split())[:MOST_SAID]
