"""A finished bundle: the files Lambda gets, named by what they hold."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from constructs_lib.bundling.cache import STAMP_NS
from constructs_lib.bundling.fingerprint import digest_of


@dataclass(frozen=True)
class AssetFile:
    """One file of a bundle: in memory, or in the cache."""

    digest: str
    content: bytes | None = None
    cached: Path | None = None
    executable: bool = False


def file_at(path: Path) -> AssetFile:
    """Return a file of the project as a bundle carries it: what may be run stays so."""
    content = path.read_bytes()
    return AssetFile(digest_of(content), content, executable=bool(path.stat().st_mode & 0o100))


@dataclass(frozen=True)
class Asset:
    """The files of one function.

    Args:
        files: What Lambda gets, by path in the bundle.
        source_map: The map of `index.js`, kept outside the bundle because loading it costs start-up time.
        notes: What the user should know about this bundle; shown at synth.
        snapshot: What of the disk decided it, as the cache keeps it; the project's own part comes first.
    """

    files: Mapping[str, AssetFile]
    source_map: bytes | None = None
    notes: tuple[str, ...] = ()
    snapshot: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """The hash of the content: the same wherever, whenever and in whatever company it was bundled."""
        lines = (f"{name}\0{file.executable:d}\0{file.digest}\n" for name, file in sorted(self.files.items()))
        return digest_of("".join(lines).encode())

    @property
    def folder_name(self) -> str:
        """The name CDK's tools expect in the assembly."""
        return folder_name(self.hash)

    def stage(self, outdir: Path) -> Path:
        """Put the bundle into the assembly, whole or not at all, and return its folder."""
        outdir.mkdir(parents=True, exist_ok=True)
        home = outdir / self.folder_name
        if not self._is_at(home):
            aside = outdir / f".{self.folder_name}.{os.getpid()}-{secrets.token_hex(4)}"
            try:
                for name, file in self.files.items():
                    _place(file, aside / "new" / name)
                if home.exists():  # changed since it was put there: by hand, or by a program that ran in it
                    with contextlib.suppress(OSError):
                        home.rename(aside / "old")
                with contextlib.suppress(OSError):  # another process staged the same content meanwhile
                    (aside / "new").rename(home)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        if self.source_map is not None:
            source_map = outdir / "source-maps" / self.folder_name / "index.js.map"
            source_map.parent.mkdir(parents=True, exist_ok=True)
            source_map.write_bytes(self.source_map)
        return home

    def _is_at(self, home: Path) -> bool:
        """Tell whether a folder holds this bundle, and nothing else."""
        there = dict(_files_below(str(home), ""))
        return there.keys() == self.files.keys() and all(
            _holds(home / name, there[name], file) for name, file in self.files.items()
        )


def _files_below(folder: str, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(entry.path, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.stat(follow_symlinks=False)


def _holds(path: Path, status: os.stat_result, file: AssetFile) -> bool:
    if stat.S_ISLNK(status.st_mode) or bool(status.st_mode & 0o100) != file.executable:
        return False
    if file.cached is not None and status.st_mtime_ns == STAMP_NS:
        return True  # untouched since it was taken from the cache, which checks what it holds
    return digest_of(path.read_bytes()) == file.digest


def folder_name(asset_hash: str) -> str:
    """Return the name CDK gives the folder of an asset whose hash it was told: it hashes that once more."""
    return f"asset.{digest_of(asset_hash.encode())}"


def _place(file: AssetFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.content is not None:
        target.write_bytes(file.content)
    elif file.cached is not None:
        try:
            target.hardlink_to(file.cached)
        except OSError:  # another disk, or one without links
            shutil.copyfile(file.cached, target)
            os.utime(target, ns=(STAMP_NS, STAMP_NS))
        else:
            return  # a link shares its file's mode
    target.chmod(0o755 if file.executable else 0o644)
