"""What happened in each state of an execution, read from its history."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

MOST_PASSAGES = 50  # of one state, the first ones; a Map may enter it thousands of times
VALUE_CHARACTERS = 100_000
ENDED = {"RUNNING": "running", "SUCCEEDED": "succeeded", "ABORTED": "aborted", "TIMED_OUT": "timed out"}


@dataclass(slots=True)
class Passage:
    """One time an execution went through a state.

    Args:
        entered: When it began.
        given: What went in.
        exited: When it ended; none before it has.
        answer: What came out.
        tries: How often its task was begun.
        failures: The errors of its task, in order.
        is_failing: Whether the last try of its task failed.
    """

    entered: float
    given: str
    exited: float | None = None
    answer: str = ""
    tries: int = 0
    failures: list[dict[str, str]] = field(default_factory=list)
    is_failing: bool = False

    def status(self, execution: str) -> str:
        """How it went, in an execution with this status."""
        if self.exited is None:
            return ENDED.get(execution, "failed") if execution != "SUCCEEDED" else "left"
        if self.is_failing:
            return "caught"
        return "retried" if self.failures else "succeeded"


class Passages:
    """Gathers the events of one history, in their order."""

    def __init__(self) -> None:
        """Begin before the first event."""
        self.error = ""
        self.cause = ""
        self._of: dict[str, list[Passage]] = {}
        self._counts: dict[str, int] = {}
        self._open: list[tuple[str, Passage]] = []

    def take(self, event: dict[str, Any]) -> None:
        """Take the next event."""
        kind, at = str(event["type"]), event["timestamp"].timestamp()
        if kind.endswith("StateEntered"):
            self._enter(event["stateEnteredEventDetails"], at)
        elif kind.endswith("StateExited"):
            self._exit(event["stateExitedEventDetails"], at)
        elif kind in {"TaskScheduled", "LambdaFunctionScheduled"}:
            self._try()
        elif kind.startswith(("Task", "LambdaFunction")) and kind.endswith(("Failed", "TimedOut")):
            self._fail(_details(event))
        elif kind in {"ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}:
            told = _details(event)
            self.error, self.cause = told.get("error", ""), told.get("cause", "")

    def states(self, execution: str) -> dict[str, Any]:
        """Return what happened, by the name of the state."""
        return {
            name: {
                "status": _worst([each.status(execution) for each in passages]),
                "count": self._counts[name],
                "passages": [
                    {
                        "status": each.status(execution), "entered": each.entered, "exited": each.exited,
                        "input": each.given, "output": each.answer, "tries": each.tries, "failures": each.failures,
                    }
                    for each in passages
                ],
            }
            for name, passages in self._of.items()
        }  # fmt: skip

    def _enter(self, told: dict[str, Any], at: float) -> None:
        name = str(told["name"])
        passage = Passage(at, _shown(told.get("input", "")))
        self._counts[name] = self._counts.get(name, 0) + 1
        kept = self._of.setdefault(name, [])
        if len(kept) < MOST_PASSAGES:
            kept.append(passage)
        self._open.append((name, passage))

    def _exit(self, told: dict[str, Any], at: float) -> None:
        name = str(told["name"])
        mine = next((each for each in self._open if each[0] == name), None)
        if mine is not None:
            self._open.remove(mine)
            mine[1].exited, mine[1].answer = at, _shown(told.get("output", ""))

    def _try(self) -> None:
        if self._open:
            self._open[-1][1].tries += 1
            self._open[-1][1].is_failing = False

    def _fail(self, told: dict[str, str]) -> None:
        if self._open:
            self._open[-1][1].failures.append(told)
            self._open[-1][1].is_failing = True


def _details(event: dict[str, Any]) -> dict[str, str]:
    """The error and the cause of an event that tells of a failure."""
    told: dict[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    return {"error": str(told.get("error", "")), "cause": str(told.get("cause", ""))[:VALUE_CHARACTERS]}


def _worst(statuses: list[str]) -> str:
    order = ("failed", "timed out", "aborted", "running", "left", "caught", "retried", "succeeded")
    return min(statuses, key=order.index)


def _shown(told: str) -> str:
    try:
        return json.dumps(json.loads(told), indent=2, ensure_ascii=False)[:VALUE_CHARACTERS]
    except (ValueError, RecursionError):
        return told[:VALUE_CHARACTERS]
