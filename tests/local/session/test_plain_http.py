"""Plain requests are answered at once; whatever else comes over a connection goes to the server behind, as it came."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.local.plain_http import PlainFirst

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HOST = b"Host: localhost\r\n"
GET = b"GET /a%20b?c=d HTTP/1.1\r\n" + HOST + b"\r\n"
NO_MORE = b"GET /last HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nX-Own: A b\r\n" + HOST + b"Content-Length: 5\r\n\r\n"


class General(asyncio.Protocol):
    """The server behind: says what it was given, and closes."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(b"BEHIND " + data)
        self._transport.close()


async def echo(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """Answer with what was asked."""
    message = await receive()
    told = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} {message['body'].decode()}"
    headers = [(b"Content-Type", b"text/plain"), (b"content-length", b"%d" % len(told))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told.encode()})


def talk(
    application: Callable[..., Awaitable[None]],
    conversation: Callable[[asyncio.StreamReader, asyncio.StreamWriter, PlainFirst], Awaitable[Any]],
) -> Any:
    """Have a conversation with an application, from its own event loop."""
    loop = PlainFirst(application)

    async def run() -> Any:
        listener = socket.create_server(("127.0.0.1", 0))
        server = await loop.create_server(General, sock=listener)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            return await asyncio.wait_for(conversation(reader, writer, loop), 60)
        finally:
            writer.close()
            server.close()
            await loop.finish(0)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(run())


