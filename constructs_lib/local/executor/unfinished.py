"""What a handler left behind when it returned, as its log tells it: what, and the line of user code that did not wait.

The bootstraps say what still ran and how it came about; which of it the user wrote, source maps tell. What a package
does in the background is that package's business.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from constructs_lib.local.executor.source_maps import SourceMaps

FOREIGN = ("/node_modules/", "/site-packages/", "/constructs_lib/runtime/", "/constructs-lib-runtime/")
STANDARD = "/lib/python"
FILE_URL = "file://"
FRAMES_SHOWN = 5
RANK = {"request": 0, "task": 0, "thread": 0, "coroutine": 0, "operation": 1, "timer": 2}  # of one place the first


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Work that a handler did not wait for.

    Args:
        what: What it was.
        at: File and line of user code, as seen from the project where that is known; empty when it is not known.
        callers: The lines it was called from, the nearest first.
        fix: What to do about it.
    """

    what: str
    at: str
    callers: tuple[str, ...]
    fix: str

    @property
    def place(self) -> str:
        """What tells one from another."""
        return self.at or self.what

    def line(self, request_id: str, *, as_json: bool) -> str:
        """Render it for the function's log."""
        told = f"{self.what} was still under way when the handler returned: Lambda freezes it, and may lose it"
        if as_json:
            record = {"level": "WARN", "requestId": request_id, "message": told, "at": self.at, "fix": self.fix}
            return json.dumps(record)
        where = [f"  at:  {self.at}"] if self.at else []
        return "\n".join([f"WARN RequestId: {request_id} {told}", *where, f"  fix: {self.fix}"])


def read_unfinished(entries: Iterable[Mapping[str, Any]], root: Path, maps: SourceMaps) -> list[Unfinished]:
    """Return what of a bootstrap's report the user can mend, one for each place.

    Args:
        entries: What the bootstrap says.
        root: The folder the function's code is in.
        maps: Where source maps are found.
    """
    found: dict[str, Unfinished] = {}
    for entry in sorted(entries, key=lambda each: RANK.get(str(each.get("kind")), 0)):
        unfinished = _unfinished(entry, _Frames(root, maps))
        if unfinished is not None:
            found.setdefault(unfinished.place, unfinished)
    return list(found.values())


def _unfinished(entry: Mapping[str, Any], frames: _Frames) -> Unfinished | None:
    kind, what = str(entry.get("kind")), str(entry.get("what"))
    fix = str(entry.get("fix") or "await it before the handler returns")
    own, made = entry.get("own") or [], entry.get("made") or []
    if kind == "timer" and not frames.is_own(own[:1]):
        return None  # a package's timer: pools keep some between invocations
    if kind == "thread" and not frames.is_own([each for each in made if not _is_standard(each)][:1]):
        return None  # a package's thread
    places = [*frames.own(made), *frames.own(own)] if kind != "timer" else list(frames.own(own))
    if not places and (entry.get("isTraced", True) or kind != "request"):
        return None
    places = list(dict.fromkeys(places))[:FRAMES_SHOWN]
    return Unfinished(what, places[0] if places else "", tuple(places[1:]), fix)


@functools.lru_cache(maxsize=64)
def _installed(root: Path) -> frozenset[str]:
    """The modules and packages at the top of a folder of Python code that were installed there."""
    names: set[str] = set()
    for record in root.glob("*.dist-info/RECORD"):
        names |= {line.partition(",")[0].partition("/")[0] for line in record.read_text().splitlines()}
    return frozenset(names)


class _Frames:
    """Tells the user's own lines of a stack from others."""

    def __init__(self, root: Path, maps: SourceMaps) -> None:
        self._root = root
        self._prefixes = tuple(f"{each}/" for each in (root, root.resolve()))
        self._maps = maps

    def is_own(self, frames: Sequence[Mapping[str, Any]]) -> bool:
        return any(True for _ in self.own(frames))

    def own(self, frames: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Yield file and line of those that are the user's."""
        for frame in frames:
            place = self._place(frame)
            if place:
                yield place

    def _place(self, frame: Mapping[str, Any]) -> str:
        file, line, column = str(frame.get("file", "")), int(frame.get("line", 0)), int(frame.get("column", 0))
        if file.startswith(FILE_URL):
            file = unquote(file.removeprefix(FILE_URL))
        prefix = next((each for each in self._prefixes if file.startswith(each)), None)
        if prefix is None:
            return ""  # of the runtime
        name = file.removeprefix(prefix)
        if file.endswith(".py") and name.partition("/")[0] in _installed(self._root):
            return ""
        mapped = self._maps.original(file, line, column)
        if mapped is None:
            return "" if _is_foreign(file) else f"{name}:{line}:{column}".removesuffix(":0")
        return "" if _is_foreign(f"/{mapped.source}") else f"{mapped.source}:{mapped.line}:{mapped.column}"


def _is_standard(frame: Mapping[str, Any]) -> bool:
    """Whether a frame is of Python's own library."""
    file = str(frame.get("file", ""))
    return file.startswith("<") or (STANDARD in file and "/site-packages/" not in file)


def _is_foreign(file: str) -> bool:
    return any(part in file for part in FOREIGN)
