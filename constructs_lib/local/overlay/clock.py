"""The time of the embedded AWS: real time, plus what a test has added; it can stand still.

Whatever waits for minutes or days asks here: schedules, waits and timeouts of workflows, visibility and delay and
retention of messages, TTL, pauses between tries. The modules of the base that know such times find `VirtualTime` under
the name `time`; ours import it under that name. What talks to the world outside stays with real time: signatures,
tokens, sockets, timeouts of functions, timestamps of logs and objects.
"""

from __future__ import annotations

import datetime
import time
from threading import TIMEOUT_MAX, Condition, Thread
from typing import Any

from constructs_lib.local.overlay import reset_era

LOOK_SECONDS = 0.2  # how often what cannot be woken looks at the clock


class Clock:
    """A clock that can be moved forward and stopped."""

    def __init__(self) -> None:
        """Begin with real time."""
        self._moved = Condition()
        self._ahead = 0.0
        self._stands_at: float | None = None

    def now(self) -> float:
        """Seconds since 1970."""
        stands_at = self._stands_at
        return time.time() + self._ahead if stands_at is None else stands_at

    @property
    def ahead(self) -> float:
        """How many seconds it is ahead of real time."""
        return self.now() - time.time()

    @property
    def is_frozen(self) -> bool:
        """Whether it stands still."""
        return self._stands_at is not None

    def move_to(self, moment: float) -> None:
        """Go forward, and wake who waits; it never goes back."""
        with self._moved:
            if self._stands_at is not None:
                self._stands_at = max(self._stands_at, moment)
            else:
                self._ahead = max(self._ahead, moment - time.time())
            self._moved.notify_all()

    def freeze(self) -> None:
        """Stand still until moved."""
        with self._moved:
            self._stands_at = self.now()

    def go_on(self) -> None:
        """Go on from where it stands, at the pace of real time."""
        with self._moved:
            if self._stands_at is not None:
                self._ahead, self._stands_at = self._stands_at - time.time(), None
            self._moved.notify_all()

    def reset(self) -> None:
        """Show real time again; who sleeps for an era that is over wakes."""
        with self._moved:
            self._ahead, self._stands_at = 0.0, None
            self._moved.notify_all()

    def sleep(self, seconds: float, *, for_work: bool) -> None:
        """Wait until it shows so much more.

        Args:
            seconds: How much more.
            for_work: Whether this is part of some work, which a reset ends; else it is the pace of a loop.

        Raises:
            SupersededError: There was a reset meanwhile.
        """
        era = reset_era.mine() if for_work else reset_era.current()
        until = self.now() + seconds
        with self._moved:
            while (left := until - self.now()) > 0 and era == reset_era.current():
                self._moved.wait(None if self.is_frozen else min(left, TIMEOUT_MAX))
        if for_work:
            reset_era.check(era)

    def join(self, thread: Thread, seconds: float) -> None:
        """Wait for a thread, until it shows so much more at the most."""
        until = self.now() + seconds
        while thread.is_alive() and (left := until - self.now()) > 0:
            thread.join(min(left, LOOK_SECONDS))


CLOCK = Clock()


class VirtualTime:
    """Stands where a module expects the module `time`; what it does not know is real.

    Args:
        for_work: Whether sleeping is part of some work, which a reset ends.
    """

    def __init__(self, *, for_work: bool) -> None:
        """Remember who sleeps."""
        self._for_work = for_work

    def time(self) -> float:
        """Seconds since 1970."""
        return CLOCK.now()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        CLOCK.sleep(seconds, for_work=self._for_work)

    def __getattr__(self, name: str) -> Any:
        """Whatever else the module has."""
        return getattr(time, name)


class VirtualDatetime(datetime.datetime):
    """Stands where a module expects the class `datetime`."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        """This moment."""
        return cls.fromtimestamp(CLOCK.now(), tz)


virtual_time = VirtualTime(for_work=True)
