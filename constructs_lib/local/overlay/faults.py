"""Faults that a test has asked for: which there are, whom they meet, and when.

A fault meets a run of a function, or a call of an API. Each has random numbers of its own, so that the same seed meets
the same occasions, whatever else happens.
"""

from __future__ import annotations

import fnmatch
import random
import threading
from dataclasses import dataclass, field
from typing import Any, Literal

from constructs_lib.local.overlay.control import command
from constructs_lib.local.overlay.journal import tell
from constructs_lib.problem import LocalError, Problem

ANYONE = "*"
SOME_FUNCTION = "a function"  # where nobody knows which
DECIDING = ("throttle", "error", "kill")

Kind = Literal["throttle", "error", "delay", "duplicate", "kill"]


@dataclass(slots=True)
class Fault:
    """One fault.

    Args:
        number: What it is called.
        kind: What happens.
        function: The physical name of the function it meets; empty for calls and sources.
        source: The name of the queue, table, topic or bucket whose events it meets; empty for others.
        action: The action of the calls it meets, `dynamodb:PutItem`; stars stand for anything.
        by: The physical name of the function whose calls it meets; empty for all functions, `*` for anyone.
        rate: The share of occasions it meets.
        times: How many it meets at the most; 0 for any number.
        options: What else the kind of fault wants to know.
        seed: Where its random numbers begin.
        count: How many it has met.
    """

    number: int
    kind: Kind
    function: str = ""
    source: str = ""
    action: str = ""
    by: str = ""
    rate: float = 1.0
    times: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    count: int = 0
    _random: random.Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Begin with its first random number."""
        self._random = random.Random(self.seed)  # noqa: S311 (repeatable on purpose)

    def strikes(self) -> bool:
        """Whether it meets this occasion; each occasion takes one random number."""
        if self._random.random() >= self.rate or (self.times and self.count >= self.times):
            return False
        self.count += 1
        return True


_faults: dict[int, Fault] = {}
_lock = threading.Lock()
_next_number = [1]
_knows_callers = [True]


def in_runs(function: str, event: Any) -> list[Fault]:
    """Return the faults that meet this run of a function."""
    if not _faults:
        return []
    sources = _sources(event)
    return _struck(
        f"function {function}",
        [
            each
            for each in _faults.copy().values()
            if not each.action and (each.function == function or each.source in sources)
        ],
    )


def in_calls(action: str, caller: str) -> list[Fault]:
    """Return the faults that meet this call.

    Args:
        action: The action.
        caller: The function that calls; empty for anybody else.
    """
    met = [
        each
        for each in _faults.copy().values()
        if each.action
        and fnmatch.fnmatchcase(action.lower(), each.action.lower())
        and (each.by == ANYONE or (caller and each.by in {"", caller}))
    ]
    return _struck(f"{action} by {caller or 'somebody else'}", met)


def are_there_any() -> bool:
    """Whether there is anything to ask for."""
    return bool(_faults)


def callers_are_unknown() -> None:
    """Calls are made by some function or by nobody, and no more is known."""
    _knows_callers[0] = False


def clear() -> None:
    """Forget all of them."""
    with _lock:
        _faults.clear()


def _struck(where: str, met: list[Fault]) -> list[Fault]:
    """Those that happen now: what comes after one that decides how it ends does not come to pass."""
    struck: list[Fault] = []
    with _lock:
        for each in met:
            if each.strikes():
                struck.append(each)
                if each.kind in DECIDING:
                    break
    for each in struck:
        tell("fault", where=where, what=each.kind)
    return struck


def _sources(event: Any) -> set[str]:
    """The names of what the event comes from."""
    records = event.get("Records") if isinstance(event, dict) else None
    arns: set[str] = set()
    for each in records if isinstance(records, list) else []:
        if isinstance(each, dict):
            found = (
                each.get("eventSourceARN") or _inside(each, "Sns", "TopicArn") or _inside(each, "s3", "bucket", "arn")
            )
            arns.add(str(found or ""))
    return {_name_in(arn) for arn in arns if arn}


def _inside(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _name_in(arn: str) -> str:
    """The name of a resource: of the table for that of its stream."""
    return arn.rpartition(":")[2] if "/stream/" not in arn else arn.partition(":table/")[2].partition("/")[0]


def _refuse_unknown_callers(told: dict[str, Any]) -> None:
    if told.get("by", ANYONE) not in {"", ANYONE} and not _knows_callers[0]:
        raise LocalError(
            Problem(
                what="with IAM off nobody knows which function makes a call",
                where=f"faults, {told['action']} by {told['by']}",
                fix="run with IAM on, or leave `by` out to meet the calls of all functions",
            )
        )


@command("faults")
def faults(told: dict[str, Any]) -> object:
    """Add one (`add`), remove one (`remove`: its number), forget all (`clear`), and list them."""
    added = None
    with _lock:
        if "add" in told:
            _refuse_unknown_callers(told["add"])
            added = Fault(number=_next_number[0], **told["add"])
            _next_number[0] += 1
            _faults[added.number] = added
        if "remove" in told:
            _faults.pop(told["remove"], None)
        if told.get("clear"):
            _faults.clear()
        counts = {str(each.number): each.count for each in _faults.values()}
    return {"added": None if added is None else added.number, "counts": counts}
