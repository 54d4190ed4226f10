"""Reads package-lock.json: which packages carry native code, and what they need."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from constructs_lib.bundling.machine import Machine
from constructs_lib.problem import BundlingError, Problem

Package = dict[str, Any]
NOT_KEPT = frozenset({"dev", "optional", "peer", "devOptional"})  # true of the project, not of the subset
NATIVE_SIGNS = ("binding.gyp", "prebuilds")


@dataclass(frozen=True)
class NpmLock:
    """A package-lock.json (version 2 or 3, npm 7 and later).

    Args:
        path: The lock file.
        packages: Its `packages`: location -> what npm knows of the package there.
    """

    path: Path
    packages: dict[str, Package]

    @classmethod
    def near(cls, entry: Path, project_folder: Path) -> NpmLock | None:
        """Find the lock file that rules an entry: above the entry, else above the project."""
        for folder in dict.fromkeys((*entry.parents, project_folder, *project_folder.parents)):
            path = folder / "package-lock.json"
            if path.is_file():
                try:
                    content = json.loads(path.read_bytes())
                except (ValueError, RecursionError) as error:
                    raise BundlingError(
                        Problem(f"package-lock.json is not JSON ({error})", path.name, "npm install")
                    ) from error
                packages = content.get("packages", {}) if isinstance(content, dict) else None
                if not isinstance(packages, dict) or not all(isinstance(one, dict) for one in packages.values()):
                    what = "package-lock.json is JSON, but not what npm writes"
                    raise BundlingError(Problem(what, path.name, "remove it, and npm install"))
                return cls(path, packages)
        return None

    def native_packages(self) -> list[str]:
        """Return the names of the packages that carry native code, or choose it by platform."""
        names = set()
        for location, package in self.packages.items():
            if location and self._is_native(location, package):
                names.add(_name_at(location))
        return sorted(names)

    def _is_native(self, location: str, package: Package) -> bool:
        if package.get("link"):
            return False
        if _names_a_platform(package):
            return True
        for name in package.get("optionalDependencies", {}):
            found = self.locate(name, location)
            if found is not None and _names_a_platform(self.packages[found]):
                return True
        if not package.get("hasInstallScript"):
            return False
        home = self.path.parent / location
        return any((home / sign).exists() for sign in NATIVE_SIGNS) or any(home.glob("build/Release/*.node"))

    def locate(self, name: str, importer: str) -> str | None:
        """Return the location of the package that `importer` (a location, or a file) gets when it asks for `name`."""
        parts = importer.split("/") if importer else []
        for length in range(len(parts), -1, -1):
            if length and parts[length - 1] == "node_modules":
                continue
            location = "/".join([*parts[:length], "node_modules", name])
            if location in self.packages:
                return location
        return None

    def subset(self, roots: Iterable[str], machine: Machine) -> dict[str, Package]:
        """Return the lock of just these packages and all they need on a machine, as flat as it was.

        Args:
            roots: Locations of the packages wanted.
            machine: Packages made for another machine are left out.
        """
        placed: dict[str, Package] = {}
        self._place_all(((_name_at(root), root) for root in sorted(roots)), "", placed, machine)
        return placed

    def _place_all(
        self, wanted: Iterable[tuple[str, str]], parent: str, placed: dict[str, Package], machine: Machine
    ) -> None:
        level = []
        for name, source in wanted:
            package = self.packages[source]
            home = _home_for(name, package, parent, placed) if runs_on(package, machine) else None
            if home is not None:
                placed[home] = self._as_needed_on(machine, package, source)
                level.append((home, source, package))
        for home, source, package in level:  # after the whole level is placed, so that it stays on top
            needs = [*package.get("dependencies", {}), *package.get("optionalDependencies", {}), *_peers(package)]
            found = ((need, self.locate(need, source)) for need in dict.fromkeys(needs))
            self._place_all(((need, place) for need, place in found if place is not None), home, placed, machine)

    def _as_needed_on(self, machine: Machine, package: Package, source: str) -> Package:
        """Return a package without the optional ones a machine does not want: npm ci insists on all it reads of."""
        kept = {key: value for key, value in package.items() if key not in NOT_KEPT}
        if "optionalDependencies" in kept:
            found = {name: self.locate(name, source) for name in kept["optionalDependencies"]}
            known = {name: self.packages[place] for name, place in found.items() if place is not None}
            kept["optionalDependencies"] = {
                name: version
                for name, version in kept["optionalDependencies"].items()
                if name in known and runs_on(known[name], machine)
            }
        return kept

    def missing_builds(self, root: str, machine: Machine) -> list[str]:
        """Return the optional packages of `root` that this lock does not know: npm once wrote such locks."""
        package = self.packages[root]
        words = {machine.system, machine.cpu}
        return [
            name
            for name in package.get("optionalDependencies", {})
            if words <= set(name.replace("/", "-").split("-")) and self.locate(name, root) is None
        ]


def runs_on(package: Package, machine: Machine) -> bool:
    """Tell whether npm would install a package on a machine."""
    return (
        _allows(package.get("os"), machine.system)
        and _allows(package.get("cpu"), machine.cpu)
        and (not machine.libc or _allows(package.get("libc"), machine.libc))
    )


def is_platform_package(package: Package) -> bool:
    """Tell whether a package is made for some machines only."""
    return _names_a_platform(package)


def _allows(words: list[str] | str | None, word: str) -> bool:
    if words is None:
        return True
    listed = [words] if isinstance(words, str) else words
    if f"!{word}" in listed:
        return False
    positive = [entry for entry in listed if not entry.startswith("!")]
    return not positive or word in positive


def _names_a_platform(package: Package) -> bool:
    return any(package.get(field) for field in ("os", "cpu", "libc"))


def _peers(package: Package) -> list[str]:
    optional = {name for name, meta in package.get("peerDependenciesMeta", {}).items() if meta.get("optional")}
    return [name for name in package.get("peerDependencies", {}) if name not in optional]


def _home_for(name: str, package: Package, parent: str, placed: dict[str, Package]) -> str | None:
    """Return where a package must go, or None if what its parent sees already is that version."""
    parts = parent.split("/node_modules/") if parent else []
    ladder = ["/node_modules/".join(parts[:length]) for length in range(len(parts), -1, -1)]
    for above in ladder:
        location = f"{above}/node_modules/{name}" if above else f"node_modules/{name}"
        if location in placed:
            if placed[location].get("version") == package.get("version"):
                return None
            return f"{parent}/node_modules/{name}"
    return f"node_modules/{name}"


def _name_at(location: str) -> str:
    return location.rpartition("node_modules/")[2]
