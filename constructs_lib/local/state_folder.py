"""The folder one local run keeps its state in, held by one run at a time."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from constructs_lib.problem import LocalError, Problem

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from types import TracebackType


class StateFolder:
    """A folder with everything that outlives a run: data, deployed stacks, the assembly, the logs of the last run.

    The lock is the operating system's, so it ends with the process however that ends.

    Args:
        path: The folder. Default: a temporary one, gone when closed.

    Raises:
        LocalError: Another run holds the folder, or it cannot be made.
    """

    def __init__(self, path: Path | None) -> None:
        """Make the folder and take it."""
        self.is_kept = path is not None
        self._descriptor = -1
        try:
            self.path = Path(tempfile.mkdtemp(prefix="constructs-lib-run-")) if path is None else path.absolute()
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / ".gitignore").write_text("*\n")
            self._descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            problem = Problem(
                what=f"the state folder cannot be used: {error.strerror or error}",
                where=str(path),
                fix="name another one with --state, or run with --no-state",
            )
            raise LocalError(problem) from error
        if not _lock(self._descriptor):
            holder = (self.path / "pid").read_text().strip() if (self.path / "pid").exists() else "unknown"
            os.close(self._descriptor)
            problem = Problem(
                what=f"another local run (process {holder}) uses this state folder",
                where=str(self.path),
                fix="stop it with Ctrl-C in its terminal, or name another folder with --state, or run with --no-state",
            )
            raise LocalError(problem)
        (self.path / "pid").write_text(f"{os.getpid()}\n")
        self.function_log.write_bytes(b"")
        self.journal.write_bytes(b"")

    @property
    def function_log(self) -> Path:
        """The file that receives the lines of every function's log, as JSON."""
        return self.path / "functions.jsonl"

    @property
    def journal(self) -> Path:
        """The file that receives what happens inside the embedded AWS, as JSON."""
        return self.path / "journal.jsonl"

    @property
    def assembly(self) -> Path:
        """The folder the app is synthesized to."""
        return self.path / "cdk.out"

    @property
    def cdk_home(self) -> Path:
        """The home of the CDK CLI, which keeps accounts it has seen there."""
        return self.path / "cdk-home"

    def close(self) -> None:
        """Let go of the folder; a temporary one is removed."""
        if self._descriptor < 0:
            return
        (self.path / "pid").unlink(missing_ok=True)
        os.close(self._descriptor)  # which releases the lock
        self._descriptor = -1
        if not self.is_kept:
            shutil.rmtree(self.path, ignore_errors=True)

    def __enter__(self) -> Self:
        """Return the folder."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it."""
        self.close()


def _lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
