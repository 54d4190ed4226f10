"""The rotations that deployments began: what a reset goes back to is taken when they have ended.

CloudFormation waits for none of them. Whoever starts a run or a test waits here, so that no secret is half rotated.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay.control import command

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_SECONDS = 20.0  # less than whoever asks has patience for an answer


class FirstRotations:
    """Those under way, and why others failed."""

    def __init__(self) -> None:
        """Know of none."""
        self._changed = threading.Condition()
        self._under_way: dict[str, str] = {}  # the names of their secrets, by the version they make
        self._open: set[str] = set()  # those whose end nobody has told yet
        self._failed: dict[str, str] = {}
        self._tell: tuple[Callable[[], object], Callable[[], object]] = (bool, bool)

    def listen(self, begins: Callable[[], object], ends: Callable[[], object]) -> None:
        """Let these two be called when one begins and when it has ended."""
        self._tell = (begins, ends)

    def begin(self, token: str, secret: str) -> None:
        """One begins."""
        with self._changed:
            self._under_way[token] = secret
            self._open.add(token)
        self._tell[0]()

    def end(self, token: str, failure: str = "") -> None:
        """One has ended; any other rotation is none of ours."""
        with self._changed:
            if token not in self._open:
                return
            self._open.discard(token)
        try:
            self._tell[1]()
        finally:
            with self._changed:
                secret = self._under_way.pop(token)
                if failure:
                    self._failed[secret] = failure
                self._changed.notify_all()

    def wait(self) -> bool:
        """Wait until all have ended; false when that takes too long."""
        deadline = time.monotonic() + WAIT_SECONDS
        with self._changed:
            while self._under_way:
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return False
        return True

    def give_up(self) -> None:
        """Let those under way count as ended."""
        for token in list(self._open):
            self.end(token)

    def told(self) -> dict[str, Any]:
        """The secrets that are being rotated, and why others were not; each failure is told once."""
        with self._changed:
            failed, self._failed = self._failed, {}
            return {"under_way": sorted(set(self._under_way.values())), "failed": failed}


FIRST_ROTATIONS = FirstRotations()


@command("first-rotations")
def first_rotations(_told: dict[str, Any]) -> object:
    """Wait a while until they have ended, and tell how."""
    FIRST_ROTATIONS.wait()
    return FIRST_ROTATIONS.told()
