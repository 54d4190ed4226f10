"""Outlives the embedded AWS by a moment to end what it leaves behind, even when it was killed.

Started with a pipe as standard input. Each line names a process group that came (`+123`) or went (`-123`). At the end
of the pipe everything still there is killed and the working folder removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys


def main(work: str) -> None:
    """Follow the pipe to its end, then clean up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        number = int(line[1:])
        if line.startswith("+"):
            groups.add(number)
        else:
            groups.discard(number)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
