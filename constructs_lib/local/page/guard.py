"""Who may use the page: the browser that was opened with the token, on this machine, and no page but this one.

A browser reaches loopback whichever page asks it to. So each request is judged by where it comes from: the name it
was asked under (another one is DNS rebinding), the page that sends it (`Origin`, `Sec-Fetch-Site`), and the secret that
only the opened page has. Nothing here answers with CORS headers, so no other page can read or preflight anything.
"""

from __future__ import annotations

import hmac
import secrets
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from email.message import Message

READS = {"GET", "HEAD"}
METHODS = READS | {"POST"}
API = "/api/"
WRITE_HEADER = "x-constructs-lib"  # no form can send it, and no script of another page without a preflight
ONCE = ("host", "origin", "cookie", "sec-fetch-site", "content-length")  # repeated, two readers could pick two
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

Refusal = tuple[HTTPStatus, str]


class Guard:
    """Decides about each request to the page.

    Args:
        port: The port the page answers on.
    """

    def __init__(self, port: int) -> None:
        """Make up the token of the address and the secret of the cookie."""
        self.token = secrets.token_urlsafe(24)
        self._secret = secrets.token_urlsafe(24)
        self._cookie = f"constructs-lib-{port}"  # cookies do not know ports; two runs must not log each other out
        self._hosts = {f"{host}:{port}" for host in ("127.0.0.1", "localhost")}

    def refusal(self, method: str, target: str, headers: Message) -> Refusal | None:
        """Say why a request is refused; none when it is let in.

        Args:
            method: Its method.
            target: Its path and query.
            headers: Its headers.
        """
        twice = next((name for name in ONCE if len(headers.get_all(name, [])) > 1), None)
        if twice is not None:
            return HTTPStatus.BAD_REQUEST, f"there is more than one {twice} header"
        host = headers.get("host", "").lower()
        if host not in self._hosts:
            return HTTPStatus.FORBIDDEN, f"host {host!r} is not this page: ask 127.0.0.1 or localhost, with the port"
        if method not in METHODS:
            return HTTPStatus.METHOD_NOT_ALLOWED, "the page answers GET and POST"
        if "upgrade" in headers:
            return HTTPStatus.BAD_REQUEST, "the page speaks HTTP and nothing else"
        if self.opens(method, target):
            return None
        return self._stranger(headers, host) or self._unknown(method, target, headers)

    def opens(self, method: str, target: str) -> bool:
        """Whether a request opens the page with the token of its address."""
        parts = urlsplit(target)
        told = parse_qs(parts.query).get("token", [""])[0]
        return method in READS and parts.path == "/" and hmac.compare_digest(told.encode(), self.token.encode())

    @property
    def cookie(self) -> str:
        """The header that hands the secret to the browser, for no script and no other site to have."""
        return f"{self._cookie}={self._secret}; Path=/; HttpOnly; SameSite=Strict"

    def _stranger(self, headers: Message, host: str) -> Refusal | None:
        """A request that another page sends."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none").lower()
        if origin is not None and origin.lower() != f"http://{host}":
            return HTTPStatus.FORBIDDEN, f"origin {origin!r} is not this page"
        if site not in {"same-origin", "none"}:
            return HTTPStatus.FORBIDDEN, "no other page may use this one"
        return None

    def _unknown(self, method: str, target: str, headers: Message) -> Refusal | None:
        """A request without the secret, or a write that a form could have sent."""
        if not self._shows_secret(headers):
            return HTTPStatus.UNAUTHORIZED, "open the address that constructs-lib local has printed, with its token"
        if method == "POST" and headers.get(WRITE_HEADER) != "page":
            return HTTPStatus.FORBIDDEN, f"a write carries the header {WRITE_HEADER}: page"
        if method == "POST" and not urlsplit(target).path.startswith(API):
            return HTTPStatus.METHOD_NOT_ALLOWED, f"writes go to {API}"
        return None

    def _shows_secret(self, headers: Message) -> bool:
        try:
            shown = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        return shown is not None and hmac.compare_digest(shown.value.encode(), self._secret.encode())
