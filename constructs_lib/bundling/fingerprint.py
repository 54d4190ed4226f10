"""What a bundle was made from, and whether that is still what the disk holds."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def digest_of(data: bytes) -> str:
    """Return the hash that names `data` everywhere in this package."""
    return hashlib.sha256(data).hexdigest()


class Files:
    """The disk as one run sees it: every file and folder is read at most once."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self._digests: dict[str, str | None] = {}
        self._names: dict[str, frozenset[str] | None] = {}
        self._listings: dict[str, str | None] = {}
        self._reals: dict[str, str] = {}
        self._stands: dict[str, str | None] = {}

    def digest(self, path: str) -> str | None:
        """Return the hash of the file's content, or None if there is no such file."""
        if path not in self._digests:
            try:
                with open(path, "rb") as file:  # noqa: PTH123 - twice as fast as Path here, and called thousands of times
                    self._digests[path] = digest_of(file.read())
            except OSError:
                self._digests[path] = None
        return self._digests[path]

    def names(self, folder: str) -> frozenset[str] | None:
        """Return the names in a folder, or None if there is no such folder."""
        if folder not in self._names:
            try:
                self._names[folder] = frozenset(os.listdir(folder))  # noqa: PTH208 - names are all that is wanted
            except OSError:
                self._names[folder] = None
        return self._names[folder]

    def exists(self, path: str) -> bool:
        """Tell whether the path names anything."""
        folder, name = os.path.split(path)
        names = self.names(folder)
        return names is not None and name in names

    def listing(self, folder: str) -> str | None:
        """Return a hash of the names in a folder."""
        if folder not in self._listings:
            names = self.names(folder)
            self._listings[folder] = None if names is None else digest_of("\0".join(sorted(names)).encode())
        return self._listings[folder]

    def real(self, path: str) -> str:
        """Return an absolute path without the symbolic links in it."""
        if path not in self._reals:
            folder, name = os.path.split(path)
            place = os.path.join(self.real(folder), name) if folder != path else path  # noqa: PTH118 - hot, see above
            self._reals[path] = os.path.realpath(place) if os.path.islink(place) else place  # noqa: PTH114 - hot
        return self._reals[path]

    def stands(self, path: str) -> str | None:
        """Return what is at a path: a folder or a file, and where it really is; None if there is nothing."""
        if path not in self._stands:
            real = self.real(path)
            try:
                kind = "folder" if stat.S_ISDIR(os.stat(real).st_mode) else "file"  # noqa: PTH116 - hot, see above
            except OSError:
                kind = "broken link" if os.path.islink(path) else ""  # noqa: PTH114 - hot, see above
            folder, name = os.path.split(path)
            where = name if real == path else os.path.relpath(real, folder)
            self._stands[path] = f"{kind} {where}" if kind else None
        return self._stands[path]

    def matches(self, folder: str, pattern: str) -> list[str]:
        """Return the files below `folder` that match a glob, relative to it, sorted.

        `*` stays within a folder, `**` crosses folders.
        """
        found = []
        root = Path(folder)
        for path in root.glob(pattern):
            relative = path.relative_to(root).as_posix()
            if path.is_file() and "__pycache__" not in relative.split("/"):
                found.append(relative)
        return sorted(set(found))


@dataclass
class Snapshot:
    """Everything on the disk that decided one bundle. Paths are relative to the project folder."""

    files: dict[str, str] = field(default_factory=dict)  # path: hash of its content
    absent: set[str] = field(default_factory=set)  # would have won the resolution of an import
    listings: dict[str, str] = field(default_factory=dict)  # folder: hash of the names in it
    standing: dict[str, str] = field(default_factory=dict)  # path: whether file or folder, and where it really is
    globs: dict[str, list[str]] = field(default_factory=dict)  # "folder\0pattern": what it matched
    complete: bool = True  # or something decided the bundle that is not understood: then it must not be kept

    def holds(self, folder: str, files: Files) -> bool:
        """Tell whether the disk still says the same, so that the bundle would come out the same."""

        def at(path: str) -> str:
            return os.path.normpath(os.path.join(folder, path))  # noqa: PTH118 - hot, and Path cannot fold ".."

        return (
            all(files.digest(at(path)) == digest for path, digest in self.files.items())
            and not any(files.exists(at(path)) for path in self.absent)
            and all(files.listing(at(path)) == listing for path, listing in self.listings.items())
            and all(files.stands(at(path)) == what for path, what in self.standing.items())
            and all(
                files.matches(at(key.split("\0")[0]), key.split("\0")[1]) == found for key, found in self.globs.items()
            )
        )

    def parts(self) -> list[Snapshot]:
        """Split the snapshot by installed package, so that entries that use the same ones can share what is kept.

        Returns:
            The part that concerns the project's own files, then one part for each package.
        """
        parts: dict[str, Snapshot] = {"": Snapshot(globs=self.globs)}

        def part(path: str) -> Snapshot:
            return parts.setdefault(_package_of(path), Snapshot())

        for path, digest in self.files.items():
            part(path).files[path] = digest
        for path in self.absent:
            part(path).absent.add(path)
        for path, listing in self.listings.items():
            part(path).listings[path] = listing
        for path, what in self.standing.items():
            part(path).standing[path] = what
        return list(parts.values())

    def add(self, other: Snapshot) -> None:
        """Take over what another snapshot saw."""
        self.files.update(other.files)
        self.absent.update(other.absent)
        self.listings.update(other.listings)
        self.standing.update(other.standing)
        self.complete = self.complete and other.complete
        self.globs.update(other.globs)

    def changed_since(self, folder: str, moment_ns: int) -> bool:
        """Tell whether a file was written at or after a moment, that is, perhaps while it was being bundled."""
        for path in self.files:
            try:
                status = os.stat(os.path.join(folder, path))  # noqa: PTH116, PTH118 - hot, see above
            except OSError:
                return True
            if max(status.st_mtime_ns, status.st_ctime_ns) >= moment_ns:
                return True
        return False

    def as_json(self) -> dict[str, Any]:
        """Return the form that is kept in the cache."""
        return {
            "files": self.files,
            "absent": sorted(self.absent),
            "listings": self.listings,
            "standing": self.standing,
            "globs": self.globs,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Snapshot:
        """Read what `as_json` wrote."""
        return cls(kept["files"], set(kept["absent"]), kept["listings"], kept["standing"], kept["globs"])


def _package_of(path: str) -> str:
    """Return the innermost installed package that a path is in: .../node_modules/@scope/name."""
    above, found, inside = path.rpartition("node_modules/")
    names = inside.split("/")
    depth = 2 if inside.startswith("@") else 1
    return f"{above}{found}{'/'.join(names[:depth])}" if found and len(names) > depth else ""
