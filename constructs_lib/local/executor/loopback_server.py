"""A small HTTP/1.1 server for one execution environment: on this machine alone, a thread for each connection."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from io import BufferedIOBase

_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call is answered with."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, status: int, told: Any, headers: Mapping[str, str] | None = None) -> Reply:
        """Answer with JSON."""
        return cls(status, json.dumps(told).encode(), {"Content-Type": "application/json", **(headers or {})})


class Call:
    """One request; its body is read when it is asked for."""

    def __init__(self, method: str, target: str, headers: Any, stream: BufferedIOBase) -> None:
        """Take the request line and the headers."""
        split = urlsplit(target)
        self.method = method
        self.path = tuple(unquote(each) for each in split.path.strip("/").split("/"))
        self.query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
        self.headers = headers
        self.trailers: dict[str, str] = {}
        self._stream = stream
        self._is_read = False

    def header(self, name: str) -> str:
        """A header; empty when it is not there."""
        return str(self.headers.get(name) or "")

    def body(self) -> bytes:
        """The whole body.

        Raises:
            ConnectionError: The caller has gone before its end.
        """
        return b"".join(self.parts())

    def parts(self) -> Iterator[bytes]:
        """The body as it comes; the trailers are known after its end.

        Raises:
            ConnectionError: The caller has gone before its end.
        """
        if self._is_read:
            return
        self._is_read = True
        if self.header("Transfer-Encoding").lower() == "chunked":
            yield from self._chunks()
            return
        left = int(self.header("Content-Length") or 0)
        while left > 0:
            piece = self._exactly(min(left, _PIECE))
            left -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while True:
            line = self._stream.readline(_PIECE)
            if not line:
                raise ConnectionResetError
            size = int(line.partition(b";")[0], 16)
            if size == 0:
                break
            yield self._exactly(size)
            self._stream.readline(_PIECE)
        while (line := self._stream.readline(_PIECE).strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            self.trailers[name.lower()] = value.strip()

    def _exactly(self, size: int) -> bytes:
        found = self._stream.read(size)
        if len(found) < size:
            raise ConnectionResetError
        return found


class LoopbackServer:
    """Listens from the start.

    Args:
        answer: Called with each call, on a thread of its connection.
        port: The port; 0 for a free one.

    Raises:
        OSError: The port is taken.
    """

    def __init__(self, answer: Callable[[Call], Reply], port: int = 0) -> None:
        """Listen."""
        self.answer = answer
        self._listener = socket.create_server(("127.0.0.1", port))
        self._is_closed = False
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="loopback server", daemon=True).start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop listening and break off what is still being answered."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            connections = list(self._connections)
        with contextlib.suppress(OSError):  # wakes the thread that accepts, on every system
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        for each in connections:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with self._listener:
            while True:
                try:
                    connection, address = self._listener.accept()
                except OSError:
                    return
                with self._lock:
                    if self._is_closed:
                        connection.close()
                        return
                    self._connections.add(connection)
                threading.Thread(target=self._talk, args=(connection, address), daemon=True).start()

    def _talk(self, connection: socket.socket, address: Any) -> None:
        # Who has been killed or closed in the middle of a call hears nothing more, and neither do we.
        with contextlib.suppress(OSError, ValueError), connection:
            _Handler(connection, address, cast("Any", self))
        with self._lock:
            self._connections.discard(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet

    def _serve(self) -> None:
        call = Call(self.command, self.path, self.headers, self.rfile)
        reply = cast("Any", self.server).answer(call)
        call.body()  # what nobody wanted to read must not look like the next request
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 (the names are the base class's)

    def handle_expect_100(self) -> bool:
        """Ask for the body at once: who sends a large one waits for it."""
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        """Say nothing: standard error is the embedded AWS's log."""
