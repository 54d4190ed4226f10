"""Finds what the user probably meant."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "cdk.out", "dist", "build"})
FILES_LOOKED_AT = 5000  # a suggestion is not worth walking a disk for


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that looks most like `word`, if any looks like it at all."""
    matches = difflib.get_close_matches(word, sorted(set(known)), n=1, cutoff=0.6)
    return matches[0] if matches else None


def nearest_file(wanted: Path, below: Path, suffixes: frozenset[str]) -> Path | None:
    """Return the existing file below `below` whose path looks most like `wanted`.

    A file of the right name in another folder is preferred to a file of a similar name.
    """
    files = list(_files(below, suffixes))
    same_stem = [file for file in files if file.stem == wanted.stem]
    pool = same_stem or files
    by_path = {os.path.relpath(file, below): file for file in pool}
    relative = os.path.relpath(wanted, below)
    close = nearest(relative, by_path)
    if close is not None:
        return by_path[close]
    by_name = {file.name: file for file in pool}
    close = nearest(wanted.name, by_name)
    return by_name[close] if close is not None else None


def _files(below: Path, suffixes: frozenset[str]) -> Iterable[Path]:
    seen = 0
    for folder, folders, names in os.walk(below):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS and not name.startswith("."))
        for name in sorted(names):
            seen += 1
            if seen > FILES_LOOKED_AT:
                return
            if Path(name).suffix in suffixes:
                yield Path(folder, name)
