"""The requests nearly everybody sends, answered without the general server; all others are that server's.

A connection begins here. As long as its requests are plain (HTTP/1.1, a body of known and moderate length, nothing to
negotiate) they are read at once and answered with one write. The first one that is not, malformed
ones included, hands the connection over to the server behind, which sees it as if it had just come. So nothing that is
hard about HTTP is done twice: chunked bodies, `Expect`, upgrades, WebSockets, HTTP/2 and refusals are Hypercorn's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from constructs_lib.local.plain_request import PlainRequest, plain_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from constructs_lib.local.plain_request import Asgi

KEEP_ALIVE_SECONDS = 75.0
MOST_AHEAD_BYTES = 1 << 16  # what a client may send before it has its answer


class Shortcut(Protocol):
    """Answers some requests itself, without an ASGI application."""

    def take(self, connection: PlainConnection, received: bytearray) -> int | None:
        """Take the request that these bytes begin with.

        Returns:
            How many of the bytes it has taken; 0 when it wants to see more of them first; nothing when the request
            goes the usual way. What it has taken it answers with `write_soon` and `done`, later.
        """


class Busy(Protocol):
    """A request that is being answered."""

    @property
    def is_received(self) -> bool:
        """Whether all of its body is here."""

    def receive_data(self, data: bytes) -> bytes:
        """Take what belongs to the body, and return the rest."""

    def disconnect(self) -> None:
        """The client is gone."""


class PlainFirst(asyncio.SelectorEventLoop):
    """An event loop whose servers on sockets they are handed get only what is not answered here.

    Args:
        application: What answers.
        shortcut: What is asked first, if anything is.
    """

    def __init__(self, application: Asgi, shortcut: Shortcut | None = None) -> None:
        """Begin without connections."""
        super().__init__()
        self.application = application
        self.shortcut = shortcut
        self.connections: set[PlainConnection] = set()
        self.is_stopping = False

    async def create_server(self, protocol_factory: Any, *args: Any, **named: Any) -> Any:
        """Serve as always, but see the connections first."""

        def first() -> PlainConnection:
            return PlainConnection(self, protocol_factory)

        is_ours = named.get("sock") is not None  # what the base opens for itself, it opens by host and port
        return await super().create_server(first if is_ours else protocol_factory, *args, **named)

    async def finish(self, seconds: float) -> None:
        """Close what is idle, and wait for the answers that are under way, so long at the most."""
        self.is_stopping = True
        for each in list(self.connections):
            each.close_if_idle()
        until = self.time() + seconds
        while self.connections and self.time() < until:
            await asyncio.sleep(0.01)


class PlainConnection(asyncio.Protocol):
    """One connection, as long as its requests are plain.

    Args:
        loop: Where it belongs.
        general: Makes the protocol that serves any request.
    """

    def __init__(self, loop: PlainFirst, general: Callable[[], asyncio.Protocol]) -> None:
        """Begin before it is made."""
        self._loop = loop
        self._general = general
        self._transport: Any = None
        self._received = bytearray()
        self._request: Busy | None = None
        self._is_half_closed = False
        self._idle_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._room: asyncio.Future[None] | None = None
        self._ends: list[tuple[str, int]] = []  # the client's and ours

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self._transport = transport
        self._ends = [(transport.get_extra_info(each) or ("", 0))[:2] for each in ("peername", "sockname")]
        self._loop.connections.add(self)
        self._idle_since = self._loop.time()
        self._look_at_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let a request that is under way know."""
        del exc
        if self._request is None:
            self._leave()
        else:
            self._request.disconnect()
        self.resume_writing()

    def pause_writing(self) -> None:
        """The client is slower than the answer."""
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        """The client has caught up, or is gone."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    def eof_received(self) -> bool:
        """The client sends no more; an answer under way still reaches it."""
        self._is_half_closed = True
        if self._request is not None:
            self._request.disconnect()
        return self._request is not None

    def data_received(self, data: bytes) -> None:
        """Take the bytes of a request, or of the one after it."""
        if self._request is None:
            self._received += data
            self._next()
        elif self._request.is_received:
            self._received += data
            if len(self._received) > MOST_AHEAD_BYTES:
                self._transport.pause_reading()
        else:
            self._received += self._request.receive_data(data)

    @property
    def client(self) -> str:
        """The address of the client."""
        return self._ends[0][0]

    @property
    def port(self) -> int:
        """The port it was made to."""
        return self._ends[1][1]

    def answer(self, request: Busy) -> None:
        """This request is being answered, until `done`."""
        self._request = request

    def close_if_idle(self) -> None:
        """Close, unless an answer is under way."""
        if self._request is None:
            self._transport.close()

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client takes no more."""
        self.write_soon(data)
        if self._room is not None:
            await self._room

    def write_soon(self, data: bytes) -> None:
        """Send."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def done(self, *, reusable: bool) -> None:
        """An answer has been sent: go on, or close."""
        self._request = None
        if not reusable or self._is_half_closed or self._loop.is_stopping or self._transport.is_closing():
            self._transport.close()
            self._leave()
            return
        self._transport.resume_reading()
        self._idle_since = self._loop.time()
        if self._received:
            self._next()

    def _next(self) -> None:
        """Begin to answer what has come, if it is plain."""
        shortcut = self._loop.shortcut
        if shortcut is not None and (taken := shortcut.take(self, self._received)) is not None:
            del self._received[:taken]
            return
        head = plain_head(self._received)
        if head is None:
            self._hand_over()
            return
        del self._received[: head.size]
        path, _, query = head.target.partition(b"?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "asgi": {"spec_version": "2.1", "version": "3.0"},
            "method": head.method,
            "scheme": "http",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": head.headers,
            "client": self._ends[0],
            "server": self._ends[1],
            "state": {},
            "extensions": {},
        }
        request = self._request = PlainRequest(self, self._loop.application, scope, head)
        if head.length:
            self._received = bytearray(request.receive_data(bytes(self._received)))
        request.begin()

    def _hand_over(self) -> None:
        """From here on the connection is the general server's."""
        self._leave()
        general = self._general()
        self._transport.set_protocol(general)
        general.connection_made(self._transport)
        general.data_received(bytes(self._received))

    def _leave(self) -> None:
        self._loop.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at_clock(self) -> None:
        """Close when nobody has asked for long; looked at once in a while only, for there are many requests."""
        left = self._idle_since + KEEP_ALIVE_SECONDS - self._loop.time()
        if self._request is None and left <= 0:
            self._transport.close()
            return
        wait = KEEP_ALIVE_SECONDS if self._request is not None else left
        self._timer = self._loop.call_later(wait, self._look_at_clock)
