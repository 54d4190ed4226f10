"""One plain request: read from the bytes of a connection, handed to an ASGI application, and answered."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import re
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Asgi = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Any]], Awaitable[None]]

LONGEST_BODY_BYTES = 1 << 20
LONGEST_HEAD_BYTES = 1 << 14
HEAD_END = b"\r\n\r\n"
FIRST_FINAL = 200
NO_CONTENT = (204, 304)
_LINE = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[\x21-\x7e]*) HTTP/1\.1\r\n")
_TOKEN = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_VALUE = rb"[^\x00-\x20\x7f](?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?"
_FIELD = re.compile(rb"(" + _TOKEN + rb"):[ \t]*(" + _VALUE + rb")?[ \t]*\r\n")
_SENDABLE = re.compile(_TOKEN + rb": [^\x00\r\n]*\r\n")
_NEGOTIATING = frozenset({b"expect", b"http2-settings", b"te", b"trailer", b"transfer-encoding", b"upgrade"})
_FRAMING = frozenset({b"connection", b"content-length", b"transfer-encoding"})
_log = logging.getLogger("constructs_lib")


class Connection(Protocol):
    """What an answer is sent over."""

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client takes no more."""

    def write_soon(self, data: bytes) -> None:
        """Send."""

    def done(self, *, reusable: bool) -> None:
        """The answer has been sent."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request.

    Args:
        method: Its method.
        target: Its path and query.
        headers: Its headers, as they were sent.
        length: How many bytes its body has.
        is_last: Whether the client wants no other answer.
        size: How many bytes it takes itself.
    """

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    length: int
    is_last: bool
    size: int


def plain_head(received: bytearray) -> Head | None:
    """Read the head of a request; nothing where it is not plain."""
    end = received.find(HEAD_END, 0, LONGEST_HEAD_BYTES)
    line = _LINE.match(received)
    if end < 0 or line is None:
        return None
    position, length, hosts, is_last = line.end(), 0, 0, False
    headers: list[tuple[bytes, bytes]] = []
    known: set[bytes] = set()
    end += 2
    while position < end:
        field = _FIELD.match(received, position, end)
        if field is None:
            return None
        position = field.end()
        name, value = field[1], field[2] or b""
        headers.append((name, value))
        lower = name.lower()
        if lower == b"host":
            hosts += 1
        elif lower == b"content-length":
            if lower in known or not value.isdigit() or len(value) > len(str(LONGEST_BODY_BYTES)):
                return None
            length = int(value)
        elif lower == b"connection":
            is_last = value.lower() == b"close"
            if lower in known or not (is_last or value.lower() == b"keep-alive"):
                return None
        elif lower in _NEGOTIATING:
            return None
        known.add(lower)
    if hosts != 1 or length > LONGEST_BODY_BYTES:
        return None
    return Head(line[1].decode("ascii"), line[2], headers, length, is_last, end + 2)


