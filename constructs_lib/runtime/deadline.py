"""Keeps the end of the invocation in sight: what must not start any more, and what must stop now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from constructs_lib.runtime.refusals import NotStarted, OutOfTime

SHARE_OF_MARGIN = 5  # a short invocation gives at most a fifth of itself to the margin
GENEROUS = (1, 3)  # deliveries; see Deadline.allowance_ms

Result = TypeVar("Result")
Alarm = Callable[[float, Callable[[], None]], AbstractContextManager[None]]


class Invocation(Protocol):
    """What the deadline needs of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""


class _DeadlineReached(BaseException):
    """Interrupts a record handler; no `except Exception` of the handler's retries keeps it."""


@contextmanager
def interrupting_alarm(seconds: float, ring: Callable[[], None]) -> Iterator[None]:
    """Call `ring` in the midst of the block once `seconds` are over.

    Lambda calls handlers in the main thread, the only one that Python interrupts. In another thread nothing rings,
    and Lambda's own timeout ends the invocation, which acknowledges nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    armed = True

    def answer(_number: int, _frame: object) -> None:
        if armed:
            ring()

    previous = signal.signal(signal.SIGALRM, answer)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        try:
            armed = False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)


class Deadline:
    """The time one invocation has for its records.

    Args:
        context: Lambda's context.
        margin_ms: What is kept at the end, to save results and to answer Lambda.
        alarm: How a handler is interrupted.
    """

    def __init__(self, context: Invocation, margin_ms: int, alarm: Alarm = interrupting_alarm) -> None:
        """Start with what the invocation has left now."""
        self._context = context
        self._margin_ms = min(margin_ms, context.get_remaining_time_in_millis() // SHARE_OF_MARGIN)
        self._alarm = alarm

    def left_ms(self) -> int:
        """Return the milliseconds until the margin begins."""
        return self._context.get_remaining_time_in_millis() - self._margin_ms

    def refuse_late_start(self) -> None:
        """Let no record start in the margin.

        Raises:
            NotStarted: The margin has begun.
        """
        if self.left_ms() <= 0:
            raise NotStarted(f"less than {self._margin_ms} ms were left: not started, comes back unharmed")

    def allowance_ms(self, delivery: int, waiting: int) -> int:
        """Return how long a record may take.

        All the time there is on its first and third delivery, so that a slow record ends if it can. But one that hangs
        would starve the same neighbours each time, until they are dead letters with it. So on every other delivery,
        while others wait, it may take half of what is left.
        """
        left = self.left_ms()
        return left if delivery in GENEROUS or not waiting else left // 2

    def run(self, work: Callable[[], Result], allowance_ms: int) -> Result:
        """Return what `work` returns, if it does so in time.

        Raises:
            OutOfTime: It did not; it was interrupted, and has stopped unless it swallows interruptions.
        """
        late = False

        def ring() -> None:
            nonlocal late
            late = True
            raise _DeadlineReached

        told = f"interrupted after {allowance_ms} ms: it may have had part of its effect"
        try:
            with self._alarm(allowance_ms / 1000, ring):
                result = work()
        except _DeadlineReached:
            raise OutOfTime(told) from None
        except Exception as error:
            if late:
                raise OutOfTime(told) from error
            raise
        if late:
            raise OutOfTime(told)
        return result
