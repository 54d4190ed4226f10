"""Who may use the page: asked over real connections, in every way another page could."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local.page import Page
from constructs_lib.local.state_folder import StatePaths
from tests.local.page.asking import WRITE, Asking


class Nothing:
    """An AWS without anything, for what is refused before any AWS is asked."""

    stacks: tuple[()] = ()
    url = endpoint = "http://127.0.0.1:1"
    routes: tuple[()] = ()

    def __init__(self, folder: Path) -> None:
        self.paths = StatePaths(folder)
        self.clients = self
        self.region, self.key = "us-east-1", ""


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    nothing: Any = Nothing(tmp_path_factory.mktemp("empty"))
    with Page.start(nothing) as page:
        yield page


@pytest.fixture
def stranger(lonely: Page) -> Asking:
    return Asking(lonely.port)


@pytest.fixture
def opened(lonely: Page) -> Asking:
    return Asking.opened(lonely)


class TestOpening:
    def test_takes_the_token_once_and_hides_it(self, lonely: Page, stranger: Asking) -> None:
        reply = stranger.ask("GET", lonely.url.partition(str(lonely.port))[2])
        assert (reply.status, reply.headers["location"]) == (303, "/")
        cookie = reply.headers["set-cookie"]
        assert cookie.startswith(f"constructs-lib-{lonely.port}=")
        assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
        assert lonely.url.partition("token=")[2] not in cookie

    @pytest.mark.parametrize(
        "target", ["/", "/?token=", "/?token=wrong", "/?token=%ff", "/app.js", "/api/app", "/nope"]
    )
    def test_lets_nobody_in_without_the_token(self, stranger: Asking, target: str) -> None:
        reply = stranger.ask("GET", target)
        assert reply.status == 401
        assert reply.what == "open the address that constructs-lib local has printed, with its token"

    def test_says_to_a_human_what_to_do(self, stranger: Asking) -> None:
        reply = stranger.ask("GET", "/")
        assert reply.headers["content-type"] == "text/plain; charset=utf-8"
        assert reply.body.decode().splitlines()[1:] == [
            "  at:  /",
            "  fix: open the page with the address that constructs-lib local has printed",
        ]

    @pytest.mark.parametrize(
        "cookie", ["", "x", "constructs-lib-{port}=", "constructs-lib-{port}=wrong", "a=b; ;;=", "\xff"]
    )
    def test_takes_no_other_cookie(self, lonely: Page, cookie: str) -> None:
        assert Asking(lonely.port, cookie.format(port=lonely.port)).ask("GET", "/api/app").status == 401

    def test_serves_who_has_opened_it(self, opened: Asking) -> None:
        assert opened.ask("GET", "/").headers["content-type"] == "text/html; charset=utf-8"
        assert opened.ask("GET", "/api/app").json()["functions"] == []

    def test_listens_on_loopback_alone(self, lonely: Page) -> None:
        others = {each[4][0] for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
        for address in others:
            if not str(address).startswith("127."):
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection((str(address), lonely.port), timeout=60)


class TestOtherNames:
    @pytest.mark.parametrize(
        "host",
        ["evil.example:{port}", "127.0.0.1.evil.example:{port}", "localhost", "127.0.0.1", "localhost:1",
         "x.localhost:{port}", "0.0.0.0:{port}", "", None],
    )  # fmt: skip
    def test_are_refused_even_with_the_cookie(self, opened: Asking, host: str | None) -> None:
        """A name of another page's that leads here (DNS rebinding) makes that page same-origin; its name betrays it."""
        told = None if host is None else host.format(port=opened.port)
        reply = opened.ask("GET", "/api/app", headers={"host": told})
        assert reply.status == 403
        assert "is not this page: ask 127.0.0.1 or localhost, with the port" in reply.what

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
    def test_are_two(self, opened: Asking, host: str) -> None:
        assert opened.ask("GET", "/api/app", headers={"host": f"{host}:{opened.port}"}).status == 200

    def test_are_refused_with_the_token_too(self, lonely: Page, stranger: Asking) -> None:
        target = lonely.url.partition(str(lonely.port))[2]
        assert stranger.ask("GET", target, headers={"host": f"evil.example:{lonely.port}"}).status == 403


