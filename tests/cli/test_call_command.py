"""`constructs-lib call` against a small server that remembers what it was sent."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.cli.local_process import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Listener(BaseHTTPRequestHandler):
    """Answers what it was asked, as JSON; the status is the number the path ends with."""

    protocol_version = "HTTP/1.1"

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        seen = {"method": self.command, "path": self.path, "body": body.decode("latin-1"), **dict(self.headers.items())}
        content = json.dumps({key.lower(): value for key, value in seen.items()}).encode()
        named = self.path.rpartition("/")[2]
        self.send_response(int(named) if named.isdecimal() else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do_any  # noqa: N815 - the names http.server calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def call(
    *arguments: str, sent: str | bytes = b"", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [PROGRAM, "call", *arguments],
        input=sent.encode() if isinstance(sent, str) else sent,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "s", **(environment or {})},
    )


class TestCall:
    def test_a_call_on_this_machine_is_signed_by_the_local_root_user_and_nobody_else(self, url: str) -> None:
        ended = call("post", f"{url}/users", "-d", '{"id": "ada"}')
        seen = json.loads(ended.stdout)
        assert (ended.returncode, ended.stderr) == (0, b"")
        assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/users", '{"id": "ada"}')
        assert seen["content-type"] == "application/json"
        assert seen["authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")
        assert "/us-east-1/execute-api/aws4_request" in seen["authorization"]
        assert "x-amz-security-token" not in seen

    def test_the_body_comes_from_a_file_or_from_standard_input(self, url: str, tmp_path: Path) -> None:
        (tmp_path / "body").write_bytes(b"\xff\x00")
        assert json.loads(call("POST", url, "-d", f"@{tmp_path / 'body'}").stdout)["body"] == "\xff\x00"
        assert json.loads(call("POST", url, "-d", "-", sent=b"piped").stdout)["body"] == "piped"

    def test_headers_and_the_region_can_be_named(self, url: str) -> None:
        ended = call("GET", url, "-H", "Content-Type: text/plain", "-H", "x-a:1", "--region", "eu-west-1")
        seen = json.loads(ended.stdout)
        assert (seen["content-type"], seen["x-a"]) == ("text/plain", "1")
        assert "/eu-west-1/execute-api/" in seen["authorization"]

    def test_what_a_url_may_hold_arrives_as_it_was_meant(self, url: str) -> None:
        ended = call("GET", f"{url}/a b/ü/%2F?q=x y&r=1%202#part")
        assert json.loads(ended.stdout)["path"] == "/a%20b/%C3%BC/%2F?q=x%20y&r=1%202"

    def test_a_failed_call_says_so_and_still_shows_its_answer(self, url: str) -> None:
        ended = call("GET", f"{url}/404")
        assert (ended.returncode, ended.stderr) == (1, b"404 Not Found\n")
        assert json.loads(ended.stdout)["path"] == "/404"

    def test_status_and_headers_are_shown_on_request(self, url: str) -> None:
        head, _, body = call("GET", f"{url}/500", "-i").stdout.decode().partition("\n\n")
        assert head.splitlines()[0] == "HTTP/1.1 500 Internal Server Error"
        assert "content-type: application/json" in head.splitlines()
        assert json.loads(body)["path"] == "/500"


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["GET", "users"], "'users' is not an address that can be called"),
            (["GET", "ftp://x/"], "'ftp://x/' is not an address that can be called"),
            (["GET", "http://[::1/"], "'http://[::1/' is not an address that can be called"),
            (["GET", "http://127.0.0.1:99999/"], "'http://127.0.0.1:99999/' is not an address that can be called"),
            (["G T", "http://127.0.0.1/"], "'G T' is no HTTP method"),
            (["GET", "http://127.0.0.1/", "-H", "nonsense"], "'nonsense' is no header"),
            (["GET", "http://127.0.0.1/", "-H", "a: b\r\nc: d"], "'a: b\\r\\nc: d' is no header"),
            (["GET", "http://127.0.0.1/", "-d", "@/nowhere"], "the body cannot be read: "),
            (
                ["GET", "http://a1.execute-api.eu-west-1.amazonaws.com/"],
                "a call signed with real credentials must not travel over http",
            ),
        ],
    )
    def test_input_nothing_can_be_done_with(self, arguments: list[str], said: str) -> None:
        ended = call(*arguments)
        what, where, fix = ended.stderr.decode().splitlines()
        assert (ended.returncode, ended.stdout) == (2, b"")
        assert what.startswith(said)
        assert (where[:7], fix[:7]) == ("  at:  ", "  fix: ")

    def test_no_credentials_for_a_real_address(self, tmp_path: Path) -> None:
        nothing = {
            "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        }  # fmt: skip
        ended = call("GET", "https://a1.execute-api.eu-west-1.amazonaws.com/", environment=nothing)
        assert ended.returncode == 2
        assert ended.stderr.decode().startswith("no AWS credentials were found to sign the call with\n")

    def test_nobody_listens(self) -> None:
        ended = call("GET", "http://127.0.0.1:1/users")
        assert ended.returncode == 1
        assert ended.stderr.decode() == (
            "no answer: [Errno 111] Connection refused\n"
            "  at:  GET http://127.0.0.1:1/users\n"
            "  fix: start the local run first: constructs-lib local\n"
        )

    def test_an_https_address_of_the_local_run(self, url: str) -> None:
        ended = call("GET", f"{url.replace('http:', 'https:')}/users?x=1")
        assert ended.returncode == 1
        assert ended.stderr.decode() == (
            "no answer over https: the local run speaks http\n"
            f"  at:  GET {url.replace('http:', 'https:')}/users?x=1\n"
            f"  fix: call {url}/users?x=1\n"
        )
