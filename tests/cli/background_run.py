"""A run that `constructs-lib local --detach` has left in the background, and the commands that talk to it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Self

from constructs_lib.local.run_record import RunRecord
from constructs_lib.local.running import RunningAws
from tests.cli.local_process import PROGRAM, SECONDS, await_gone, descendants

if TYPE_CHECKING:
    from pathlib import Path


class BackgroundRun:
    """Starts a run in a folder, and ends it by its process id whatever happens."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.started = self.command(*arguments, "--detach", "--port", "0")
        record = RunRecord.read(folder / ".local" / "run.json")
        self.pid = 0 if record is None else record.pid

    def command(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run `constructs-lib local ...` in the folder."""
        ended = subprocess.run(
            [PROGRAM, "local", *arguments],
            cwd=self.folder,
            input=given,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        return subprocess.CompletedProcess(ended.args, ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def aws(self) -> RunningAws:
        return RunningAws.find(self.folder / ".local")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.pid:
            return
        everything = {self.pid, *descendants(self.pid)}
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        assert await_gone(everything) == set()
