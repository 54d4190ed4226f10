"""Which data a thread works for: after a reset, what began before it ends without touching anything.

A retry that waits, a batch that is being handled, a workflow between two states: each belongs to the era it began in.
"""

from __future__ import annotations

import contextvars
import threading
from typing import Any

_current = [0]
_mine: contextvars.ContextVar[int | None] = contextvars.ContextVar("reset_era", default=None)


class SupersededError(BaseException):
    """The data this thread works for is gone; no `except Exception` is to take that for a failure."""


def current() -> int:
    """The era this moment belongs to."""
    return _current[0]


def begin_next() -> None:
    """Whatever runs now belongs to the past."""
    _current[0] += 1


def belong() -> None:
    """Let what follows in this context belong to the era of this moment, for good."""
    if _mine.get() is None:
        _mine.set(_current[0])


def mine() -> int:
    """The era this context belongs to; one that never said so belongs to the present."""
    era = _mine.get()
    return _current[0] if era is None else era


def check(era: int) -> None:
    """Go no further if that era is over.

    Raises:
        SupersededError: There was a reset since.
    """
    if era != _current[0]:
        raise SupersededError


def end_threads_quietly() -> None:
    """Let a thread whose era is over end without a word in the log."""
    before = threading.excepthook

    def hook(told: Any) -> None:
        if not issubclass(told.exc_type, SupersededError):
            before(told)

    threading.excepthook = hook
