"""The talk with one function's process: frames over a socket, and what it prints over a pipe."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_HEAD = struct.Struct(">I")
_CHUNK = 1 << 18
LINE_LIMIT_BYTES = 262_118  # CloudWatch Logs: 256 KiB an event, less 26 bytes of its own


class Channel:
    """Our end of a socket and of a pipe.

    Args:
        connection: The socket; the process holds the other end as its standard input.
        output: The reading end of what the process prints.
        on_line: Called with every line it prints.
    """

    def __init__(self, connection: socket.socket, output: int, on_line: Callable[[str], None]) -> None:
        """Take over both ends."""
        self._connection = connection
        self._connection.setblocking(False)
        self._output = output
        os.set_blocking(output, False)
        self._on_line = on_line
        self._partial = b""
        self._received = bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection, selectors.EVENT_READ)
        self._selector.register(output, selectors.EVENT_READ)

    @staticmethod
    def framed(message: bytes) -> memoryview:
        """The message as it is sent."""
        return memoryview(_HEAD.pack(len(message)) + message)

    def send(self, frame: memoryview, deadline: float) -> bool:
        """Send a frame, or what is left of it; False when the process is gone or does not read in time."""
        while frame:
            try:
                frame = frame[self._connection.send(frame) :]
            except BlockingIOError:
                if not self._await_room(deadline):
                    return False
            except OSError:
                return False
        return True

    def send_now(self, frame: memoryview) -> memoryview:
        """Send what the process takes at once, and return what is left. Never waits."""
        try:
            return frame[self._connection.send(frame) :]
        except OSError:
            return frame  # whoever sends the rest finds out why

    def receive(self, deadline: float, patience: float) -> dict[str, Any] | None:
        """Wait for one frame, reading what is printed meanwhile.

        Args:
            deadline: When to stop waiting, on the monotonic clock.
            patience: How long to wait at most before the caller may look around.

        Returns:
            The frame, or None when there is none yet.

        Raises:
            ConnectionError: The process has closed its end.
        """
        until = min(deadline, time.monotonic() + patience)
        while True:
            for key, _ in self._selector.select(max(0.0, until - time.monotonic())):
                if key.fd == self._output:
                    self._read_output()
                else:
                    self._read_frames()
            if (frame := self._frame()) is not None:
                return frame
            if time.monotonic() >= until:
                return None

    def receive_now(self) -> dict[str, Any] | None:
        """One frame, if it is here already.

        Raises:
            ConnectionError: The process has closed its end.
        """
        frame = self._frame()
        if frame is None:
            self._read_frames()
            frame = self._frame()
        return frame

    @property
    def number(self) -> int:
        """The file descriptor that frames arrive at."""
        return self._connection.fileno()

    def flush(self) -> None:
        """Hand over everything printed so far, a last line without its end included."""
        while self._read_output():
            pass
        if self._partial:
            self._tell(self._partial)
            self._partial = b""

    def close(self) -> None:
        """Close both ends."""
        self._selector.close()
        self._connection.close()
        with contextlib.suppress(OSError):
            os.close(self._output)

    def _await_room(self, deadline: float) -> bool:
        """Wait until the socket takes more; what is printed meanwhile is read, lest both wait for each other."""
        self._selector.modify(self._connection, selectors.EVENT_WRITE)
        try:
            for key, _ in self._selector.select(max(0.0, deadline - time.monotonic())):
                if key.fd == self._output:
                    self._read_output()
        finally:
            self._selector.modify(self._connection, selectors.EVENT_READ)
        return time.monotonic() < deadline

    def _read_frames(self) -> None:
        try:
            part = self._connection.recv(_CHUNK)
        except BlockingIOError:
            return
        if not part:
            raise ConnectionResetError
        self._received += part

    def _frame(self) -> dict[str, Any] | None:
        if len(self._received) < _HEAD.size:
            return None
        (length,) = _HEAD.unpack_from(self._received)
        end = _HEAD.size + length
        if len(self._received) < end:
            return None
        body = bytes(self._received[_HEAD.size : end])
        del self._received[:end]
        frame: dict[str, Any] = json.loads(body)
        frame["size"] = length
        return frame

    def _read_output(self) -> bool:
        try:
            part = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return False
        if not part:
            with contextlib.suppress(KeyError):
                self._selector.unregister(self._output)
            return False
        *lines, self._partial = (self._partial + part).split(b"\n")
        for line in lines:
            self._tell(line)
        while len(self._partial) > LINE_LIMIT_BYTES:
            self._tell(self._partial[:LINE_LIMIT_BYTES])
            self._partial = self._partial[LINE_LIMIT_BYTES:]
        return True

    def _tell(self, line: bytes) -> None:
        # A bootstrap writes the line breaks inside one record as carriage returns.
        for start in range(0, max(1, len(line)), LINE_LIMIT_BYTES):
            piece = line[start : start + LINE_LIMIT_BYTES]
            self._on_line(piece.decode("utf-8", "replace").rstrip("\r").replace("\r", "\n"))
