"""Keeps finished bundles, so that a second synth bundles nothing.

Everything is written aside and renamed into place: another process, or a build that was interrupted, is never seen
half-written. Everything is checked when it is read: what was damaged since is as good as absent, and is made again.

    records/<key>.json   what went into a bundle (a snapshot) and what came out of it
    blobs/<hash>         a bundled file, named by its content
    trees/<key>/         a folder of installed packages, with the list of what it holds
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from constructs_lib.bundling.fingerprint import Files, Snapshot, digest_of
from constructs_lib.problem import BundlingError, Problem

FOLDER = Path(".cache", "constructs_lib")
LEFTOVERS_AFTER_S = 24 * 3600  # what an interrupted build left behind is swept after a day
STAMP_NS = 315_619_200 * 10**9  # 1980-01-02: every file of a tree carries it, so that a later change shows


@dataclass(frozen=True)
class TreeFile:
    """One file of an installed tree."""

    path: Path
    digest: str
    executable: bool
    size: int


class Cache:
    """The bundles that are kept in one folder."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which is made when something is first kept."""
        self.folder = folder
        self._trees: dict[str, dict[str, TreeFile]] = {}
        self._blobs: dict[str, bytes] = {}
        self._parts: dict[str, bool] = {}  # a cache is as short-lived as the view of the disk it compares with

    # Records

    def record(self, key: str) -> dict[str, Any] | None:
        """Return what was recorded under `key`, or None."""
        try:
            kept = json.loads((self.folder / "records" / f"{key}.json").read_bytes())
        except (OSError, ValueError):
            return None
        return kept if isinstance(kept, dict) else None

    def keep_record(self, key: str, record: dict[str, Any]) -> None:
        """Record something under `key`, replacing what was there."""
        self._write(self._room("records") / f"{key}.json", json.dumps(record, separators=(",", ":")).encode())

    # Blobs

    def blob(self, digest: str) -> bytes | None:
        """Return the content of that hash, or None if it is absent or damaged."""
        if digest not in self._blobs:
            try:
                data = (self.folder / "blobs" / digest).read_bytes()
            except OSError:
                return None
            if digest_of(data) != digest:
                return None
            self._blobs[digest] = data
        return self._blobs[digest]

    def keep_blob(self, data: bytes) -> str:
        """Keep a file's content and return its hash."""
        digest = digest_of(data)
        if self.blob(digest) is None:
            self._write(self._room("blobs") / digest, data)
            self._blobs[digest] = data
        return digest

    # Snapshots

    def keep_snapshot(self, snapshot: Snapshot) -> list[str]:
        """Keep a snapshot, each part as a blob; entries that use the same packages share those parts."""
        return [
            self.keep_blob(json.dumps(part.as_json(), separators=(",", ":"), sort_keys=True).encode())
            for part in snapshot.parts()
        ]

    def snapshot_holds(self, kept: list[str], folder: str, files: Files) -> bool:
        """Tell whether the disk still says what a kept snapshot saw."""
        return all(self._part_holds(part, folder, files) for part in kept)

    def own_files(self, kept: Sequence[str]) -> list[str]:
        """Return the project's own files that a kept snapshot saw."""
        content = self.blob(kept[0]) if kept else None
        return [] if content is None else sorted(Snapshot.from_json(json.loads(content)).files)

    def _part_holds(self, part: str, folder: str, files: Files) -> bool:
        if part not in self._parts:
            content = self.blob(part)
            self._parts[part] = content is not None and Snapshot.from_json(json.loads(content)).holds(folder, files)
        return self._parts[part]

    # Trees

    def tree(self, key: str) -> dict[str, TreeFile] | None:
        """Return the files of an installed tree by their path in it, or None if it is absent or damaged."""
        if key in self._trees:
            return self._trees[key]
        home = self.folder / "trees" / key
        try:
            listed: dict[str, list[Any]] = json.loads((home / "manifest.json").read_bytes())
            files = {
                name: TreeFile(home / "files" / name, digest, bool(executable), size)
                for name, (digest, executable, size) in listed.items()
            }
            for file in files.values():
                status = file.path.stat()
                if status.st_size != file.size or status.st_mtime_ns != STAMP_NS:
                    return None
        except (OSError, ValueError):
            return None
        self._trees[key] = files
        return files

    def keep_tree(self, key: str, folder: Path) -> dict[str, TreeFile]:
        """Move a folder of this cache's `scratch` into place and return its files."""
        listed = {}
        for path in sorted(file for file in folder.rglob("*") if file.is_file()):
            if path.is_symlink():
                _replace_link(path)
            data = path.read_bytes()
            executable = bool(path.stat().st_mode & 0o111)
            path.chmod(0o755 if executable else 0o644)
            os.utime(path, ns=(STAMP_NS, STAMP_NS))
            listed[path.relative_to(folder).as_posix()] = [digest_of(data), executable, len(data)]
        with self.scratch() as aside:
            folder.rename(aside / "files")
            (aside / "manifest.json").write_text(json.dumps(listed), "utf-8")
            home = self._room("trees") / key
            try:
                aside.rename(home)
            except OSError:  # something is there: what another process made meanwhile, or a damaged tree
                if self.tree(key) is None:
                    with contextlib.suppress(OSError):
                        home.rename(aside.parent / f"{aside.name}.damaged")
                        aside.rename(home)
        shutil.rmtree(aside.parent / f"{aside.name}.damaged", ignore_errors=True)
        kept = self.tree(key)
        if kept is None:
            raise BundlingError(
                Problem("the bundling cache cannot keep what was installed", str(FOLDER), f"remove {FOLDER} and retry")
            )
        return kept

    # Scratch

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Lend a new, empty folder on the cache's own disk."""
        folder = Path(tempfile.mkdtemp(dir=self._room("scratch")))
        folder.chmod(0o755)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what interrupted builds left behind, once it is a day old."""
        with contextlib.suppress(OSError):
            for path in (self.folder / "scratch").iterdir():
                if time.time() - path.stat().st_mtime > LEFTOVERS_AFTER_S:
                    shutil.rmtree(path, ignore_errors=True)

    def moment_ns(self) -> int:
        """Return the file system's time, at a tick that no earlier write can carry.

        File systems stamp with a coarse clock (up to 10 ms): a write just before this call must look older than the
        moment, or every freshly written file would count as edited during its own build.
        """
        with self.scratch() as folder:
            probe = folder / "probe"
            probe.touch()
            first = now = probe.stat().st_mtime_ns
            deadline = time.monotonic() + 0.05
            while now == first and time.monotonic() < deadline:
                time.sleep(0.001)
                probe.write_bytes(b"")
                now = probe.stat().st_mtime_ns
            return now

    def _room(self, name: str) -> Path:
        room = self.folder / name
        try:
            room.mkdir(parents=True, exist_ok=True)
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", "utf-8")
        except OSError as error:
            raise BundlingError(
                Problem(
                    f"the bundling cache cannot be written ({error.strerror})",
                    str(FOLDER),
                    "make the folder writable, or run from the folder of cdk.json",
                )
            ) from error
        return room

    def _write(self, path: Path, data: bytes) -> None:
        with self.scratch() as folder:
            aside = folder / path.name
            aside.write_bytes(data)
            aside.replace(path)


def _replace_link(path: Path) -> None:
    data, mode = path.read_bytes(), path.stat().st_mode
    path.unlink()
    path.write_bytes(data)
    path.chmod(mode)
