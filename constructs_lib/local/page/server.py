"""The page's server: HTTP on loopback, one thread a connection, every request past the guard."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from constructs_lib.local.page import buckets
from constructs_lib.local.page.endpoints import DOWNLOAD, EVENTS, READS, UPLOAD, WRITES
from constructs_lib.local.page.guard import API, HEADERS
from constructs_lib.local.page.static_files import static_files
from constructs_lib.problem import LocalError, Problem, ProblemError

if TYPE_CHECKING:
    import socket

    from constructs_lib.local.page.clients import PageClients
    from constructs_lib.local.page.guard import Guard
    from constructs_lib.local.page.happenings import Follower, Happenings

HOST = "127.0.0.1"
LARGEST_BODY = 64 * 1024 * 1024
LOOK_SECONDS = 0.15  # between two looks at what has happened
ALIVE_SECONDS = 10.0  # between two signs of life, which tell a browser that has gone from one that waits
IDLE_SECONDS = 60.0
JSON, TEXT = "application/json; charset=utf-8", "text/plain; charset=utf-8"


class PageServer(ThreadingHTTPServer):
    """Listens, and gives each request what it is answered with.

    Args:
        port: The port; 0 for a free one.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    guard: Guard
    clients: PageClients
    follower: Follower

    def __init__(self, port: int) -> None:
        """Take the port; nobody is answered before `serve_forever`."""
        self.is_closing = False
        super().__init__((HOST, port), PageHandler)

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any) -> None:
        """Say nothing of a browser that went away; what goes wrong in an answer is answered."""


class PageHandler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "constructs-lib"
    sys_version = ""
    timeout = IDLE_SECONDS
    server: PageServer

    def handle_one_request(self) -> None:
        """Answer the next request, whatever its method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or len(self.raw_requestline) > 65536:  # noqa: PLR2004 (as the base class has it)
            self.close_connection = True
            return
        if not self.parse_request():
            return
        try:
            self._answer()
            self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class calls it so)
        """Keep silent: the terminal is for the app."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what cannot be read as HTTP."""
        del explain
        self.request_version = self.protocol_version  # what came may name none, and would get no status line
        self.close_connection = True
        self._problem(HTTPStatus(code), message or HTTPStatus(code).phrase)

    def _answer(self) -> None:
        guard, target = self.server.guard, self.path
        refusal = guard.refusal(self.command, target, self.headers)
        if refusal is not None:
            self.close_connection = True  # its body stays unread
            self._problem(*refusal)
        elif guard.opens(self.command, target):
            self._send(HTTPStatus.SEE_OTHER, JSON, b"", {"Location": "/", "Set-Cookie": guard.cookie})
        elif self.command == "POST":
            self._write(urlsplit(target).path)
        else:
            self._read(urlsplit(target).path)

    def _read(self, path: str) -> None:
        files = static_files()
        if path in files:
            self._send(HTTPStatus.OK, *files[path])
        elif path == EVENTS:
            self._stream()
        elif path == DOWNLOAD:
            self._guarded(self._download)
        elif path in READS:
            self._guarded(lambda: self._json(READS[path](self.server.clients, self._query())))
        else:
            self._problem(HTTPStatus.NOT_FOUND, f"there is no {path}")

    def _write(self, path: str) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > LARGEST_BODY or "transfer-encoding" in self.headers:
            self.close_connection = True
            self._problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a write tells its length, at most {LARGEST_BODY}")
            return
        body = self.rfile.read(int(length))
        if path == UPLOAD:
            self._guarded(lambda: self._json(buckets.upload(self.server.clients, self._query(), body)))
        elif path in WRITES:
            self._guarded(lambda: self._json(WRITES[path](self.server.clients, _object(body))))
        else:
            self._problem(HTTPStatus.NOT_FOUND, f"there is no {path}")

    def _guarded(self, answer: Any) -> None:
        """Answer, or say in three lines why not."""
        try:
            answer()
        except ProblemError as error:
            self._problems(HTTPStatus.BAD_REQUEST, error.problems)
        except (BotoCoreError, ClientError) as error:
            fix = "see emulator.log in the state folder; docs/known-gaps.md knows what the embedded AWS cannot"
            self._problems(HTTPStatus.BAD_REQUEST, [Problem(what=str(error), where="the embedded AWS", fix=fix)])
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            raise
        except Exception as error:
            told = Problem(what=f"{type(error).__name__}: {error}", where=self.path, fix="report it, with this line")
            self._problems(HTTPStatus.INTERNAL_SERVER_ERROR, [told])

    def _query(self) -> dict[str, Any]:
        told = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: values[-1] for name, values in told.items()}

    def _download(self) -> None:
        asked = self._query()
        content = buckets.download(self.server.clients, asked)
        name = quote(asked["key"].rpartition("/")[2] or "object", safe="")
        more = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        self._send(HTTPStatus.OK, "application/octet-stream", content, more)

    def _stream(self) -> None:
        """Tell what happens until the browser goes (server-sent events)."""
        self._head(HTTPStatus.OK, {"Content-Type": "text/event-stream; charset=utf-8", "Connection": "close"})
        self.close_connection = True
        if self.command == "HEAD":
            return
        told = self.headers.get("last-event-id", "")
        last = int(told) if told.isascii() and told.isdecimal() else 0
        sent = 0.0
        while not self.server.is_closing:
            news = self.server.follower.since(last)
            if news.entries or news.lines or (news.is_anew and last != news.last) or not sent:
                last, sent = news.last, time.monotonic()
                self.wfile.write(_event(news))
                self.wfile.flush()
            elif time.monotonic() - sent > ALIVE_SECONDS:
                sent = time.monotonic()
                self.wfile.write(b": alive\n\n")
                self.wfile.flush()
            time.sleep(LOOK_SECONDS)

    def _json(self, told: Any) -> None:
        self._send(HTTPStatus.OK, JSON, json.dumps(told, ensure_ascii=False, default=str).encode(errors="replace"))

    def _problem(self, status: HTTPStatus, what: str) -> None:
        fix = "open the page with the address that constructs-lib local has printed"
        problem = Problem(what=what, where=getattr(self, "path", ""), fix=fix)
        if getattr(self, "path", "").startswith(API):
            self._problems(status, [problem])
        else:
            self._send(status, TEXT, f"{problem}\n".encode())

    def _problems(self, status: HTTPStatus, problems: Any) -> None:
        told = {"problems": [{"what": each.what, "where": each.where, "fix": each.fix} for each in problems]}
        self._send(status, JSON, json.dumps(told).encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes, more: dict[str, str] | None = None) -> None:
        self._head(status, {"Content-Type": kind, "Content-Length": str(len(content)), **(more or {})})
        if getattr(self, "command", "") != "HEAD":
            self.wfile.write(content)

    def _head(self, status: HTTPStatus, told: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, **told}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()


def _event(news: Happenings) -> bytes:
    told = {"entries": news.entries, "lines": news.lines, "anew": news.is_anew}
    data = json.dumps(told, default=str)  # ASCII alone, so that no line ends within
    return f"id: {news.last}\nevent: news\ndata: {data}\n\n".encode()


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict):
        return told
    raise LocalError(Problem(what="the body is no JSON object", where="the page", fix="send one"))
