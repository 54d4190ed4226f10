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

from constructs_lib.bundling.esbuild import CREDENTIALS_SHIM, SHIMS
from constructs_lib.bundling.fingerprint import Snapshot
from constructs_lib.bundling.package_json import entrances, json_in, package_name
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
        self._shims = {project.relative(shim.resolve()) for shim in SHIMS}
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

    def snapshot(self, names: Iterable[str], entry: str, lock: str | None) -> Snapshot:
        """Return everything that decided how these inputs were found and what they hold.

        Args:
            names: The inputs.
            entry: The one the user named, perhaps by a link.
            lock: The lock file that rules it.
        """
        taken = Snapshot()
        for name in names:
            taken.add(self._facts(name))
        self._stand(self._at(entry), taken)
        for path in (*(f"{self._root}/{name}" for name in LOCKS), *([lock] if lock is not None else [])):
            self._optional(path, taken)
        return taken

    @functools.cache  # noqa: B019 - lives as long as one run
    def _facts(self, name: str) -> Snapshot:
        taken = Snapshot()
        path = self._at(name)
        digest = self._files.digest(path)
        if name in self._shims or digest is None:
            return taken  # the key holds the shims' content; and no file is behind a data: URL
        taken.files[name] = digest
        folder = os.path.dirname(path)  # noqa: PTH120 - strings all along, thousands of them
        self._stand(folder if _in_package(path) else path, taken)
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
        if wanted is None or found["path"] in self._shims:
            return
        if wanted.startswith((".", "/")):
            place = os.path.normpath(os.path.join(folder, wanted))  # noqa: PTH118 - Path cannot fold ".."
            self._place(place, taken)
        else:
            self._package(folder, wanted, found["path"], taken)
            config = self._tsconfig(folder)
            for place in config.places(wanted) if config is not None else []:
                self._place(place, taken)

    def _glob(self, folder: str, pattern: str) -> dict[str, list[str]]:
        base, _, _ = pattern.partition("*")
        base = os.path.normpath(os.path.join(folder, base.rpartition("/")[0]))  # noqa: PTH118 - Path cannot fold ".."
        return {f"{self._name(base)}\0**/*": self._files.matches(base, "**/*")}

    def _place(self, place: str, taken: Snapshot) -> None:
        """Note every path that esbuild may try for a file named without its extension, or for a folder."""
        if _in_package(place):
            for folder in (os.path.dirname(place), place):  # noqa: PTH120 - strings all along
                self._listing(folder, taken)
            self._stand(os.path.dirname(place), taken)  # noqa: PTH120 - strings all along
            return
        self._candidates(place, taken)
        taken.add(self._entrances(place, "."))

    def _candidates(self, place: str, taken: Snapshot) -> None:
        self._stand(place, taken)
        if str(self._files.stands(place)).startswith("file "):
            return
        stem, extension = os.path.splitext(place)  # noqa: PTH122 - strings all along
        for path in (
            *(place + suffix for suffix in EXTENSIONS),
            *(stem + suffix for suffix in REWRITTEN.get(extension, ())),
            *(f"{place}/index{suffix}" for suffix in EXTENSIONS),
        ):
            self._stand(path, taken)

    @functools.cache  # noqa: B019 - lives as long as one run
    def _entrances(self, folder: str, subpath: str) -> Snapshot:
        """Return what decides which file an import of a folder gets: its package.json, and what that may mean."""
        taken = Snapshot()
        self._optional(f"{folder}/package.json", taken)
        package = json_in(f"{folder}/package.json")
        for target in entrances(package, subpath) if package is not None else ():
            self._candidates(os.path.normpath(os.path.join(folder, target)), taken)  # noqa: PTH118 - Path cannot fold ".."
        return taken

    def _package(self, folder: str, wanted: str, resolved: str, taken: Snapshot) -> None:
        """Note every nearer node_modules folder in which a package of that name would win."""
        package = package_name(wanted)
        for above in _upward(folder):
            if os.path.basename(above) == "node_modules":  # noqa: PTH119 - strings all along
                continue
            place = os.path.join(above, "node_modules", *package.split("/"))  # noqa: PTH118 - strings all along
            self._stand(place, taken)
            if not self._files.exists(place):
                continue
            taken.add(self._entrances(place, f".{wanted.removeprefix(package)}"))
            if self._at(resolved).startswith(self._files.real(place) + os.sep):
                return
            self._listing(place, taken)  # something is there, but esbuild did not take it

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
            self._stand(path, taken)
            self._optional(path, taken)
        if config is not None and not config.understood:
            taken.complete = False

    def _stand(self, path: str, taken: Snapshot) -> None:
        """Note what stands at a path, or that nothing does: it would win if it did."""
        what = self._files.stands(path)
        if what is None:
            taken.absent.add(self._name(path))
        else:
            taken.standing[self._name(path)] = what

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
