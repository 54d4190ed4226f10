"""The folder one local run keeps its state in, held by one run at a time."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from constructs_lib.problem import LocalError, Problem

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from types import TracebackType

DEFAULT_STATE = Path(".local")
LOCK_FILE, PID_FILE = "lock", "pid"
TRIES, TRY_AGAIN_SECONDS = 4, 0.02


class StatePaths:
    """What is where in a state folder, for whoever reads it beside the run that holds it.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        """Remember the folder; it need not exist."""
        self.path = path

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

    @property
    def run_file(self) -> Path:
        """The file that says where the run that holds the folder answers."""
        return self.path / "run.json"

    @property
    def run_log(self) -> Path:
        """The file that receives what a detached run says."""
        return self.path / "run.log"

    @property
    def run_errors(self) -> Path:
        """The file that receives what a detached run complains of."""
        return self.path / "run-errors.log"

    def holder(self) -> int | None:
        """Return the process that has written down that it holds the folder; none when none has."""
        try:
            return int((self.path / PID_FILE).read_text())
        except (OSError, ValueError):
            return None

    def is_held(self) -> bool:
        """Whether a run holds the folder right now."""
        try:
            descriptor = os.open(self.path / LOCK_FILE, os.O_RDWR)
        except OSError:
            return False
        try:
            return not _lock(descriptor, tries=1)
        finally:
            os.close(descriptor)


def make_state_folder(path: Path) -> None:
    """Make the folder where there is none, for nobody else to enter: the values of secrets are saved there.

    The default one, which earlier versions left open, is closed; a folder with another name was the user's choice.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.name == DEFAULT_STATE.name:
        with contextlib.suppress(OSError):
            path.chmod(0o700)


class StateFolder(StatePaths):
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
            super().__init__(Path(tempfile.mkdtemp(prefix="constructs-lib-run-")) if path is None else path.absolute())
            make_state_folder(self.path)
            (self.path / ".gitignore").write_text("*\n")
            self._descriptor = os.open(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            problem = Problem(
                what=f"the state folder cannot be used: {error.strerror or error}",
                where=str(path),
                fix="name another one with --state, or run with --no-state",
            )
            raise LocalError(problem) from error
        if not _lock(self._descriptor):
            os.close(self._descriptor)
            raise LocalError(held_problem(self))
        self.run_file.unlink(missing_ok=True)  # of a run that was killed
        (self.path / PID_FILE).write_text(f"{os.getpid()}\n")
        self.function_log.write_bytes(b"")
        self.journal.write_bytes(b"")

    def close(self) -> None:
        """Let go of the folder; a temporary one is removed."""
        if self._descriptor < 0:
            return
        for file in (self.path / PID_FILE, self.run_file):
            file.unlink(missing_ok=True)
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


def held_problem(paths: StatePaths) -> Problem:
    """Say that another run holds a folder, and which."""
    holder = paths.holder()
    return Problem(
        what=f"another local run (process {'unknown' if holder is None else holder}) uses this state folder",
        where=str(paths.path),
        fix="end it with constructs-lib local down, or name another folder with --state, or run with --no-state",
    )


def _lock(descriptor: int, *, tries: int = TRIES) -> bool:
    """Take the lock; more than one try, because `is_held` takes it for a moment to find out whether it is free."""
    for attempt in range(tries):
        if attempt:
            time.sleep(TRY_AGAIN_SECONDS)
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False
