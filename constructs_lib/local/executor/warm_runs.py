"""Invocations an event loop waits for itself, as long as they are quick: no thread is woken for them.

What is not answered soon is waited for elsewhere, on a thread, where limits of time and memory are looked after.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from constructs_lib.local.executor.environment import Environment
    from constructs_lib.local.executor.invocation import Invocation
    from constructs_lib.local.executor.run import Run

LOOK_SECONDS = 0.01  # how often what is under way is looked at; what is older than that is no longer waited for


class Caller(Protocol):
    """Who wants to know; told once of each invocation, by one method or the other."""

    def answered(self, environment: Environment, run: Run) -> None:
        """The answer is there: `finish` does not wait."""

    def is_slow(self, environment: Environment, run: Run) -> None:
        """There is none yet, or something is wrong: `finish` may wait."""


@dataclass(eq=False, slots=True)
class _Waiting:
    environment: Environment
    run: Run
    caller: Caller


class WarmRuns:
    """What an event loop waits for.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin with nothing."""
        self._loop = loop
        self._waiting: set[_Waiting] = set()
        self._is_looking = False

    def start(self, environment: Environment, invocation: Invocation, caller: Caller) -> None:
        """Begin an invocation in an environment that has nothing to do."""
        run = environment.begin(invocation, is_quick=True)
        if not run.is_sent:
            caller.is_slow(environment, run)
            return
        waiting = _Waiting(environment, run, caller)
        self._waiting.add(waiting)
        self._loop.add_reader(environment.number, self._look, waiting)
        if not self._is_looking:
            self._is_looking = True
            self._loop.call_later(LOOK_SECONDS, self._look_at_clock)

    def _look(self, waiting: _Waiting) -> None:
        try:
            is_there = waiting.environment.look(waiting.run)
        except (OSError, ValueError):
            is_there = False
        else:
            if not is_there:
                return
        self._forget(waiting)
        (waiting.caller.answered if is_there else waiting.caller.is_slow)(waiting.environment, waiting.run)

    def _look_at_clock(self) -> None:
        oldest = time.monotonic() - LOOK_SECONDS
        try:
            for waiting in [each for each in self._waiting if each.run.started < oldest]:
                self._forget(waiting)
                waiting.caller.is_slow(waiting.environment, waiting.run)
        finally:  # whatever is wrong with one, the others are looked at again
            self._is_looking = bool(self._waiting)
            if self._is_looking:
                self._loop.call_later(LOOK_SECONDS, self._look_at_clock)

    def _forget(self, waiting: _Waiting) -> None:
        self._waiting.discard(waiting)
        with contextlib.suppress(ValueError):  # an environment that is closed has no number any more
            self._loop.remove_reader(waiting.environment.number)
