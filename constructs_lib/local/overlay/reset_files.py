"""The objects of buckets, which a kept state has on disk: the same as `reset_stores`, by links.

The base never writes into a file that stands, it replaces it; so a second link to a file is a copy that costs nothing.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

Files = dict[str, tuple[int, int, int]]


class ObjectFiles:
    """The files of all objects, and their copies.

    Args:
        folder: Where the base has them.
        copies: Where ours are.
    """

    def __init__(self, folder: Path, copies: Path) -> None:
        """Remember both."""
        self._folder = folder
        self._copies = copies

    def take(self) -> Files:
        """Say what is there now, so that it can be told from what comes."""
        return _files(self._folder)

    def keep(self, before: Files | None) -> None:
        """Carry over to the copies what changed since; without a before, copy everything."""
        after = self.take()
        if before is None:
            shutil.rmtree(self._copies, ignore_errors=True)
            self._copies.mkdir(parents=True)
        for name in after:
            if before is None or after[name] != before.get(name):
                _link(self._folder / name, self._copies / name)
        for name in (before or {}).keys() - after.keys():
            (self._copies / name).unlink(missing_ok=True)

    def put_back(self) -> None:
        """Let the files be those of the copies; those of deployments stay as they are."""
        wanted, current = _files(self._copies), _files(self._folder)
        for name in current.keys() - wanted.keys():
            if not _is_asset(name):
                (self._folder / name).unlink(missing_ok=True)
        for name in wanted:
            if wanted[name] != current.get(name) and not (_is_asset(name) and name in current):
                _link(self._copies / name, self._folder / name)


def _files(folder: Path) -> Files:
    found: Files = {}
    for path in folder.rglob("*"):
        if path.is_file():
            about = path.stat()
            found[str(path.relative_to(folder))] = (about.st_ino, about.st_size, about.st_mtime_ns)
    return found


def _is_asset(name: str) -> bool:
    return any(part.startswith("cdk-") and "-assets-" in part for part in Path(name).parts[:3])


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    os.link(source, target)
