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
                self._unpack(content, target)
            self._known[id(content)] = (content, target)
            return target

    def _unpack(self, content: bytes, target: Path) -> None:
        making = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for entry in archive.infolist():
                    mode = entry.external_attr >> 16
                    made = Path(archive.extract(entry, making))
                    if stat.S_ISLNK(mode):
                        made.unlink()
                        made.symlink_to(archive.read(entry).decode())
                    elif mode and not entry.is_dir():
                        made.chmod(stat.S_IMODE(mode) | stat.S_IRUSR)
            making.chmod(0o755)
            making.rename(target)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
