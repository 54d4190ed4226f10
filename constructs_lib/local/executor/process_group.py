"""The processes of one environment: the runtime, and external extensions beside it, in one process group."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


class ProcessGroup:
    """A group that is empty at first; its first process leads it.

    Args:
        folder: The working folder of its processes.
        variables: Their environment variables.
        output: The file descriptor they print to.
        on_group: Called with the number of the group and whether it came or went.
    """

    def __init__(
        self, *, folder: Path, variables: Mapping[str, str], output: int, on_group: Callable[[int, bool], None]
    ) -> None:
        """Start nothing yet."""
        self._folder = folder
        self._variables = dict(variables)
        self._output = output
        self._on_group = on_group
        self._number = 0
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, command: list[str], standard_input: int) -> subprocess.Popen[bytes]:
        """Start a process in the group.

        Raises:
            OSError: The program cannot be run.
        """
        process = subprocess.Popen(  # noqa: S603 (running the user's code is what this is for)
            command,
            stdin=standard_input,
            stdout=self._output,
            stderr=self._output,
            cwd=self._folder,
            env=self._variables,
            process_group=self._number,
        )
        self._processes.append(process)
        if self._number == 0:
            self._number = process.pid
            self._on_group(self._number, True)
        return process

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of them."""
        if self._number:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._number, number)

    def kill(self) -> None:
        """End all of them, and whatever they have started in the group."""
        self.signal(signal.SIGKILL)
        for each in self._processes:
            each.wait()
        if self._number:
            self._on_group(self._number, False)

    def await_end(self, processes: list[subprocess.Popen[bytes]], seconds: float) -> None:
        """Wait for some of them to end by themselves."""
        deadline = time.monotonic() + seconds
        for each in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                each.wait(max(0.0, deadline - time.monotonic()))

    def resident_kib(self) -> int:
        """The memory that is their own; 0 where the system does not tell."""
        return sum(_resident_kib(each.pid) for each in self._processes)


def _resident_kib(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * _PAGE_KIB