class PlainRequest:
    """One request and its answer, between a connection and an ASGI application.

    Args:
        connection: Its connection.
        application: What answers.
        scope: What is asked.
        head: The head.
    """

    def __init__(self, connection: Connection, application: Asgi, scope: dict[str, Any], head: Head) -> None:
        """Begin with nothing of the body."""
        self._connection = connection
        self._application = application
        self._loop = asyncio.get_running_loop()
        self._scope = scope
        self._missing = head.length
        self._body = bytearray()
        self._is_handed_out = False
        self._is_gone = False
        self._news: asyncio.Future[None] | None = None
        self._is_last = head.is_last
        self._head = b""  # of the answer, until it is sent
        self._head_timer: asyncio.Handle | None = None
        self._has_begun = False
        self._has_ended = False
        self._is_chunked = False
        self._left: int | None = None  # of the answer, where its length was told
        self._task: asyncio.Task[None] | None = None

    @property
    def is_received(self) -> bool:
        """Whether all of its body is here."""
        return not self._missing

    def begin(self) -> None:
        """Have it answered."""
        self._task = self._loop.create_task(self._run())

    def answer(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        """Send an answer that is there, without asking the application; one without its length goes its way."""
        length = [value for name, value in headers if name.lower() in _FRAMING]
        if length != [b"%d" % len(body)]:
            self._application = _answering(status, headers, body)
            self.begin()
            return
        head = self._head_of(status, headers)
        self._connection.write_soon(head if self._left is None else head + body)
        self._connection.done(reusable=not self._is_last)

    def receive_data(self, data: bytes) -> bytes:
        """Take what belongs to the body, and return the rest."""
        mine = data[: self._missing]
        self._body += mine
        self._missing -= len(mine)
        if not self._missing:
            self._tell()
        return data[len(mine) :]

    def disconnect(self) -> None:
        """The client is gone."""
        self._is_gone = True
        self._tell()

    async def _run(self) -> None:
        try:
            await self._application(self._scope, self._receive, self._send)
        except Exception:
            _log.exception("%s %s failed", self._scope["method"], self._scope["path"])
        if not self._has_begun:
            self._is_last = True
            headers = [(b"content-length", b"0"), (b"date", formatdate(usegmt=True).encode())]
            await self._send({"type": "http.response.start", "status": 500, "headers": headers})
            await self._send({"type": "http.response.body"})
        self._flush_head()
        self.disconnect()
        self._connection.done(reusable=self._has_ended and not self._left and self.is_received and not self._is_last)

    async def _receive(self) -> dict[str, Any]:
        while (self._missing or self._is_handed_out) and not self._is_gone:
            self._news = self._loop.create_future()
            await self._news
        if self._missing or self._is_handed_out:
            return {"type": "http.disconnect"}
        self._is_handed_out = True
        return {"type": "http.request", "body": bytes(self._body), "more_body": False}

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and not self._has_begun:
            self._head = self._head_of(int(message["status"]), message.get("headers", ()))
            self._has_begun = True
            # What follows at once goes along; what takes its time does not keep the head waiting.
            self._head_timer = self._loop.call_soon(self._flush_head)
        elif message["type"] == "http.response.body" and self._has_begun and not self._has_ended:
            await self._send_body(message.get("body", b""), is_end=not message.get("more_body", False))
        else:
            raise RuntimeError(f"{message['type']} does not belong here")

    async def _send_body(self, body: bytes, *, is_end: bool) -> None:
        if self._left is not None:
            if len(body) > self._left:
                self._left, self._has_ended, self._is_last = 0, True, True
                raise RuntimeError("the answer is longer than its Content-Length")
            self._left -= len(body)
        content = body
        if self._is_chunked:
            content = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            content += b"0\r\n\r\n" if is_end else b""
        elif self._left is None:
            content = b""  # an answer without a body, such as one to HEAD
        self._has_ended = is_end
        head, self._head = self._head, b""
        if head or content:
            await self._connection.write(head + content)

    def _flush_head(self) -> None:
        head, self._head = self._head, b""
        if head:
            self._connection.write_soon(head)

    def _head_of(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The head of an answer, framed as its body will be."""
        lengths = {value.strip() for name, value in headers if name.lower().strip() == b"content-length"}
        framing = [value.strip().lower() for name, value in headers if name.lower().strip() == b"transfer-encoding"]
        is_framed = framing in ([], [b"chunked"]) and len(lengths) <= 1 and all(each.isdigit() for each in lengths)
        if status < FIRST_FINAL or not is_framed:
            raise ValueError(f"nobody can send an answer with the status {status} and the headers {headers}")
        lines = b""
        for name, value in headers:
            line = b"%b: %b\r\n" % (name.strip(), value.strip())
            if _SENDABLE.fullmatch(line) is None:
                raise ValueError(f"nobody can send this header: {line!r}")
            lower = name.strip().lower()
            if lower == b"connection":
                self._is_last = self._is_last or b"close" in value.lower()
            elif lower != b"transfer-encoding" and not (framing and lower == b"content-length"):
                lines += line
        has_body = self._scope["method"] != "HEAD" and status not in NO_CONTENT
        if framing or (not lengths and status not in NO_CONTENT):
            lines += b"transfer-encoding: chunked\r\n"
            self._is_chunked = has_body
        elif has_body:
            self._left = int(lengths.pop()) if lengths else 0
        if self._is_last:
            lines += b"connection: close\r\n"
        return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, _phrase(status), lines)


def _answering(status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Asgi:
    async def application(_scope: Any, _receive: Any, send: Callable[..., Any]) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


@functools.cache
def _phrase(status: int) -> bytes:
    with contextlib.suppress(ValueError):
        return HTTPStatus(status).phrase.encode()
    return b""
