"""Makes bundles again with the packager that made them, which waits in a process of its own with everything loaded."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from constructs_lib.local.synth import end_group
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs_lib.local.bundle_sources import Bundle, BundleSources

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
PACKAGER = "constructs_lib.bundling.rebuild"  # by its name alone: what reads an assembly imports nothing that makes one


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of one bundle.

    Args:
        folder: Where it is now; none when it could not be made.
        sources: The files it was made of.
        problems: Why it could not be made.
    """

    folder: Path | None
    sources: frozenset[Path]
    problems: tuple[Problem, ...]


class Rebuilder:
    """A packager that waits.

    Args:
        sources: The project, and the Python that has the packager.
        outdir: The folder its bundles go to.
    """

    def __init__(self, sources: BundleSources, outdir: Path) -> None:
        """Start it, so that the first bundle does not have to wait for its start."""
        outdir.mkdir(parents=True, exist_ok=True)
        self._project = sources.project
        self._outdir = outdir
        self.python = sources.python
        self._process = subprocess.Popen(  # noqa: S603 (the Python of the app, and a module of this library)
            [sources.python, "-P", "-m", PACKAGER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=sources.project,
            env=os.environ | ({"PYTHONPATH": str(PACKAGE_ROOT)} if sources.python == sys.executable else {}),
            start_new_session=True,
        )

    def rebuild(self, bundles: Sequence[Bundle]) -> list[Rebuilt]:
        """Make these bundles again, each on its own account.

        Raises:
            LocalError: The packager has ended.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("a process started with pipes has them")
        entries = [dict(each.entry) for each in bundles]
        order = {"project": str(self._project), "outdir": str(self._outdir), "entries": entries}
        line = b""
        with contextlib.suppress(OSError, ValueError):
            stdin.write(json.dumps(order).encode() + b"\n")
            stdin.flush()
            line = stdout.readline()
        if not line:
            problem = Problem(
                what="the process that makes bundles again has ended by itself",
                where=f"{self.python} -m {PACKAGER}",
                fix="start the run again; if it stays, report it",
            )
            raise LocalError(problem)
        return [
            Rebuilt(
                folder=Path(each["folder"]) if "folder" in each else None,
                sources=frozenset(Path(name) for name in each.get("sources", [])),
                problems=tuple(Problem(**problem) for problem in each.get("problems", [])),
            )
            for each in json.loads(line)
        ]

    def stop(self) -> None:
        """End it."""
        end_group(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
