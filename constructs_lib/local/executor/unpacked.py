"""The code of functions and layers as folders, unpacked once for each content."""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import stat
import sys
import tempfile
import threading
import zipfile
from pathlib import Path


class UnpackedCode:
    """A folder that holds one subfolder for each distinct zip.

    Args:
        folder: Where the subfolders go.
    """

    def __init__(self, folder: Path) -> None:
        """Unpack below the folder."""
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._known: dict[int, tuple[bytes, Path]] = {}  # by identity: hashing 50 MB costs more than a warm call
        self._earlier = EarlierFiles()

    def folder_of(self, content: bytes) -> Path:
        """The folder with the content of the zip."""
        with self._lock:
            known = self._known.get(id(content))
            if known is not None and known[0] is content:
                return known[1]
            target = self._folder / hashlib.sha256(content).hexdigest()[:20]
            if not target.exists():
                self._unpack((content,), target)
            self._known[id(content)] = (content, target)
            return target

    def folder_of_layers(self, layers: tuple[bytes, ...]) -> Path | None:
        """The folder that is `/opt` on Lambda: all layers in one, a later one over an earlier; None without layers."""
        if len(layers) < 2:  # noqa: PLR2004 (one alone is its own folder)
            return self.folder_of(layers[0]) if layers else None
        name = hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in layers)).hexdigest()[:20]
        with self._lock:
            target = self._folder / f"layers-{name}"
            if not target.exists():
                self._unpack(layers, target)
            return target

    def _unpack(self, contents: tuple[bytes, ...], target: Path) -> None:
        making = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            for content in contents:
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    _extract(archive, making, self._earlier if len(contents) == 1 else EarlierFiles())
            making.chmod(0o755)
            making.rename(target)
            if len(contents) == 1:
                self._earlier.add(contents[0], target)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise


class EarlierFiles:
    """Files that have been unpacked before: one that comes again is linked, with the bytecode Python has made of it.

    A new version of a handler shares most files with the one before, and functions share their packages; without this
    each of them would be compiled again at each first start.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._places: dict[tuple[str, int, int, int], Path] = {}

    def add(self, content: bytes, folder: Path) -> None:
        """Remember the files of a zip that was unpacked to this folder."""
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                place = folder / entry.filename
                if not entry.is_dir() and ".." not in place.parts and place.is_file() and not place.is_symlink():
                    self._places[_identity(entry)] = place

    def link(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> bool:
        """Link the file of an entry if the very same one is there already; tells whether it was."""
        earlier = self._places.get(_identity(entry))
        place = folder / entry.filename
        if earlier is None or place.exists():
            return False
        try:
            if earlier.read_bytes() != archive.read(entry):  # somebody has written to it, or two have one checksum
                return False
            place.parent.mkdir(parents=True, exist_ok=True)
            place.hardlink_to(earlier)
        except OSError:
            return False
        if place.suffix == ".py":
            self._link_bytecode(earlier, place)
        return True

    @staticmethod
    def _link_bytecode(earlier: Path, place: Path) -> None:
        name = f"{place.stem}.{sys.implementation.cache_tag}.pyc"
        compiled = earlier.parent / "__pycache__" / name
        if compiled.is_file():
            with contextlib.suppress(OSError):
                cache = place.parent / "__pycache__"
                cache.mkdir(exist_ok=True)
                (cache / name).hardlink_to(compiled)


def _identity(entry: zipfile.ZipInfo) -> tuple[str, int, int, int]:
    return entry.filename, entry.CRC, entry.file_size, entry.external_attr


def _extract(archive: zipfile.ZipFile, folder: Path, earlier: EarlierFiles) -> None:
    for entry in archive.infolist():
        if earlier.link(archive, entry, folder):
            continue
        mode = entry.external_attr >> 16
        place = folder / entry.filename
        if ".." not in place.parts and place.is_symlink():  # of an earlier layer: never write through it
            place.unlink()
        made = Path(archive.extract(entry, folder))
        if stat.S_ISLNK(mode):
            made.unlink()
            made.symlink_to(archive.read(entry).decode())
        elif mode and not entry.is_dir():
            made.chmod(stat.S_IMODE(mode) | stat.S_IRUSR | stat.S_IWUSR)
