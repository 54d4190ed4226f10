"""Schedules of a template keep all they say, fire in their time zone, and need a role the service may assume.

Stock drops the time zone, the dates and what happens after the last occurrence; reads every time as UTC; takes any
role and any expression; looks every ten seconds. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import datetime
import json
import threading
from typing import Any
from zoneinfo import ZoneInfo

from constructs_lib.assembly.schedule_expressions import wrong_with
from constructs_lib.local.overlay.authority import Role, here, scope_of
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.clock import CLOCK
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.target_delivery import SCHEDULES

TICK_SECONDS = 1.0
_TYPE = "_RESOURCE_HANDLERS/AWS::Scheduler::Schedule"
_KEPT = ("ScheduleExpressionTimezone", "StartDate", "EndDate", "ActionAfterCompletion", "KmsKeyArn")

Schedule = dict[str, Any]
_fired: dict[tuple[str, ...], float] = {}
_following = threading.Lock()


def _odd_expression(told: Any) -> str:
    """Why AWS would not take the expression of a schedule; empty when it would."""
    expression = str(told.get("ScheduleExpression") or "")
    is_odd = expression and wrong_with(expression, of_scheduler=True) is not None
    return f"Invalid Schedule Expression {expression}." if is_odd else ""


def _problem(told: Any) -> str:
    """Why AWS would not take a new schedule; empty when it would."""
    if odd := _odd_expression(told):
        return odd
    role_arn, group = (told.get("Target") or {}).get("RoleArn", ""), told.get("GroupName", "default")
    account, region = here()
    keys = {
        "aws:SourceArn": f"arn:aws:scheduler:{region}:{account}:schedule-group/{group}",
        "aws:SourceAccount": account,
    }
    if Role(role_arn, "scheduler").trust_denial(SCHEDULES, keys):
        return "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    return ""


def _wrap_create_call(stock: Any) -> Any:
    def create_schedule(name: str, body: Any) -> Any:
        problem = _problem(body)
        return _refused(problem) if problem else stock(name, body)

    return create_schedule


def _wrap_update_call(stock: Any) -> Any:
    def update_schedule(name: str, body: Any) -> Any:
        problem = _odd_expression(body)
        return _refused(problem) if problem else stock(name, body)

    return update_schedule


def _refused(problem: str) -> tuple[int, dict[str, str], bytes]:
    told = {"__type": "ValidationException", "Message": problem}
    headers = {"Content-Type": "application/json", "x-amzn-errortype": "ValidationException"}
    return 400, headers, json.dumps(told).encode()


def _wrap_create(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        if problem := _problem(props):
            raise ValueError(problem)
        name, attributes = stock(logical_id, props, stack_name)
        _keep(name, props)
        return name, attributes

    return create


def _wrap_update(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str) -> Any:
        if problem := _odd_expression(new_props):
            raise ValueError(problem)
        name, attributes = stock(physical_id, old_props, new_props, stack_name)
        _keep(name, new_props)
        return name, attributes

    return update


def _keep(name: str, properties: Any) -> None:
    schedule = base("services.scheduler")._schedules[f"{properties.get('GroupName', 'default')}/{name}"]
    schedule.update({each: properties[each] for each in _KEPT if each in properties})


def _wrap_loop(stock: Any) -> Any:
    del stock

    def ticker_loop() -> None:
        while True:
            CLOCK.sleep(TICK_SECONDS, for_work=False)
            follow()

    return ticker_loop


def follow() -> None:
    """Fire every schedule whose time has come."""
    with _following:
        for key, schedule in list(base("services.scheduler")._schedules._data.items()):
            try:
                tick(key, schedule, CLOCK.now())
            except Exception:
                log.exception("the schedule %s cannot be followed", key)


def due_at(key: tuple[str, ...], schedule: Schedule) -> float | None:
    """When the schedule fires next; nothing when never."""
    scheduler = base("services.scheduler")
    start, end = scheduler._to_epoch(schedule.get("StartDate")), scheduler._to_epoch(schedule.get("EndDate"))
    if schedule.get("State") != "ENABLED":
        return None
    found = next_occurrence(schedule, _fired.get(key, float(schedule["CreationDate"])), has_fired=key in _fired)
    if found is None:
        return None
    found = max(found, start or found)
    return None if end is not None and found > end else found


def count_anew() -> None:
    """Let every schedule begin now, as if it had just been deployed; a single occurrence that is past stays past."""
    with _following:
        _fired.clear()
        now = CLOCK.now()
        for key, schedule in base("services.scheduler")._schedules._data.items():
            moment = due_at(key, schedule)
            if not schedule["ScheduleExpression"].startswith("at(") or (moment is not None and moment < now):
                _fired[key] = now


def tick(key: tuple[str, ...], schedule: Schedule, now: float) -> None:
    """Fire the schedule if an occurrence has come since the last time."""
    scheduler = base("services.scheduler")
    start, end = scheduler._to_epoch(schedule.get("StartDate")), scheduler._to_epoch(schedule.get("EndDate"))
    if schedule.get("State") != "ENABLED" or (start is not None and now < start):
        return
    if end is not None and now > end:
        _complete(key, schedule)
        return
    due = next_occurrence(schedule, _fired.get(key, float(schedule["CreationDate"])), has_fired=key in _fired)
    if due is None or now < due:
        return
    _fired[key] = now
    account, region, _ = key
    event = {
        "EventId": base("services.scheduler").new_uuid(),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": int(now),
        "Resources": [schedule["Arn"]],
        "Account": account,
        "Region": region,
    }
    with scope_of(account, region):
        base("services.eventbridge")._invoke_target(schedule["Target"], event, schedule)
    if schedule["ScheduleExpression"].startswith("at("):
        _complete(key, schedule)


def next_occurrence(schedule: Schedule, after: float, *, has_fired: bool) -> float | None:
    """When the schedule fires next after a moment; nothing when never.

    Args:
        schedule: The schedule.
        after: When it fired last, or when it was created.
        has_fired: Whether it fired before: a single occurrence comes once.
    """
    events = base("services.eventbridge")
    expression = schedule["ScheduleExpression"].strip()
    zone = ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")
    if expression.startswith("at("):
        if has_fired:
            return None
        return datetime.datetime.fromisoformat(expression[3:-1].strip()).replace(tzinfo=zone).timestamp()
    interval = events._parse_rate_seconds(expression)
    if interval is not None:
        return after + float(interval)
    fields = events._parse_cron_fields(expression)
    if fields is None:
        return None
    # The base counts in UTC: hand it the wall clock of the zone, and read its answer as that.
    wall = datetime.datetime.fromtimestamp(after, zone).replace(tzinfo=datetime.UTC)
    found = events._cron_next_fire(fields, wall)
    return None if found is None else found.replace(tzinfo=zone).timestamp()


def _complete(key: tuple[str, ...], schedule: Schedule) -> None:
    if schedule.get("ActionAfterCompletion") == "DELETE":
        base("services.scheduler")._schedules._data.pop(key, None)


PATCHES = (
    Patch("services.scheduler", "_create_schedule", ("name", "body"), _wrap_create_call),
    Patch("services.scheduler", "_update_schedule", ("name", "body"), _wrap_update_call),
    Patch("services.scheduler", "_ticker_loop", (), _wrap_loop),
    Patch(
        "services.cloudformation.provisioners",
        f"{_TYPE}/create",
        ("logical_id", "props", "stack_name"),
        _wrap_create,
    ),
    Patch(
        "services.cloudformation.provisioners",
        f"{_TYPE}/update",
        ("physical_id", "old_props", "new_props", "stack_name"),
        _wrap_update,
    ),
)
