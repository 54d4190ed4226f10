"""What processes are there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    return _state(pid) not in {"", "Z"}


def is_frozen(pid: int) -> bool:
    """Whether a process is there, stopped between two calls."""
    return _state(pid) == "T"


def are_gone(pids: list[int], seconds: float = 90) -> bool:
    """Whether all of them end in time."""
    return eventually(lambda: not any(is_running(pid) for pid in pids), seconds)


def eventually(is_so: Callable[[], bool], seconds: float = 90) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _state(pid: int) -> str:
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return told.stdout.strip()[:1]
