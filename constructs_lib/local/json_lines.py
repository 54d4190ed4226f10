"""A file of JSON objects, one a line, written by one process and followed by others while it grows."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


class JsonLinesWriter:
    """Appends objects to a file; safe to share between threads.

    Args:
        path: The file. Default: nothing is written.
    """

    def __init__(self, path: Path | None) -> None:
        """Remember where to write; the file is opened with the first object."""
        self._path = path
        self._descriptor = -1
        self._lock = threading.Lock()
        self._unwritten: list[Mapping[str, Any]] = []

    def write(self, values: Mapping[str, Any]) -> None:
        """Append one object, whole or not at all."""
        self.write_soon(values)
        self.flush()

    def write_soon(self, values: Mapping[str, Any]) -> None:
        """Append one object with the next one that is written, or at a flush; the order stays."""
        if self._path is not None:
            with self._lock:
                self._unwritten.append(values)

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            if self._path is None or not self._unwritten:
                return
            lines = "".join([f"{_encode(each)}\n" for each in self._unwritten])
            self._unwritten.clear()
            if self._descriptor < 0:
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(self._descriptor, lines.encode(errors="backslashreplace"))

    def close(self) -> None:
        """Let go of the file; a later object opens it again."""
        self.flush()
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor = -1


class JsonLines:
    """Follows a file that another process appends to.

    Args:
        path: The file; it may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        """Start at the beginning of the file."""
        self._path = path
        self._offset = 0
        self._rest = b""

    def new(self) -> Iterator[dict[str, Any]]:
        """Return the objects written since the last call; one half written is left for the next call.

        A file that has become shorter was begun anew, and is read from its beginning.
        """
        try:
            with self._path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._offset:
                    self._offset, self._rest = 0, b""
                file.seek(self._offset)
                content = file.read()
        except FileNotFoundError:
            return
        self._offset += len(content)
        *complete, self._rest = (self._rest + content).split(b"\n")
        for raw in complete:
            values = json_object(raw)
            if values:
                yield values


def json_object(raw: bytes) -> dict[str, Any]:
    """Return the object these bytes spell; an empty one when they spell none."""
    if not raw.lstrip().startswith(b"{"):
        return {}
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