class TestOtherPages:
    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", "null", "http://127.0.0.1:3000", "http://localhost:{port}", "https://127.0.0.1:{port}",
         "http://127.0.0.1:{port}.evil.example"],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_are_refused_by_their_origin(self, opened: Asking, origin: str, method: str) -> None:
        told = origin.format(port=opened.port)
        reply = opened.ask(method, "/api/app", headers={**WRITE, "origin": told})
        assert (reply.status, reply.what) == (403, f"origin {told!r} is not this page")
        assert not [name for name in reply.headers if name.startswith("access-control-")]

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new"])
    @pytest.mark.parametrize("target", ["/", "/app.js", "/api/app", "/api/events", "/api/buckets/download"])
    def test_are_refused_by_what_the_browser_says_of_them(self, opened: Asking, target: str, site: str) -> None:
        reply = opened.ask("GET", target, headers={"sec-fetch-site": site})
        assert (reply.status, reply.what) == (403, "no other page may use this one")

    @pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
    def test_post_no_form(self, opened: Asking, kind: str) -> None:
        """An old browser sends neither Origin nor Sec-Fetch-Site with a form, and a cookie it should not send."""
        reply = opened.ask("POST", "/api/functions/invoke", body=b'{"function": "x"}', headers={"content-type": kind})
        assert (reply.status, reply.what) == (403, "a write carries the header x-constructs-lib: page")

    def test_get_no_answer_to_a_preflight(self, opened: Asking) -> None:
        asked = {"origin": "https://evil.example", "access-control-request-method": "POST",
                 "access-control-request-headers": "x-constructs-lib"}  # fmt: skip
        reply = opened.ask("OPTIONS", "/api/functions/invoke", headers=asked)
        assert reply.status == 405
        assert not [name for name in reply.headers if name.startswith("access-control-")]

    def test_open_no_stream_of_events_and_no_socket(self, opened: Asking, stranger: Asking) -> None:
        assert opened.ask("GET", "/api/events", headers={"origin": "https://evil.example"}).status == 403
        assert stranger.ask("GET", "/api/events").status == 401
        upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
                   "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
        assert opened.ask("GET", "/api/events", headers=upgrade).status == 400

    def test_may_not_frame_or_load_it(self, opened: Asking) -> None:
        for target in ("/", "/app.js", "/api/app"):
            headers = opened.ask("GET", target).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "require-trusted-types-for 'script'" in headers["content-security-policy"]
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"


class TestWrites:
    @pytest.mark.parametrize(
        "path",
        ["routes/call", "functions/invoke", "queues/send", "queues/redrive", "workflows/start", "schedules/fire",
         "buckets/upload"],
    )  # fmt: skip
    def test_need_the_secret(self, stranger: Asking, opened: Asking, path: str) -> None:
        assert stranger.ask("POST", f"/api/{path}", body=b"{}", headers=WRITE).status == 401
        told = opened.ask("POST", f"/api/{path}", body=b"{}", headers=WRITE)
        assert (told.status, "where a text is wanted" in told.what) == (400, True)

    @pytest.mark.parametrize("path", ["functions/invoke", "queues/send"])
    def test_are_no_reads(self, opened: Asking, path: str) -> None:
        assert opened.ask("GET", f"/api/{path}").status == 404
        assert opened.ask("POST", "/api/app", body=b"{}", headers=WRITE).status == 404
        assert opened.ask("POST", "/", body=b"{}", headers=WRITE).status == 405

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"\xff", b"[" * 100_000])
    def test_are_json_objects(self, opened: Asking, body: bytes) -> None:
        reply = opened.ask("POST", "/api/queues/send", body=body, headers=WRITE)
        assert (reply.status, reply.what) == (400, "the body is no JSON object")

    @pytest.mark.parametrize("length", ["-1", "x", "1e3", str(1 << 40), None])
    def test_tell_their_length(self, opened: Asking, length: str | None) -> None:
        assert opened.ask("POST", "/api/queues/send", headers={**WRITE, "content-length": length}).status == 413


