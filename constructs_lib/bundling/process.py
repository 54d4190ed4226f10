"""Runs the tools that bundle: esbuild, uv and npm."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

# Variables that would make a tool's result depend on the shell it was started from.
UNWANTED = ("NODE_PATH", "NODE_OPTIONS", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PWD")


class Finished(NamedTuple):
    """How a tool ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


class Launcher(Protocol):
    """Starts a tool and waits for it; tests inject one that counts."""

    def __call__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
        """Run `argv` in `cwd`, with `env` added to the environment."""
        ...


def launch(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
    """Run a tool to its end and collect what it printed.

    Raises:
        OSError: The tool cannot be started.
    """
    environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    environment.update(env if env is not None else {})
    done = subprocess.run(  # noqa: S603 - the tools this library found itself, never a shell
        list(argv), cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return Finished(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
