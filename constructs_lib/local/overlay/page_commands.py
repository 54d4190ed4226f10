"""What the page asks for that no AWS API offers: look into a queue without receiving, let a schedule occur now."""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay import trace
from constructs_lib.local.overlay.authority import scope_of
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.clock import virtual_time as time
from constructs_lib.local.overlay.control import command
from constructs_lib.problem import LocalError, Problem

MOST_MESSAGES = 200
BODY_CHARACTERS = 262_144  # what SQS took for many years; longer bodies are cut

Told = dict[str, Any]


@command("queue-messages")
def queue_messages(told: Told) -> Told:
    """The messages of a queue, oldest first; nobody's receive count goes up.

    Args:
        told: `arn` of the queue.
    """
    queue = base("services.sqs")._queue_by_arn(str(told["arn"]))
    if queue is None:
        raise _missing("queue", str(told["arn"]))
    messages, now = list(queue["messages"]), time.time()
    shown = [_message(each, now) for each in messages[:MOST_MESSAGES]]
    return {"messages": shown, "more": max(0, len(messages) - MOST_MESSAGES)}


def _message(message: Told, now: float) -> Told:
    hidden = max(0.0, message["visible_at"] - now)
    told = message.get("message_attributes") or {}
    return {
        "id": message["id"],
        "body": message["body"][:BODY_CHARACTERS],
        "attributes": {
            name: str(each.get("StringValue") or each.get("BinaryValue") or "") for name, each in told.items()
        },
        "sent": message["sent_at"],
        "received": message["receive_count"],
        "hidden_seconds": round(hidden, 1),
        "group": message.get("group_id") or "",
        "trace": (message.get("sys") or {}).get("AWSTraceHeader", ""),
    }


@command("schedule-fire")
def schedule_fire(told: Told) -> Told:
    """Deliver to the targets of a schedule or a scheduled rule as if its time had come.

    Args:
        told: `kind` (`schedule` or `rule`), `name`, `account`, `region`.
    """
    trace.begin(f"Root={trace.new_root()}")
    account, region, name = (str(told[each]) for each in ("account", "region", "name"))
    is_rule = told["kind"] == "rule"
    with scope_of(account, region):
        source, targets = _rule(name) if is_rule else _schedule(name)
        event = {
            "EventId": base("services.scheduler").new_uuid(),
            "Source": "aws.events" if is_rule else "aws.scheduler",
            "DetailType": "Scheduled Event",
            "Detail": "{}",
            "Time": int(time.time()),
            "Resources": [source["Arn"]],
            "Account": account,
            "Region": region,
        }
        for target in targets:
            base("services.eventbridge")._invoke_target(target, event, source)
    return {"targets": [each.get("Arn", "") for each in targets], "trace": trace.root_now()}


def _schedule(name: str) -> tuple[Told, list[Told]]:
    for key, schedule in base("services.scheduler")._schedules.items():
        if str(key).partition("/")[2] == name:
            return schedule, [schedule["Target"]]
    raise _missing("schedule", name)


def _rule(name: str) -> tuple[Told, list[Told]]:
    events = base("services.eventbridge")
    for key, rule in events._rules.items():
        if rule.get("Name") == name and rule.get("ScheduleExpression"):
            return rule, list(events._targets.get(key) or [])
    raise _missing("scheduled rule", name)


def _missing(noun: str, name: str) -> LocalError:
    return LocalError(Problem(what=f"there is no {noun} {name}", where="the embedded AWS", fix="deploy it first"))
