"""Puts the clock into the modules of the base, and answers who wants to move it.

The base imports its clock by name, so each module gets its own: patching the module `time` itself would move the clocks
of sockets and signatures, too.
"""

from __future__ import annotations

import contextvars
import threading
from datetime import UTC, datetime
from typing import Any

from constructs_lib.local.overlay import schedule_settings
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.clock import CLOCK, VirtualDatetime, VirtualTime
from constructs_lib.local.overlay.control import command
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.problem import LocalError, Problem

MOST_OCCURRENCES = 1000  # of schedules, in one move
_LOOPS = ("services.dynamodb", "services.dynamodb_streams", "services.eventbridge", "services.kinesis", "services.sns")
_long_poll: contextvars.ContextVar[bool] = contextvars.ContextVar("long_poll", default=False)
_following = threading.Lock()
_moving = threading.Lock()


class _TimeOfQueues(VirtualTime):
    """Messages live by the clock, but who asks for some waits in real time: it would wait for ever while it stands."""

    def time(self) -> float:
        return super().__getattr__("time")() if _long_poll.get() else CLOCK.now()


def install() -> None:
    """Give the modules of the base the clock; they have been checked to have one."""
    for name in _LOOPS:
        base(name).time = VirtualTime(for_work=False)
    base("services.scheduler").time = VirtualTime(for_work=False)
    base("services.sqs").time = _TimeOfQueues(for_work=False)
    workflows = base("services.stepfunctions")
    workflows.time, workflows.datetime, workflows.now_iso = VirtualTime(for_work=True), VirtualDatetime, _now_iso
    # The base began this loop when it was imported, and sleeps its first minute in real time.
    threading.Thread(target=base("services.dynamodb")._ttl_reaper, name="ttl by the clock", daemon=True).start()


def _now_iso() -> str:
    return f"{VirtualDatetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def _wrap_rules(stock: Any) -> Any:
    def tick_scheduled_rules() -> None:
        with _following:
            stock()

    return tick_scheduled_rules


def _wrap_receive(stock: Any) -> Any:
    async def receive(data: Any, qurl: str) -> Any:
        before = _long_poll.set(True)
        try:
            return await stock(data, qurl)
        finally:
            _long_poll.reset(before)

    return receive


def _wrap_messages(stock: Any) -> Any:
    def by_the_clock(*arguments: Any) -> Any:
        before = _long_poll.set(False)
        try:
            return stock(*arguments)
        finally:
            _long_poll.reset(before)

    return by_the_clock


HOOKS = (
    Patch("services.eventbridge", "_tick_scheduled_rules", (), _wrap_rules),
    Patch("services.sqs", "_HANDLERS/ReceiveMessage", ("data", "qurl"), _wrap_receive),
    Patch("services.sqs", "_collect_msgs", ("q", "max_n", "vis_timeout"), _wrap_messages),
    Patch("services.sqs", "_dlq_sweep", ("q",), _wrap_messages),
    Patch("services.sqs", "_expire_retained", ("q",), _wrap_messages),
)


@command("clock")
def clock(told: dict[str, Any]) -> object:
    """Move, stop or only read the clock: `advance` (seconds), `frozen` (whether it stands still)."""
    frozen = told.get("frozen")
    if frozen is not None:
        (CLOCK.freeze if frozen else CLOCK.go_on)()
    if told.get("advance"):
        with _moving:
            _advance(float(told["advance"]))
    moment = datetime.fromtimestamp(CLOCK.now(), UTC)
    return {"now": moment.isoformat(timespec="milliseconds"), "ahead": CLOCK.ahead, "frozen": CLOCK.is_frozen}


def count_anew() -> None:
    """Let every schedule and scheduled rule begin now."""
    schedule_settings.count_anew()
    events = base("services.eventbridge")
    with _following:
        events._rule_last_fired.clear()
        events._rule_last_fired.update(dict.fromkeys(events._rules._data, CLOCK.now()))


def _advance(seconds: float) -> None:
    """Go there by way of every occurrence of a schedule, in order; everything else wakes where we stop."""
    _follow()  # a rule counts from its first look at the clock
    until, stops = CLOCK.now() + seconds, 0
    while (moment := _next_occurrence(until)) is not None:
        if stops == MOST_OCCURRENCES:
            raise LocalError(
                Problem(
                    what=f"schedules occur more than {MOST_OCCURRENCES} times within {seconds:g} s; "
                    f"{until - CLOCK.now():.0f} s are left",
                    where="clock.advance",
                    fix="advance less, or disable the schedules this test is not about",
                )
            )
        stops += 1
        CLOCK.move_to(moment)
        _follow()
    CLOCK.move_to(until)
    base("services.lambda_svc")._esm_wake.set()  # messages may have become visible


def _follow() -> None:
    base("services.eventbridge")._tick_scheduled_rules()
    schedule_settings.follow()


def _next_occurrence(until: float) -> float | None:
    """The first occurrence up to a moment."""
    schedules = base("services.scheduler")._schedules._data
    found = [schedule_settings.due_at(key, each) for key, each in list(schedules.items())]
    found += [_due_at(key, each) for key, each in list(base("services.eventbridge")._rules._data.items())]
    moments = [each for each in found if each is not None and each <= until]
    return min(moments, default=None)


def _due_at(key: tuple[str, ...], rule: dict[str, Any]) -> float | None:
    """When a scheduled rule fires next; nothing when never."""
    events = base("services.eventbridge")
    expression, last = rule.get("ScheduleExpression", ""), events._rule_last_fired.get(key)
    if rule.get("State") != "ENABLED" or last is None:
        return None
    interval = events._parse_rate_seconds(expression)
    if interval is not None:
        return float(last + interval)
    fields = events._parse_cron_fields(expression)
    found = None if fields is None else events._cron_next_fire(fields, datetime.fromtimestamp(last, UTC))
    return None if found is None else float(found.timestamp())
