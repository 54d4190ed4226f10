"""The `local down` command: ends the run that holds a state folder, wherever it was started."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from constructs_lib.local.state_folder import StatePaths
from constructs_lib.local.terminal import Terminal
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from pathlib import Path

DOWN_SECONDS = 60.0  # the embedded AWS has 45 to save its state
LOOK_SECONDS = 0.05


def run(state: Path) -> int:
    """End the run and return when it has ended; nothing to end is no error."""
    terminal = Terminal(sys.stdout)
    paths = StatePaths(state.absolute())
    if not paths.is_held():
        terminal.step("down", f"no local run holds {state}; nothing to end")
        return 0
    pid = paths.holder()
    if pid is None:
        problem = Problem(
            what="a local run holds the state folder, but has not said which process it is",
            where=str(paths.path),
            fix="try again in a moment; if it stays, end the process that has the file `lock` open",
        )
        raise LocalError(problem)
    began = time.monotonic()
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    while paths.is_held():
        if time.monotonic() - began > DOWN_SECONDS:
            problem = Problem(
                what=f"the local run (process {pid}) did not end within {DOWN_SECONDS:g} s",
                where=str(paths.path),
                fix=f"kill -9 {pid}; what was saved last is kept",
            )
            raise LocalError(problem)
        time.sleep(LOOK_SECONDS)
    terminal.step("down", f"ended process {pid}; data and stacks stay in {state}", time.monotonic() - began)
    return 0
