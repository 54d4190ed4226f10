"""What decided a Node bundle: its sources, and everything that would have resolved an import elsewhere.

esbuild's metafile lists the files it bundled. A bundle also changes when a file appears that wins over one of them
(`price.ts` beside `price/index.ts`, a nearer node_modules folder), or when a package.json or tsconfig.json on the way
does. All of it goes into the snapshot.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import Any

from constructs_lib.bundling.esbuild import CREDENTIALS_SHIM
from constructs_lib.bundling.esbuild_errors import package_name
from constructs_lib.bundling.fingerprint import Snapshot
from constructs_lib.bundling.project import Project
from constructs_lib.bundling.tsconfig import NAMES as TSCONFIGS
from constructs_lib.bundling.tsconfig import TsConfig, read_tsconfig

LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock")
# esbuild's --resolve-extensions, and what it tries when an import names the compiled file of a TypeScript source.
EXTENSIONS = (".tsx", ".ts", ".jsx", ".js", ".css", ".json")
REWRITTEN = {".js": (".ts", ".tsx"), ".jsx": (".ts", ".tsx"), ".mjs": (".mts",), ".cjs": (".cts",)}

Metafile = dict[str, Any]


class Resolution:
    """Takes snapshots of the entries of one esbuild run."""

    def __init__(self, metafile: Metafile, project: Project) -> None:
        """Read the metafile of a run in `project`."""
        self._inputs: dict[str, Any] = metafile["inputs"]
        self._project = project
        self._files = project.files
        self._root = str(project.folder)
        self._shim = project.relative(CREDENTIALS_SHIM.resolve())

    def reachable(self, start: Iterable[str]) -> list[str]:
        """Return the inputs that imports lead to."""
        seen: dict[str, None] = {}
        waiting = [name for name in start if name in self._inputs]
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen[name] = None
            waiting.extend(
                found["path"]
                for found in self._inputs[name]["imports"]
                if not found.get("external") and found["path"] in self._inputs
            )
        return sorted(seen)

    def importers_of_shim(self, names: Iterable[str]) -> list[str]:
        """Return the inputs, among `names`, that got the reduced credential chain."""
        return [
            name
            for name in names
            if any(found["path"] == self._shim and not found.get("external") for found in self._inputs[name]["imports"])
        ]

    def snapshot(self, names: Iterable[str]) -> Snapshot:
        """Return everything that decided how these inputs were found and what they hold."""
        taken = Snapshot()
        for name in names:
            taken.add(self._facts(name))
        self._locks(taken)
        return taken

    @functools.cache  # noqa: B019 - lives as long as one run
    def _facts(self, name: str) -> Snapshot:
        taken = Snapshot()
        path = self._at(name)
        digest = self._files.digest(path)
        if name == self._shim or digest is None:
            return taken  # the key holds the shim's content; and no file is behind a data: URL
        taken.files[name] = digest
        folder = os.path.dirname(path)  # noqa: PTH120 - strings all along, thousands of them
        self._context(folder, taken)
        for found in self._inputs[name]["imports"]:
            self._import(folder, found, taken)
        return taken

    def _import(self, folder: str, found: dict[str, Any], taken: Snapshot) -> None:
        if found.get("external"):
            wanted = found["path"]
            if "*" in wanted:
                taken.globs.update(self._glob(folder, wanted))
            elif not wanted.startswith((".", "/", "node:")) and ":" not in wanted:
                self._package(folder, wanted, "", taken)
            return
        wanted = found.get("original")
        if wanted is None or found["path"] == self._shim:
            return
        if wanted.startswith((".", "/")):
            place = os.path.normpath(os.path.join(folder, wanted))  # noqa: PTH118 - Path cannot fold ".."
            self._place(place, found["path"], taken)
        else:
            self._package(folder, wanted, found["path"], taken)
            config = self._tsconfig(folder)
            for place in config.places(wanted) if config is not None else []:
                self._place(place, found["path"], taken)

    def _glob(self, folder: str, pattern: str) -> dict[str, list[str]]:
        base, _, _ = pattern.partition("*")
        base = os.path.normpath(os.path.join(folder, base.rpartition("/")[0]))  # noqa: PTH118 - Path cannot fold ".."
        return {f"{self._name(base)}\0**/*": self._files.matches(base, "**/*")}

    def _place(self, place: str, resolved: str, taken: Snapshot) -> None:
        """Note every path that esbuild tries for a file named without its extension, and that does not exist."""
        if _in_package(place):
            for folder in (os.path.dirname(place), place):  # noqa: PTH120 - strings all along
                self._listing(folder, taken)
            return
        stem, extension = os.path.splitext(place)  # noqa: PTH122 - strings all along
        candidates = [place, *(place + suffix for suffix in EXTENSIONS), f"{place}/package.json"]
        candidates += [stem + suffix for suffix in REWRITTEN.get(extension, ())]
        candidates += [f"{place}/index{suffix}" for suffix in EXTENSIONS]
        winner = self._at(resolved)
        taken.absent.update(
            self._name(path) for path in candidates if path != winner and not self._files.exists(os.path.normpath(path))
        )

    def _package(self, folder: str, wanted: str, resolved: str, taken: Snapshot) -> None:
        """Note every nearer node_modules folder in which a package of that name would win."""
        package = package_name(wanted)
        for above in _upward(folder):
            if os.path.basename(above) == "node_modules":  # noqa: PTH119 - strings all along
                continue
            place = os.path.join(above, "node_modules", *package.split("/"))  # noqa: PTH118 - strings all along
            if not self._files.exists(place):
                taken.absent.add(self._name(place))
                continue
            target = self._files.link(place)
            if target is not None:
                taken.links[self._name(place)] = target
            if self._at(resolved).startswith(self._real(place) + os.sep):
                return
            # Something is there, but esbuild did not take it: a folder without what was asked for.
            self._listing(place, taken)
            self._optional(f"{place}/package.json", taken)

    def _context(self, folder: str, taken: Snapshot) -> None:
        """Note the package.json and tsconfig.json files that rule a folder, and those that would if they existed."""
        inside = _in_package(folder)
        for above in _upward(folder):
            if inside and not _in_package(above):
                return
            if inside:
                self._listing(above, taken)
            for name in ("package.json",) if inside else ("package.json", *TSCONFIGS):
                self._optional(f"{above}/{name}", taken)
            if inside and _is_package_root(above):
                return
        config = self._tsconfig(folder)
        for path in config.files if config is not None else ():
            self._optional(path, taken)

    def _locks(self, taken: Snapshot) -> None:
        for name in LOCKS:
            self._optional(f"{self._root}/{name}", taken)

    def _optional(self, path: str, taken: Snapshot) -> None:
        digest = self._files.digest(path) if self._files.exists(path) else None
        if digest is not None:
            taken.files[self._name(path)] = digest
        else:
            taken.absent.add(self._name(path))

    def _listing(self, folder: str, taken: Snapshot) -> None:
        listing = self._files.listing(folder)
        if listing is not None:
            taken.listings[self._name(folder)] = listing

    @functools.cache  # noqa: B019 - lives as long as one run
    def _tsconfig(self, folder: str) -> TsConfig | None:
        for above in _upward(folder):
            for name in TSCONFIGS:
                if self._files.exists(f"{above}/{name}"):
                    return read_tsconfig(f"{above}/{name}")
        return None

    @functools.cache  # noqa: B019 - lives as long as one run
    def _name(self, path: str) -> str:
        return self._project.relative(path)

    @functools.cache  # noqa: B019 - lives as long as one run
    def _real(self, path: str) -> str:
        return os.path.realpath(path)

    @functools.cache  # noqa: B019 - lives as long as one run
    def _at(self, name: str) -> str:
        return os.path.normpath(os.path.join(self._root, name))  # noqa: PTH118 - Path cannot fold ".."


@functools.cache
def _upward(folder: str) -> tuple[str, ...]:
    above = os.path.dirname(folder)  # noqa: PTH120 - strings all along
    return (folder,) if above == folder else (folder, *_upward(above))


def _in_package(path: str) -> bool:
    return "/node_modules/" in path.replace(os.sep, "/")


def _is_package_root(folder: str) -> bool:
    above, _, _ = folder.replace(os.sep, "/").rpartition("/")
    above = above.rpartition("/")[0] if above.rpartition("/")[2].startswith("@") else above
    return above.endswith("/node_modules")
