"""Notices which files have changed, by looking at them: as often as a fixed small share of one core allows.

No service of the operating system is used: those differ from one to the next, miss changes on shared folders of virtual
machines, and need a package of their own on each.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SHORTEST_SECONDS = 0.05  # between two looks at the files that matter
SHARE = 0.004  # of one core, that looking at them may take
LOOK_FOR_NEW_SECONDS = 1.0  # between two looks for files that are new, at the least
SHARE_FOR_NEW = 0.003
NEVER = {"node_modules", "__pycache__", "cdk.out", "venv", "htmlcov"}  # folders nobody writes by hand
SAVING = re.compile(r"^[.#]|~$|^4913$|\.(sw[a-z]|tmp|bak|orig|pyc|log|md)$")  # what editors make, and nobody builds of

Stamp = tuple[int, int, int] | None


class WatchedTree:
    """The files of an app that nobody has listed: those below its folder that may be part of it.

    Args:
        folder: The folder of cdk.json, whose `watch` is kept to as `cdk watch` does.
        without: A folder that is written to all the time, and not by the user.
    """

    def __init__(self, folder: Path, *, without: Path) -> None:
        """Read what cdk.json says of watching."""
        self.folder = folder
        told = _watch_settings(folder / "cdk.json")
        self._include = [_pattern(each) for each in told.get("include", ["**"])]
        self._exclude = [_pattern(each) for each in told.get("exclude", [])]
        self._without = {(folder / str(told.get("output", "cdk.out"))).absolute(), without.absolute()}

    def files(self) -> Iterator[Path]:
        """Return the files that are there now."""
        pending = [""]
        while pending:
            below = pending.pop()
            try:
                entries = list(os.scandir(self.folder / below))
            except OSError:
                continue
            names = {entry.name for entry in entries}
            if "pyvenv.cfg" in names or {"manifest.json", "cdk.out"} <= names:
                continue  # an environment of Python; an assembly
            for entry in entries:
                name = f"{below}{entry.name}"
                if SAVING.search(entry.name) or any(each.fullmatch(name) for each in self._exclude):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in NEVER and Path(entry.path).absolute() not in self._without:
                        pending.append(f"{name}/")
                elif any(each.fullmatch(name) for each in self._include):
                    yield Path(entry.path).absolute()


class FileWatch:
    """Watches files.

    Args:
        files: The files to look at often.
        tree: Where to look for files beside these, less often. Default: nowhere.
    """

    def __init__(self, files: Iterable[Path], tree: WatchedTree | None = None) -> None:
        """Remember how everything is now."""
        self._tree = tree
        self._often: dict[Path, Stamp] = {path: _stamp(path) for path in files}
        self._seldom: dict[Path, Stamp] = {}
        self._pause, self._pause_for_new, self._next_for_new = SHORTEST_SECONDS, LOOK_FOR_NEW_SECONDS, 0.0
        self._look_for_new()

    @property
    def pause(self) -> float:
        """How long to wait until the next look, in seconds."""
        return self._pause

    def also(self, files: Iterable[Path]) -> None:
        """Look at these often, too, from now on."""
        for path in files:
            self._often.setdefault(path, self._seldom.pop(path, None) or _stamp(path))

    def changed(self, *, everywhere: bool = False) -> set[Path]:
        """Return the files that were written, made or removed since the last look.

        Args:
            everywhere: Whether to look for new files at any rate.
        """
        began = time.thread_time()
        found = self._compare(self._often)
        self._pause = max(SHORTEST_SECONDS, (time.thread_time() - began) / SHARE)
        if everywhere or time.monotonic() >= self._next_for_new:
            found |= self._look_for_new()
        return found

    def _look_for_new(self) -> set[Path]:
        if self._tree is None:
            return set()
        began = time.thread_time()
        is_first = not self._next_for_new
        now = {path: _stamp(path) for path in self._tree.files() if path not in self._often}
        found = (
            set()
            if is_first
            else {path for path in now.keys() | self._seldom if now.get(path) != self._seldom.get(path)}
        )
        self._seldom = now
        pause = max(LOOK_FOR_NEW_SECONDS, (time.thread_time() - began) / SHARE_FOR_NEW)
        self._next_for_new = time.monotonic() + pause
        return found

    @staticmethod
    def _compare(known: dict[Path, Stamp]) -> set[Path]:
        found = set()
        for path, before in known.items():
            stamp = _stamp(path)
            if stamp != before:
                known[path] = stamp
                found.add(path)
        return found


def _stamp(path: Path) -> Stamp:
    try:
        status = os.stat(path)  # noqa: PTH116 (twice as fast as Path.stat, and done for every file, many times a second)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _watch_settings(path: Path) -> dict[str, Any]:
    """The part of cdk.json that `cdk watch` reads; what is not as it should be counts as absent."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    settings = told.get("watch") if isinstance(told, dict) else None
    found: dict[str, Any] = {}
    for key in ("include", "exclude"):
        value = settings.get(key) if isinstance(settings, dict) else None
        patterns: Sequence[object] = value if isinstance(value, list) else [value]
        if any(isinstance(each, str) for each in patterns):
            found[key] = [each for each in patterns if isinstance(each, str)]
    if isinstance(told, dict) and isinstance(told.get("output"), str):
        found["output"] = told["output"]
    return found


def _pattern(glob: str) -> re.Pattern[str]:
    """What a glob of cdk.json matches: `*` stays within a folder, `**` crosses folders; a folder means all in it."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob.removeprefix("./").rstrip("/"))
    spelled = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(spelled.get(part, re.escape(part)) for part in parts) + "(?:/.*)?")
