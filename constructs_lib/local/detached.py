"""A local run in the background: started like any other, in a session of its own, and left alone once it is ready."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from constructs_lib.local.local_run import READY, interruptible
from constructs_lib.local.state_folder import StatePaths, held_problem, make_state_folder
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO

LOOK_SECONDS = 0.05
DETACH = "--detach"
PACKAGE_MODULE = "constructs_lib.cli"


def start_detached(arguments: Sequence[str], state: Path) -> int:
    """Start the run, say what it says until it is ready, and leave it.

    Args:
        arguments: What the user typed after the name of the program.
        state: The state folder of the run.

    Returns:
        0 when it serves; what it ended with, when it did.

    Raises:
        LocalError: Another run holds the folder, or it cannot be made.
    """
    paths = StatePaths(state.absolute())
    if paths.is_held():
        raise LocalError(held_problem(paths))
    try:
        make_state_folder(paths.path)
        with _own(paths.run_log) as said, _own(paths.run_errors) as complained:
            process = subprocess.Popen(  # noqa: S603 (our own program, with what the user typed)
                [*_program(), *(each for each in arguments if each != DETACH)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=complained,
                start_new_session=True,  # so that it outlives the terminal, whose closing ends its own session only
            )
    except OSError as error:
        problem = Problem(
            what=f"the local run cannot be started in the background: {error.strerror or error}",
            where=str(paths.path),
            fix="name another state folder with --state, or run without --detach",
        )
        raise LocalError(problem) from error
    try:
        with interruptible():
            return _accompany(process, paths)
    except BaseException:
        process.send_signal(signal.SIGTERM)  # nobody waits for it any more
        process.wait()
        raise


def _accompany(process: subprocess.Popen[bytes], paths: StatePaths) -> int:
    is_ready, line = False, ""
    with paths.run_log.open(encoding="utf-8", errors="replace") as said:
        while True:
            code = process.poll()
            for part in said:
                sys.stdout.write(part)
                line = part if line.endswith("\n") else line + part
                is_ready = is_ready or (line.startswith(READY) and line.endswith("\n"))
            sys.stdout.flush()
            if code is not None:
                sys.stderr.write(paths.run_errors.read_text(encoding="utf-8", errors="replace"))
                return code
            if is_ready:
                return 0
            time.sleep(LOOK_SECONDS)


def _own(path: Path) -> BinaryIO:
    """Open an empty file for nobody's eyes but the user's: the run tells the address of its page, token and all."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _program() -> list[str]:
    """How this very program is started again."""
    program = sys.argv[0]
    if not program.endswith(".py") and os.access(program, os.X_OK):
        return [program]
    return [sys.executable, "-m", PACKAGE_MODULE]
