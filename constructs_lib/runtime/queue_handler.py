"""Turns the handler of one message into the handler of a queue's batches."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, TypeVar, overload

from aws_lambda_powertools import Logger

from constructs_lib.runtime.batch import Settings, Worker
from constructs_lib.runtime.deadline import Alarm, interrupting_alarm
from constructs_lib.runtime.once import attempts
from constructs_lib.runtime.record import Record

Body = TypeVar("Body")
# A message lives 14 days in a queue, and again in the dead-letter queue of a FIFO queue.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
LONGEST_LIFE = timedelta(days=28)
MARGIN_MS = 1000


@overload
def queue_worker(handle: Callable[[Record[Any]], object], /) -> Worker[Any]: ...


@overload
def queue_worker(
    *,
    key: Callable[[Record[Any]], str | int] | None = None,
    margin_ms: int = MARGIN_MS,
    remember: timedelta = LONGEST_LIFE,
    lost_work: Literal["fail", "log"] = "fail",
    dynamodb: Any = None,
    logger: Logger | None = None,
) -> Callable[[Callable[[Record[Any]], object]], Worker[Any]]: ...


@overload
def queue_worker(
    *,
    parse: Callable[[str], Body],
    key: Callable[[Record[Body]], str | int] | None = None,
    margin_ms: int = MARGIN_MS,
    remember: timedelta = LONGEST_LIFE,
    lost_work: Literal["fail", "log"] = "fail",
    dynamodb: Any = None,
    logger: Logger | None = None,
) -> Callable[[Callable[[Record[Body]], object]], Worker[Body]]: ...


def queue_worker(
    handle: Callable[[Record[Any]], object] | None = None,
    /,
    *,
    parse: Callable[[str], Any] = json.loads,
    key: Callable[[Record[Any]], str | int] | None = None,
    margin_ms: int = MARGIN_MS,
    remember: timedelta = LONGEST_LIFE,
    lost_work: Literal["fail", "log"] = "fail",
    dynamodb: Any = None,
    logger: Logger | None = None,
) -> Any:
    """Make a Lambda handler for the batches of an SQS queue out of a handler for one message.

    A message is acknowledged if and only if its handler returned in time and left no work behind; every other is
    reported by its id and comes back. Works on standard and FIFO queues; in a FIFO queue, everything that follows a
    failure in its message group comes back with it. With a table in `IDEMPOTENCY_TABLE`, which
    `QueueWorker(idempotent=True)` sets, a key that was handled is not handled again.

    Args:
        handle: The handler; left out, this is a decorator.
        parse: Makes the body out of its text; what it raises fails that message only.
        key: What makes two messages the same, as a text or whole number. Default: the id of the message.
        margin_ms: Kept at the end of the invocation; nothing starts or goes on in it. At most a fifth of the timeout.
        remember: How long a key counts as handled.
        lost_work: What to do with a message whose handler left threads or coroutines behind.
        dynamodb: The client for the table. Default: one of its own.
        logger: Where failures are logged. Default: one of its own.
    """

    def wrap(handle_record: Callable[[Record[Any]], object]) -> Worker[Any]:
        return make_worker(
            Settings(handle=handle_record, parse=parse, key=key, margin_ms=margin_ms, lost_work=lost_work),
            remember=remember,
            dynamodb=dynamodb,
            logger=logger,
        )

    return wrap if handle is None else wrap(handle)


def make_worker(
    settings: Settings[Body],
    *,
    remember: timedelta = LONGEST_LIFE,
    dynamodb: Any = None,
    logger: Logger | None = None,
    alarm: Alarm = interrupting_alarm,
) -> Worker[Body]:
    """Return the Lambda handler with these settings.

    Raises:
        TypeError: The handler is a coroutine function, which would be called and never awaited.
    """
    if inspect.iscoroutinefunction(settings.handle):
        name = getattr(settings.handle, "__qualname__", "the handler")
        raise TypeError(f"{name} is async, and Lambda awaits nothing in Python: make it a plain def with asyncio.run")
    return Worker(settings, attempts(remember, dynamodb), Logger() if logger is None else logger, alarm)
