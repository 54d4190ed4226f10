"""Asks the page's server as a browser would, and as others would."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from constructs_lib.local.page import Page

Found = TypeVar("Found")
WRITE = {"content-type": "application/json", "x-constructs-lib": "page"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def what(self) -> str:
        """What the server complains of."""
        told = self.json()["problems"] if self.headers["content-type"].startswith("application/json") else []
        return told[0]["what"] if told else self.body.decode().partition("\n")[0]


@dataclass(frozen=True)
class Asking:
    """A client with a cookie, or none."""

    port: int
    cookie: str = ""

    @classmethod
    def opened(cls, page: Page) -> Self:
        reply = cls(page.port).ask("GET", page.url.partition(str(page.port))[2])
        return cls(page.port, reply.headers["set-cookie"].partition(";")[0])

    def ask(
        self, method: str, target: str, *, body: bytes = b"", headers: Mapping[str, str | None] | None = None
    ) -> Reply:
        """Ask; a header that is None is left out."""
        sent: dict[str, str | None] = {"host": f"127.0.0.1:{self.port}", "cookie": self.cookie or None}
        sent |= {"content-length": str(len(body))} if method == "POST" else {}
        sent |= dict(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            response = connection.getresponse()
            return Reply(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        finally:
            connection.close()

    def read(self, path: str, /, **query: str) -> Any:
        reply = self.ask("GET", f"/api/{path}?{urlencode(query)}")
        assert reply.status == 200, reply.body
        return reply.json()

    def write(self, path: str, /, **told: Any) -> Any:
        reply = self.ask("POST", f"/api/{path}", body=json.dumps(told).encode(), headers=WRITE)
        assert reply.status == 200, reply.body
        return reply.json()

    def refused(self, path: str, /, **told: Any) -> list[dict[str, str]]:
        """The problems a write is refused with."""
        reply = self.ask("POST", f"/api/{path}", body=json.dumps(told).encode(), headers=WRITE)
        assert reply.status == 400, reply.body
        problems: list[dict[str, str]] = reply.json()["problems"]
        return problems

    def one(self, kind: str, path: str) -> dict[str, Any]:
        """What the page lists under this construct path."""
        [found] = [each for each in self.read("app")[kind] if each["path"] == path]
        listed: dict[str, Any] = found
        return listed


def eventually(look: Callable[[], Found], is_right: Callable[[Found], object], *, seconds: float = 15) -> Found:
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if is_right(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
