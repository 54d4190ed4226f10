"""A `constructs-lib` process as a user's shell would start it, and what is left of it afterwards."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAM = Path(sys.executable).with_name("constructs-lib")
SECONDS = 60.0


class LocalProcess:
    """`constructs-lib local ...` in a folder, leading a process group as a job of a shell does."""

    def __init__(self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [PROGRAM, "local", *arguments],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.lines: list[str] = []
        self._arriving: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._arriving.put(line.rstrip("\n"))
        self._arriving.put(None)

    def line_with(self, text: str) -> str:
        """The next line that holds this text."""
        deadline = time.monotonic() + SECONDS
        while True:
            line = self._arriving.get(timeout=max(0.0, deadline - time.monotonic()))
            if line is None:
                raise AssertionError(f"ended before {text!r}: {self.lines} {self.errors()}")
            self.lines.append(line)
            if text in line:
                return line

    def ready(self) -> str:
        """Wait until it serves, and return its base URL."""
        return self.line_with("ready http").removeprefix("ready ")

    def errors(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.read()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Wait until it has ended; its exit code and what it complained about."""
        code = self._process.wait(SECONDS)
        return code, self.errors()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


def descendants(pid: int) -> set[int]:
    """Every process below this one."""
    children: dict[int, set[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        children.setdefault(int(fields[1]), set()).add(int(path.parent.name))
    found: set[int] = set()
    pending = [pid]
    while pending:
        below = children.get(pending.pop(), set()) - found
        found |= below
        pending.extend(below)
    return found


def await_gone(pids: set[int], seconds: float = SECONDS) -> set[int]:
    """Wait until these processes have ended, and return those that have not."""
    deadline = time.monotonic() + seconds
    left = set(pids)
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if _runs(pid)}
        time.sleep(0.02)
    return left


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
