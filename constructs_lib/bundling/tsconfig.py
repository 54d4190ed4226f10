"""Reads what of tsconfig.json decides how imports resolve."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from constructs_lib.bundling.package_json import json_in, package_name, targets_of

NAMES = ("tsconfig.json", "jsconfig.json")  # esbuild looks for both, in this order, in every folder upward


@dataclass(frozen=True)
class TsConfig:
    """One tsconfig.json with all that it extends.

    Args:
        files: The file itself and every file it extends or would extend if it existed, absolute.
        base: The folder of `baseUrl`, if it is set.
        paths: Pattern -> absolute patterns it may stand for.
        understood: Whether this is all there is to know; a bundle made with another must not be kept.
    """

    files: tuple[str, ...]
    base: str | None
    paths: dict[str, tuple[str, ...]]
    understood: bool

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
    return _read(path, frozenset(), os.path.dirname(path))  # noqa: PTH120 - strings all along, as the snapshot wants them


def _read(path: str, above: frozenset[str], leaf: str) -> TsConfig:
    folder = os.path.dirname(path)  # noqa: PTH120 - strings all along, as the snapshot wants them
    content = json_in(path)
    understood = content is not None
    files: list[str] = [path]
    base: str | None = None
    paths: dict[str, tuple[str, ...]] = {}
    extends = content.get("extends", []) if content is not None else []
    for name in extends if isinstance(extends, list) else [extends]:
        parents = _candidates(str(name), folder)
        files.extend(parents.tried)
        understood = understood and parents.understood
        if parents.found is None or parents.found in above:
            continue
        inherited = _read(parents.found, above | {path}, leaf)
        files.extend(inherited.files)
        base = inherited.base if inherited.base is not None else base
        paths = inherited.paths or paths
        understood = understood and inherited.understood
    options = content.get("compilerOptions", {}) if content is not None else {}
    if isinstance(options, dict):
        if isinstance(options.get("baseUrl"), str):
            base = _absolute(options["baseUrl"], folder, leaf)
        if isinstance(options.get("paths"), dict):
            roots = dict.fromkeys((base if base is not None else folder, folder))
            paths = {
                str(pattern): tuple(_absolute(str(target), root, leaf) for target in targets for root in roots)
                for pattern, targets in options["paths"].items()
                if isinstance(targets, list)
            }
    return TsConfig(tuple(files), base, paths, understood)


def _absolute(path: str, folder: str, leaf: str) -> str:
    """Return a path of a tsconfig; `${configDir}` is the folder of the one that was not extended by another."""
    return os.path.normpath(Path(folder, path.replace("${configDir}", leaf)))


class _Parents(NamedTuple):
    """Where an `extends` leads: the file, every path that was looked at, and whether that is certain."""

    found: str | None
    tried: list[str]
    understood: bool


def _candidates(name: str, folder: str) -> _Parents:
    tried: list[str] = []
    if name.startswith(".") or Path(name).is_absolute():
        return _Parents(_first(Path(folder, name), tried), tried, "${" not in name)
    package = package_name(name)
    for above in (Path(folder), *Path(folder).parents):
        home = above / "node_modules" / package
        described = os.path.normpath(home / "package.json")
        tried.append(described)
        content = json_in(described) or {}
        if "exports" in content or "tsconfig" in content:
            targets = targets_of(content.get("exports"), f".{name.removeprefix(package)}")
            if "tsconfig" in content or len(targets) != 1:
                return _Parents(None, tried, understood=False)
            return _Parents(_first(home / targets[0], tried), tried, understood=True)
        found = _first(above / "node_modules" / name, tried)
        if found is not None:
            return _Parents(found, tried, understood=True)
    return _Parents(None, tried, understood=True)


def _first(candidate: Path, tried: list[str]) -> str | None:
    for path in (candidate, Path(f"{candidate}.json"), candidate / "tsconfig.json"):
        tried.append(os.path.normpath(path))
        if path.is_file():
            return tried[-1]
    return None
