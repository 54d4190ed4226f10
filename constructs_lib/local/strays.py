"""Ends what handlers have started in sessions of their own, which no process group leads to.

A handler's processes inherit where its code is, a folder that only one embedded AWS has. On Linux alone: elsewhere the
variables of a process are nobody's business.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 10  # a process may start another one while we look


def end_strays(work: Path) -> None:
    """End every process that runs code of the embedded AWS with this working folder."""
    for _ in range(ROUNDS):
        found = list(_strays(work))
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _strays(work: Path) -> Iterator[int]:
    mark = os.fsencode(f"LAMBDA_TASK_ROOT={work}{os.sep}")
    for path in Path("/proc").glob("[0-9]*/environ"):
        pid = int(path.parent.name)
        try:
            is_stray = any(each.startswith(mark) for each in path.read_bytes().split(b"\0"))
        except OSError:
            continue  # it has ended meanwhile, or is another user's
        if is_stray and pid != os.getpid():
            yield pid
