"""How long, how often and how many: whole numbers within what Step Functions takes; tokens pass."""

from __future__ import annotations

import math
import re
from calendar import monthrange
from typing import TYPE_CHECKING

import aws_cdk as cdk

from constructs_lib.workflow_steps.expression import is_expression
from constructs_lib.workflow_steps.json_value import is_token, shown
from constructs_lib.workflow_steps.retries import ANY_ERROR, Retry

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals
    from constructs_lib.workflow_steps.step import Each, Task, Wait

# https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html and state-task.html
LONGEST_SECONDS = 99_999_999
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error
MOST_RETRIES = 99_999_999
LONGEST_RETRY_WAIT = 31_622_399
INLINE_CONCURRENCY, DISTRIBUTED_CONCURRENCY = 40, 10_000

# A profile of RFC 3339: a capital T, and a capital Z or an offset.
HOUR_AND_MINUTE = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
TIMESTAMP = re.compile(
    rf"([0-9]{{4}})-(0[1-9]|1[0-2])-([0-9]{{2}})T{HOUR_AND_MINUTE}:[0-5][0-9](?:\.[0-9]{{1,9}})?(?:Z|[+-]{HOUR_AND_MINUTE})"
)


def check_wait(step: Wait, refusals: Refusals) -> None:
    """Note a wait that is not for a time."""
    if len(step.fields) != 1:
        refusals.refuse(f"{step.name!r} needs either seconds or until", fix=f'wait("{step.name}", seconds=30)')
    if "Seconds" in step.fields:
        _check_seconds(step.name, step.fields["Seconds"], refusals)
    if "Timestamp" in step.fields:
        _check_until(step.name, step.fields["Timestamp"], refusals)


def _check_seconds(name: str, seconds: object, refusals: Refusals) -> None:
    if isinstance(seconds, str) and "{%" in seconds:
        return  # one that only looks like an expression is said with all of them
    if not isinstance(seconds, bool | str) and (isinstance(seconds, int) or is_token(seconds)):
        fix = "wait for less, or write until"
        _check_whole(f"{name!r} waits {shown(seconds)} s", seconds, 0, LONGEST_SECONDS, refusals, fix=fix)
        return
    fix = "write seconds=30, or an expression"
    if is_token(seconds):
        fix = "pass the number itself: parameter.value_as_number"
    elif isinstance(seconds, cdk.Duration) and not seconds.is_unresolved():
        fix = f"write the number of seconds: seconds={seconds.to_milliseconds() // 1000:.0f}"
    refusals.refuse(f"{name!r} waits for {shown(seconds)}, wanted a whole number of seconds", fix=fix)


def _check_until(name: str, until: object, refusals: Refusals) -> None:
    if isinstance(until, str) and (is_expression(until) or "{%" in until or is_token(until)):
        return
    if not isinstance(until, str) or not _is_timestamp(until):
        refusals.refuse(
            f"{name!r} waits until {shown(until)}, which is no timestamp",
            fix='write one with its zone, until="2026-12-01T06:00:00Z", or an expression',
        )


def _is_timestamp(text: str) -> bool:
    parts = TIMESTAMP.fullmatch(text)
    if parts is None:
        return False
    year, month, day = (int(each) for each in parts.groups())
    return 1 <= day <= monthrange(year, month)[1]


def check_task_times(step: Task, limit: float | None, refusals: Refusals) -> None:
    """Note a timeout or a heartbeat that Step Functions does not take.

    Args:
        step: The step.
        limit: Its timeout in seconds, stated or not.
        refusals: Where problems are noted.
    """
    for what, duration in (("timeout", step.timeout), ("heartbeat", step.heartbeat)):
        if duration is None or duration.is_unresolved():
            continue
        milliseconds = duration.to_milliseconds()
        if milliseconds < 1:
            refusals.refuse(f"{step.name!r} has a {what} of 0 s", fix=f"leave {what} out, or allow a second")
        if milliseconds > LONGEST_SECONDS * 1000:
            refusals.refuse(
                f"{step.name!r} has a {what} of {milliseconds / 1000:.0f} s, wanted {LONGEST_SECONDS} at most",
                fix="an execution ends after a year: allow cdk.Duration.days(365)",
            )
    if limit is None:
        refusals.refuse(
            f"{step.name!r} waits for somebody else, for as long as a year",
            fix="say how long that may take: timeout=Duration.hours(1)",
        )


def check_retry(name: str, retry: Retry, refusals: Refusals) -> None:
    """Note a retry on everything or nothing, or one that Step Functions does not take."""
    if not retry.errors or not all(retry.errors) or ANY_ERROR in retry.errors:
        refusals.refuse(
            f"{name!r} retries {'any error' if ANY_ERROR in retry.errors else 'no error'}",
            fix="name the errors that pass by themselves: a declined card does not",
        )
    first, longest = retry.first_wait_seconds, retry.longest_wait_seconds
    place = f"Retry(...) of {name!r} has"
    fits = [
        _check_whole(f"{place} retries {shown(retry.retries)}", retry.retries, 1, MOST_RETRIES, refusals),
        _check_whole(f"{place} first_wait_seconds {shown(first)}", first, 1, LONGEST_RETRY_WAIT - 1, refusals),
        _check_whole(f"{place} longest_wait_seconds {shown(longest)}", longest, 1, LONGEST_RETRY_WAIT, refusals),
    ]
    backoff: object = retry.backoff
    if isinstance(backoff, bool | str) or (
        not is_token(backoff) and (not isinstance(backoff, int | float) or not 1 <= backoff < math.inf)
    ):
        refusals.refuse(f"{place} backoff {shown(backoff)}, wanted a number, 1 or more", fix="leave it out for 2")
    if all(fits) and not is_token(first) and not is_token(longest) and longest <= first:
        refusals.refuse(
            f"{name!r} waits {first} s first and {longest} s at the longest",
            fix="make the longest wait longer than the first",
        )


def check_each_numbers(step: Each, refusals: Refusals) -> None:
    """Note more at once, or more failures, than Step Functions takes."""
    most = DISTRIBUTED_CONCURRENCY if step.distributed else INLINE_CONCURRENCY
    _check_whole(
        f"{step.name!r} has max_concurrency {shown(step.max_concurrency)}",
        step.max_concurrency,
        1,
        most,
        refusals,
        fix="leave max_concurrency out for 10" if step.distributed else "use 10, or distributed=True for more than 40",
    )
    tolerated = step.tolerated_failure_percentage
    if step.distributed:
        _check_whole(f"{step.name!r} tolerates {shown(tolerated)} % failures", tolerated, 0, 100, refusals)
    elif is_token(tolerated) or tolerated != 0:
        refusals.refuse(
            f"{step.name!r} tolerates failures, and is not distributed",
            fix="catch them in the step that fails, or add distributed=True",
        )


def _check_whole(what: str, value: object, least: int, most: int, refusals: Refusals, *, fix: str = "") -> bool:
    """Note a number that is not whole or out of range; tell whether it was well."""
    if is_token(value) and not isinstance(value, str):
        return True
    if not isinstance(value, int) or isinstance(value, bool):
        refusals.refuse(f"{what}, wanted a whole number", fix="write the digits, without quotes and fractions")
        return False
    if not least <= value <= most:
        refusals.refuse(f"{what}, wanted {least} to {most}", fix=fix or f"use {least} or more")
    return least <= value <= most
