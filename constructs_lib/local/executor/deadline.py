"""When the time of an invocation is over. What the machine stood still meanwhile does not count: no function ran."""

from __future__ import annotations

import time
from collections.abc import Callable

STILL_SECONDS = 1.0  # later than this nobody is woken on a machine that runs, be it as busy as it likes


class Deadline:
    """A moment that moves with the time a machine stood still: stopped, suspended, or without a share of its host.

    Args:
        started: When the time began.
        seconds: How long it is.
        clock: The monotonic clock.
    """

    def __init__(self, started: float, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin; the first wait begins now, too."""
        self.at = started + seconds
        self._clock = clock
        self._since = started

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self._clock() >= self.at

    def began_to_wait(self) -> None:
        """Somebody waits from now on: what was done before was no wait."""
        self._since = self._clock()

    def waited(self, seconds: float) -> None:
        """Who waited at most so long goes on; what it took beyond that is given back."""
        now = self._clock()
        still = now - self._since - seconds
        if still > STILL_SECONDS:
            self.at += still
        self._since = now
