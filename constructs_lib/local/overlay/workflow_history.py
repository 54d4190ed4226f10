"""The history of a task that names a function's ARN has events of its own: `LambdaFunctionScheduled` and its kin.

Stock calls them as those of every other task, so that what reads a history on AWS finds nothing here.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.patching import Patch

FUNCTION, STARTED = ":function:", "LambdaFunctionStarted"
# What the base calls an event, what AWS does where the task is a function, and what is told of it.
EVENTS = {
    "TaskScheduled": ("LambdaFunctionScheduled", ("resource",)),
    "TaskSucceeded": ("LambdaFunctionSucceeded", ("output",)),
    "TaskFailed": ("LambdaFunctionFailed", ("error", "cause")),
    "TaskTimedOut": ("LambdaFunctionTimedOut", ("error", "cause")),
}


def _wrap(stock: Any) -> Any:
    def add_event(execution: Any, event_type: str, details: Any = None) -> Any:
        told = next(iter(details.values()), None) if details and event_type in EVENTS else None
        if not isinstance(told, dict) or FUNCTION not in str(told.get("resource")):
            return stock(execution, event_type, details)
        name, kept = EVENTS[event_type]
        field = f"{name[0].lower()}{name[1:]}EventDetails"
        event = stock(execution, name, {field: {key: told[key] for key in kept if key in told}})
        if event_type == "TaskScheduled":
            stock(execution, STARTED)
        return event

    return add_event


PATCHES = (Patch("services.stepfunctions", "_add_event", ("execution", "event_type", "details"), _wrap),)
