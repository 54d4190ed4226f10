"""Source maps, read for the few positions somebody asks for.

https://tc39.es/ecma426/
"""

from __future__ import annotations

import filecmp
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DIGITS = {each: value for value, each in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}
CONTINUES, BITS = 32, 5
MAPS = "source-maps"  # as `bundling/asset.py` writes them


@dataclass(frozen=True, slots=True)
class Original:
    """A place in a source file.

    Args:
        source: The file, as the map names it.
        line: The line, from 1.
        column: The column, from 1.
    """

    source: str
    line: int
    column: int


class SourceMaps:
    """Finds the map of a bundle: the one that an assembly keeps outside of it, else the one beside it."""

    def __init__(self) -> None:
        """Know of none."""
        self._folders: tuple[Path, ...] = ()
        self._maps: dict[str, Mapping[str, Any] | None] = {}
        self._lock = threading.Lock()

    def look_in(self, folders: Iterable[Path]) -> None:
        """Look for maps in these folders from now on: they hold bundles, and maps by their names in `source-maps`."""
        with self._lock:
            self._folders = tuple(folders)
            self._maps.clear()

    def original(self, file: str, line: int, column: int) -> Original | None:
        """Return where a position of a bundle comes from, both counted from 1; nothing when no map tells."""
        with self._lock:
            if file not in self._maps:
                self._maps[file] = self._read(Path(file))
            found = self._maps[file]
        return None if found is None else _original(found, line - 1, column - 1)

    def _read(self, file: Path) -> Mapping[str, Any] | None:
        try:
            path = self._kept_outside(file) or Path(f"{file}.map")
            read = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        return read if isinstance(read, dict) and isinstance(read.get("mappings"), str) else None

    def _kept_outside(self, file: Path) -> Path | None:
        """The map of the bundle that is the same as this one, byte by byte."""
        size = file.stat().st_size
        for folder in self._folders:
            for kept in folder.glob(f"{MAPS}/*/{file.name}.map"):
                bundle = folder / kept.parent.name / file.name
                if bundle.is_file() and bundle.stat().st_size == size and filecmp.cmp(bundle, file, shallow=False):
                    return kept
        return None


def _original(source_map: Mapping[str, Any], line: int, column: int) -> Original | None:
    """The last segment at or before a position of the generated file, both counted from 0."""
    source = at_line = at_column = 0
    found: tuple[int, int, int] | None = None
    for number, text in enumerate(str(source_map["mappings"]).split(";")):
        generated = 0
        for segment in text.split(","):
            fields = list(_numbers(segment))
            if not fields:
                continue
            generated += fields[0]
            if number == line and generated > column:
                break
            if len(fields) >= 4:  # noqa: PLR2004 (column, source, line, column)
                source, at_line, at_column = source + fields[1], at_line + fields[2], at_column + fields[3]
            if number == line:
                found = (source, at_line, at_column) if len(fields) > 1 else None
        if number == line:
            break
    sources = source_map.get("sources") or []
    if found is None or not 0 <= found[0] < len(sources):
        return None
    root = str(source_map.get("sourceRoot") or "")
    return Original(f"{root}{sources[found[0]]}".removeprefix("./"), found[1] + 1, found[2] + 1)


def _numbers(segment: str) -> Iterator[int]:
    value = shift = 0
    for each in segment:
        digit = DIGITS.get(each, 0)
        value |= (digit & (CONTINUES - 1)) << shift
        if digit & CONTINUES:
            shift += BITS
        else:
            yield -(value >> 1) if value & 1 else value >> 1
            value = shift = 0
