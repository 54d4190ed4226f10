"""Reads what of tsconfig.json decides how imports resolve."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = ("tsconfig.json", "jsconfig.json")  # esbuild looks for both, in this order, in every folder upward

# A string, or a comment, or a comma before a closing bracket: only the strings are kept.
_NOT_JSON = re.compile(
    r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/|,(?=\s*(?://[^\n]*\n\s*|/\*.*?\*/\s*)*[}\]])', re.DOTALL
)


@dataclass(frozen=True)
class TsConfig:
    """One tsconfig.json with all that it extends.

    Args:
        files: The file itself and every file it extends, absolute.
        base: The folder of `baseUrl`, if it is set.
        paths: Pattern -> absolute patterns it may stand for.
    """

    files: tuple[str, ...]
    base: str | None
    paths: dict[str, tuple[str, ...]]

    def places(self, wanted: str) -> list[str]:
        """Return the paths, without extension, that an import may stand for, first choice first."""
        found: list[str] = []
        for pattern, targets in self.paths.items():
            before, star, after = pattern.partition("*")
            if not star:
                if wanted == pattern:
                    found.extend(targets)
            elif wanted.startswith(before) and wanted.endswith(after) and len(wanted) >= len(before) + len(after):
                middle = wanted[len(before) : len(wanted) - len(after)]
                found.extend(target.replace("*", middle, 1) for target in targets)
        if self.base is not None:
            found.append(str(Path(self.base, wanted)))
        return found


def read_tsconfig(path: str) -> TsConfig:
    """Read a tsconfig; what cannot be read counts as empty, since esbuild reports it better."""
    return _read(path, frozenset())


def _read(path: str, above: frozenset[str]) -> TsConfig:
    content = _json(path)
    files: list[str] = [path]
    base: str | None = None
    paths: dict[str, tuple[str, ...]] = {}
    extends = content.get("extends", [])
    for name in [extends] if isinstance(extends, str) else extends:
        parent = _locate(str(name), Path(path).parent)
        if parent is None or parent in above:
            continue
        inherited = _read(parent, above | {path})
        files.extend(inherited.files)
        base = inherited.base if inherited.base is not None else base
        paths = inherited.paths or paths
    options = content.get("compilerOptions", {})
    if isinstance(options, dict):
        folder = os.path.dirname(path)  # noqa: PTH120 - strings all along, as the snapshot wants them
        if isinstance(options.get("baseUrl"), str):
            base = os.path.normpath(Path(folder, options["baseUrl"]))
        if isinstance(options.get("paths"), dict):
            root = base if base is not None else folder
            paths = {
                str(pattern): tuple(os.path.normpath(Path(root, str(target))) for target in targets)
                for pattern, targets in options["paths"].items()
                if isinstance(targets, list)
            }
    return TsConfig(tuple(files), base, paths)


def _json(path: str) -> dict[str, Any]:
    try:
        text = Path(path).read_text("utf-8")
        content = json.loads(_NOT_JSON.sub(lambda found: found[1] if found[1] is not None else "", text))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _locate(name: str, folder: Path) -> str | None:
    if name.startswith(".") or Path(name).is_absolute():
        candidates = [Path(folder, name)]
    else:
        candidates = [above / "node_modules" / name for above in (folder, *folder.parents)]
    for candidate in candidates:
        for path in (candidate, Path(f"{candidate}.json"), candidate / "tsconfig.json"):
            if path.is_file():
                return os.path.normpath(path)
    return None
