"""The code of functions and layers as folders, unpacked once for each content."""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
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
                    _extract(archive, making)
            making.chmod(0o755)
            making.rename(target)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise


def _extract(archive: zipfile.ZipFile, folder: Path) -> None:
    for entry in archive.infolist():
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