class TestOddRequests:
    @pytest.mark.parametrize("target", ["/../guard.py", "/static/app.js", "/%2e%2e/guard.py", "/views", "/views/"])
    def test_reach_no_other_file(self, opened: Asking, target: str) -> None:
        assert opened.ask("GET", target).status == 404

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "CONNECT", "PATCH", "BREW"])
    def test_have_a_method_the_page_knows(self, opened: Asking, method: str) -> None:
        assert opened.ask(method, "/api/app").status == 405

    @pytest.mark.parametrize("name", ["Host: 127.0.0.1", "Origin: x", "Cookie: a=b", "Sec-Fetch-Site: none"])
    def test_repeat_no_header_that_decides(self, lonely: Page, name: str) -> None:
        lines = [f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{lonely.port}", name, name, "", ""]
        assert raw(lonely, "\r\n".join(lines).encode()).startswith(b"HTTP/1.1 400 ")

    @pytest.mark.parametrize(
        "request_",
        [
            b"\0\1\2\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9\r\n\r\n",
            b"GET " + b"a" * 70_000,
            b"GET / HTTP/1.1\r\nx\r\n\r\n",
        ],
    )
    def test_that_are_no_http_end_the_connection(self, lonely: Page, request_: bytes) -> None:
        answered = raw(lonely, request_)
        assert answered == b"" or answered[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 505", b"HTTP/1.1 403"}
        assert Asking.opened(lonely).ask("GET", "/").status == 200

    def test_a_head_has_no_body(self, opened: Asking) -> None:
        reply = opened.ask("HEAD", "/")
        assert (reply.status, reply.body) == (200, b"")
        assert int(reply.headers["content-length"]) > 0


class TestRuns:
    def test_do_not_log_each_other_out(self, lonely: Page, tmp_path: Path) -> None:
        nothing: Any = Nothing(tmp_path)
        with Page.start(nothing) as other:
            both = f"{Asking.opened(lonely).cookie}; {Asking.opened(other).cookie}"
            assert [Asking(each.port, both).ask("GET", "/").status for each in (lonely, other)] == [200, 200]

    def test_say_when_the_port_is_taken(self, lonely: Page, tmp_path: Path) -> None:
        nothing: Any = Nothing(tmp_path)
        from constructs_lib.problem import LocalError  # noqa: PLC0415 - only here

        with pytest.raises(LocalError) as refused:
            Page.start(nothing, port=lonely.port)
        assert str(refused.value) == (
            f"port {lonely.port} cannot be opened for the page: Address already in use\n"
            f"  at:  127.0.0.1:{lonely.port}\n"
            "  fix: stop the program that uses the port, or choose another one: --page-port N, or --no-page"
        )

    def test_end_at_once_while_somebody_follows(self, tmp_path: Path) -> None:
        nothing: Any = Nothing(tmp_path)
        page = Page.start(nothing)
        asking = Asking.opened(page)
        with socket.create_connection(("127.0.0.1", page.port), timeout=60) as following:
            lines = ["GET /api/events HTTP/1.1", f"Host: 127.0.0.1:{page.port}", f"Cookie: {asking.cookie}", "", ""]
            following.sendall("\r\n".join(lines).encode())
            assert b"200 OK" in following.recv(4096)
            page.stop()
            while following.recv(4096):
                pass
        page.stop()


class TestEvents:
    def test_tell_what_was_and_what_comes(self, tmp_path: Path) -> None:
        nothing: Any = Nothing(tmp_path)
        journal = nothing.paths.journal
        journal.write_text(json.dumps({"kind": "request", "path": "/one"}) + "\n")
        with Page.start(nothing) as page, socket.create_connection(("127.0.0.1", page.port), timeout=60) as following:
            cookie = Asking.opened(page).cookie
            lines = ["GET /api/events HTTP/1.1", f"Host: 127.0.0.1:{page.port}", f"Cookie: {cookie}", "", ""]
            following.sendall("\r\n".join(lines).encode())
            events = read_events(following)
            assert next(events) == ("1", {"entries": [{"kind": "request", "path": "/one"}], "lines": [], "anew": True})
            with journal.open("a") as file:
                file.write(json.dumps({"kind": "request", "path": "/two\n\nevent: forged"}) + "\n")
            nothing.paths.function_log.write_text(json.dumps({"line": "x", "function": "f"}) + "\n")
            told: list[Any] = []
            while sum(len(each["entries"]) + len(each["lines"]) for each in told) < 2:
                told.append(next(events)[1])
            assert [each["path"] for news in told for each in news["entries"]] == ["/two\n\nevent: forged"]
            assert [each["line"] for news in told for each in news["lines"]] == ["x"]


def read_events(following: socket.socket) -> Iterator[tuple[str, Any]]:
    content = b""
    while True:
        head, separator, rest = content.partition(b"\n\n")
        if separator and head.startswith(b"id: "):
            fields = dict(line.split(b": ", 1) for line in head.split(b"\n"))
            content = rest
            yield fields[b"id"].decode(), json.loads(fields[b"data"])
        elif b"\r\n\r\n" in content and content.startswith(b"HTTP/"):
            content = content.partition(b"\r\n\r\n")[2]
        else:
            content += following.recv(65536)


def raw(page: Page, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", page.port), timeout=60) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        try:
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except ConnectionResetError:
            return b""