def answers(application: Callable[..., Awaitable[None]], *parts: bytes) -> bytes:
    """All that comes back until the connection is closed."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _loop: PlainFirst) -> bytes:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)
        return await reader.read()

    found: bytes = talk(application, conversation)
    return found


def sends(*messages: dict[str, Any]) -> Callable[..., Awaitable[None]]:
    async def application(_scope: Any, _receive: Any, send: Callable[..., Any]) -> None:
        for message in messages:
            await send(message)

    return application


def start(status: int, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(content: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


class TestRequests:
    def test_are_answered_on_one_connection_in_their_order(self) -> None:
        told = answers(echo, GET + POST + b"12345" + NO_MORE)
        first = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 13\r\n\r\nGET /a b c=d "
        assert told.startswith(first)
        assert told.endswith(b"POST /x  12345HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 11\r\n"
                             b"connection: close\r\n\r\nGET /last  ")  # fmt: skip

    def test_a_body_may_come_in_pieces(self) -> None:
        assert answers(echo, POST, b"12", b"345" + NO_MORE[:20], NO_MORE[20:]).count(b"POST /x  12345HTTP/1.1") == 0
        assert b"POST /x  12345HTTP/1.1" in answers(echo, POST, b"12", b"345", NO_MORE)

    def test_headers_come_as_they_were_sent(self) -> None:
        seen: list[tuple[bytes, bytes]] = []

        async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
            seen.extend(scope["headers"])
            await echo(scope, receive, send)

        answers(application, POST.replace(b"A b", b"\t A b \xff \t"), b"12345", NO_MORE)
        assert seen[:3] == [(b"X-Own", b"A b \xff"), (b"Host", b"localhost"), (b"Content-Length", b"5")]

    def test_a_client_that_closes_its_half_is_answered(self) -> None:
        async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: PlainFirst) -> bytes:
            writer.write(GET)
            writer.write_eof()
            return await reader.read()

        assert talk(echo, conversation).endswith(b"GET /a b c=d ")

    def test_an_application_hears_that_the_client_is_gone(self) -> None:
        heard: asyncio.Queue[str] = asyncio.Queue()

        async def application(_scope: Any, receive: Callable[..., Any], _send: Any) -> None:
            for _ in range(2):
                heard.put_nowait((await receive())["type"])

        async def conversation(_: asyncio.StreamReader, writer: asyncio.StreamWriter, _loop: PlainFirst) -> list[str]:
            writer.write(GET)
            first = await heard.get()
            writer.close()
            return [first, await heard.get()]

        assert talk(application, conversation) == ["http.request", "http.disconnect"]

    @pytest.mark.parametrize(
        "request_",
        [
            b"GET / HTTP/1.0\r\n" + HOST + b"\r\n",
            b"get / HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET http://localhost/ HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET /\xc3\xbc HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
            b"GET / HTTP/1.1\r\n" + HOST,
            b"GET / HTTP/1.1\n" + HOST + b"\r\n",
            b"GET / HTTP/1.1\r\n" + HOST + b"Bad Name: x\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + HOST + b"Folded: x\r\n y\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + HOST + b"Bare: x\ny\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + HOST + b"Space : x\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close, x\r\n\r\n",
            b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 9999999\r\n\r\nx",
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nExpect: 100-continue\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01",
        ],
    )  # fmt: skip
    def test_what_is_not_plain_goes_to_the_server_behind_as_it_came(self, request_: bytes) -> None:
        assert answers(echo, request_) == b"BEHIND " + request_
        assert answers(echo, POST + b"12345", request_).endswith(b"POST /x  12345BEHIND " + request_)


class TestAnswers:
    def test_one_of_unknown_length_is_chunked_and_its_head_does_not_wait(self) -> None:
        async def application(_scope: Any, _receive: Any, send: Callable[..., Any]) -> None:
            await send(start(200))
            await asyncio.sleep(0.05)
            await send(body(b"one", more=True))
            await send(body(b"two"))

        async def conversation(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: PlainFirst
        ) -> list[bytes]:
            writer.write(NO_MORE)
            return [await reader.read(1000), await reader.read()]

        assert talk(application, conversation) == [
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
            b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n",
        ]

    @pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"GET", 204), (b"GET", 304)])
    def test_some_have_no_body(self, method: bytes, status: int) -> None:
        told = answers(sends(start(status, (b"content-length", b"3")), body(b"abc")), NO_MORE.replace(b"GET", method))
        assert told.endswith(b"content-length: 3\r\nconnection: close\r\n\r\n")

    def test_a_chunked_one_of_the_application_is_framed_anew(self) -> None:
        headers = ((b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"9"), (b"Connection", b"close"))
        told = answers(sends(start(200, *headers), body(b"abc")), GET)
        assert (
            told == b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        )

    @pytest.mark.parametrize(
        "application",
        [
            sends(),
            sends(start(99), body(b"")),
            sends(start(200, (b"x", b"a\r\nSet-Cookie: b")), body(b"")),
            sends(start(200, (b"bad name", b"a")), body(b"")),
            sends(start(200, (b"content-length", b"x")), body(b"")),
            sends(start(200, (b"content-length", b"1"), (b"content-length", b"2")), body(b"")),
            sends(start(200, (b"transfer-encoding", b"gzip")), body(b"")),
        ],
    )
    def test_one_that_nobody_can_send_is_an_error(self, application: Callable[..., Awaitable[None]]) -> None:
        told = answers(application, GET)
        assert told.startswith(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\ndate: ")
        assert told.endswith(b"\r\nconnection: close\r\n\r\n")

    @pytest.mark.parametrize(
        "application",
        [
            sends(start(200, (b"content-length", b"5")), body(b"abc")),
            sends(start(200, (b"content-length", b"1")), body(b"abc")),
            sends(start(200, (b"content-length", b"5")), body(b"abc", more=True)),
            sends(start(200), body(b"abc", more=True)),
        ],
    )
    def test_the_connection_is_closed_where_its_framing_is_broken(
        self, application: Callable[..., Awaitable[None]]
    ) -> None:
        assert answers(application, GET).startswith(b"HTTP/1.1 200 OK\r\n")

    def test_one_before_the_body_has_come_closes_the_connection(self) -> None:
        assert answers(sends(start(404, (b"content-length", b"0")), body(b"")), POST).startswith(b"HTTP/1.1 404")

    def test_a_client_that_does_not_read_is_waited_for(self) -> None:
        sent = []

        async def application(_scope: Any, _receive: Any, send: Callable[..., Any]) -> None:
            await send(start(200))
            for number in range(64):
                await send(body(bytes(1 << 20), more=True))
                sent.append(number)
            await send(body(b""))

        async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: PlainFirst) -> int:
            writer.write(NO_MORE)
            await asyncio.sleep(0.2)
            ahead = len(sent)
            assert len(await reader.read()) > 64 << 20
            return ahead

        assert 0 < talk(application, conversation) < 64


class TestFinish:
    def test_what_is_under_way_is_answered_and_idle_connections_end(self) -> None:
        async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
            await asyncio.sleep(0.1)
            await echo(scope, receive, send)

        async def conversation(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, loop: PlainFirst
        ) -> tuple[bytes, bytes]:
            idle, other = await asyncio.open_connection(*writer.get_extra_info("peername"))
            writer.write(GET)
            await asyncio.sleep(0.02)
            await loop.finish(5)
            found = await reader.read(), await idle.read()
            other.close()
            return found

        answered, closed = talk(application, conversation)
        assert answered.endswith(b"GET /a b c=d ")
        assert closed == b""
