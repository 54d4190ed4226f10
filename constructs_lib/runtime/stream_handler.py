"""Turns the handler of one record into the handler of a stream's batches."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, overload

from aws_lambda_powertools import Logger

from constructs_lib.runtime.batch import Settings, Worker
from constructs_lib.runtime.queue_handler import LONGEST_LIFE, MARGIN_MS, make_worker
from constructs_lib.runtime.record import Record


@overload
def stream_worker(handle: Callable[[Record[Any]], object], /) -> Worker[Any]: ...


@overload
def stream_worker(
    *,
    key: Callable[[Record[Any]], str | int] | None = None,
    margin_ms: int = MARGIN_MS,
    remember: timedelta = LONGEST_LIFE,
    lost_work: Literal["fail", "log"] = "fail",
    dynamodb: Any = None,
    logger: Logger | None = None,
) -> Callable[[Callable[[Record[Any]], object]], Worker[Any]]: ...


def stream_worker(
    handle: Callable[[Record[Any]], object] | None = None,
    /,
    *,
    key: Callable[[Record[Any]], str | int] | None = None,
    margin_ms: int = MARGIN_MS,
    remember: timedelta = LONGEST_LIFE,
    lost_work: Literal["fail", "log"] = "fail",
    dynamodb: Any = None,
    logger: Logger | None = None,
) -> Any:
    """Make a Lambda handler for the batches of a DynamoDB or Kinesis stream out of a handler for one record.

    The body is a `Change` of the table, or the JSON in the Kinesis record. After the first failure nothing is started
    any more: Lambda delivers everything from there again, so that order is kept.

    Args:
        handle: The handler; left out, this is a decorator.
        key: What makes two records the same, as a text or whole number. Default: the id of the event.
        margin_ms: Kept at the end of the invocation; nothing starts or goes on in it. At most a fifth of the timeout.
        remember: How long a key counts as handled.
        lost_work: What to do with a record whose handler left threads or coroutines behind.
        dynamodb: The client for the table. Default: one of its own.
        logger: Where failures are logged. Default: one of its own.
    """

    def wrap(handle_record: Callable[[Record[Any]], object]) -> Worker[Any]:
        return make_worker(
            Settings(handle=handle_record, parse=_content, key=key, margin_ms=margin_ms, lost_work=lost_work),
            remember=remember,
            dynamodb=dynamodb,
            logger=logger,
        )

    return wrap if handle is None else wrap(handle)


def _content(content: Any) -> Any:
    return json.loads(content) if isinstance(content, str) else content
