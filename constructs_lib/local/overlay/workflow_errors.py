"""Which errors a workflow retries and catches, how long it waits, and what a nested workflow fails with.

Stock lets `States.ALL` match what AWS lets nothing match, ignores `MaxDelaySeconds` and `JitterStrategy`, waits a
minute where more is stated, and hands the error of a nested workflow on where AWS says `States.TaskFailed`.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import contextvars
import json
import random
from typing import Any

from constructs_lib.local.overlay.patching import Patch

UNMATCHED_BY_ALL = {"States.DataLimitExceeded", "States.Runtime"}
TIMEOUTS = {"States.Timeout", "States.HeartbeatTimeout"}
INTERVAL_SECONDS = 1
BACKOFF = 2.0

# What the pause before the next try is to be; the base cuts it before it waits.
_pause: contextvars.ContextVar[float | None] = contextvars.ContextVar("pause", default=None)


def _wrap_matches(stock: Any) -> Any:
    del stock

    def error_matches(error_equals: Any, error: str) -> bool:
        if error in error_equals:
            return True
        if error == "States.HeartbeatTimeout" and "States.Timeout" in error_equals:
            return True
        if "States.ALL" in error_equals:
            return error not in UNMATCHED_BY_ALL
        return "States.TaskFailed" in error_equals and error not in TIMEOUTS | UNMATCHED_BY_ALL

    return error_matches


def _wrap_retrier(stock: Any) -> Any:
    def find_matching_retrier(retriers: Any, error: str, retry_counts: Any) -> Any:
        retrier, index = stock(retriers, error, retry_counts)
        if retrier is None:
            return None, index
        seconds = retrier.get("IntervalSeconds", INTERVAL_SECONDS) * retrier.get("BackoffRate", BACKOFF) ** (
            retry_counts.get(index, 0)
        )
        seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
        if retrier.get("JitterStrategy") == "FULL":
            seconds = random.uniform(0, seconds)  # noqa: S311 - a pause, not a secret
        _pause.set(seconds)
        return {**retrier, "IntervalSeconds": seconds, "BackoffRate": 1}, index

    return find_matching_retrier


def _wrap_sleep(stock: Any) -> Any:
    def scaled_sleep(seconds: float) -> None:
        pause = _pause.get()
        _pause.set(None)
        stock(seconds if pause is None else pause)

    return scaled_sleep


def _wrap_nested(stock: Any) -> Any:
    del stock

    def nested_execution_failure(payload: dict[str, Any]) -> tuple[str, str]:
        described = {f"{name[0].upper()}{name[1:]}": value for name, value in payload.items()}
        return "States.TaskFailed", json.dumps(described)

    return nested_execution_failure


PATCHES = (
    Patch("services.stepfunctions", "_error_matches", ("error_equals", "error"), _wrap_matches),
    Patch("services.stepfunctions", "_find_matching_retrier", ("retriers", "error", "retry_counts"), _wrap_retrier),
    Patch("services.stepfunctions", "_scaled_sleep", ("seconds",), _wrap_sleep),
    Patch("services.stepfunctions", "_nested_execution_failure", ("payload",), _wrap_nested),
)
