"""Moves the clock of an embedded AWS: what would take hours there happens now."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.local.control import Control


class Clock:
    """The clock of one embedded AWS.

    Schedules, waits and timeouts of workflows, pauses between tries, visibility, delay and retention of messages, and
    TTL go by it. The clocks of handlers do not: `Date.now()` is real time.

    Args:
        control: The way to it.

    Example:
        >>> clock.advance(hours=1)  # a schedule of rate(1 hour) fires
        >>> with clock.frozen():
        ...     clock.advance(minutes=15)  # nothing else passes
    """

    def __init__(self, control: Control) -> None:
        """Remember whom to ask."""
        self._control = control

    @property
    def now(self) -> datetime:
        """What it shows, in UTC."""
        return datetime.fromisoformat(self._control.ask("clock")["now"])

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Go forward; each occurrence of a schedule on the way fires, in order, and whoever waits wakes at the end.

        What begins afterwards begins at the new time: of two waits of an hour, one after the other, an advance of two
        hours ends the first.

        Raises:
            LocalError: Backwards, or so far that schedules would fire more than a thousand times.
        """
        by = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if by < timedelta(0):
            problem = Problem(
                what=f"the clock cannot go back by {-by}", where="clock.advance", fix="reset shows real time again"
            )
            raise LocalError(problem)
        return datetime.fromisoformat(self._control.ask("clock", advance=by.total_seconds())["now"])

    def freeze(self) -> datetime:
        """Stand still until advanced; what waits, waits for that."""
        return datetime.fromisoformat(self._control.ask("clock", frozen=True)["now"])

    def go_on(self) -> datetime:
        """Go on at the pace of real time, from what it shows."""
        return datetime.fromisoformat(self._control.ask("clock", frozen=False)["now"])

    @contextmanager
    def frozen(self) -> Iterator[Clock]:
        """Stand still inside of a `with`."""
        self.freeze()
        try:
            yield self
        finally:
            self.go_on()
