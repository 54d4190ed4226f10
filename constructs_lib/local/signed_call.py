"""One HTTP call to a deployed API, signed as AWS wants it (SigV4) when the caller has credentials."""

from __future__ import annotations

import http.client
import ipaddress
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from constructs_lib.local.aws_clients import ROOT_KEY
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = "execute-api"  # the name API Gateway's signatures are made for
SECONDS = 60.0  # longer than the 30 s API Gateway itself waits
UNQUOTED = "%/:@!$&'()*+,;=-._~"  # what a path may hold as it is
ROOT = Credentials(ROOT_KEY, ROOT_KEY)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an API answered.

    Args:
        status: The HTTP status.
        reason: Its name.
        headers: The headers, in order, as sent.
        body: The body's bytes.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Read the body as JSON.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """Return the value of a header; empty when there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def call(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    credentials: Credentials | None,
    region: str,
) -> Answer:
    """Make one call.

    Args:
        method: The HTTP method.
        url: The whole address.
        body: The body's bytes.
        headers: Headers to send; those of the signature are added.
        credentials: Whose signature to add; none for an unsigned call.
        region: The region the signature is made for.

    Raises:
        LocalError: The address cannot be called, or nothing answers there.
    """
    parts = checked_url(url)
    path = quote(parts.path or "/", safe=UNQUOTED)
    query = quote(parts.query, safe=UNQUOTED + "?").replace("+", "%20")  # two ways to write a blank; AWS signs this one
    target = path + (f"?{query}" if query else "")
    request = AWSRequest(
        method=method, url=f"{parts.scheme}://{parts.netloc}{target}", headers=dict(headers or {}), data=body
    )
    if credentials is not None:
        SigV4Auth(credentials, SERVICE, region).add_auth(request)
    secure = parts.scheme == "https"
    connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(parts.netloc, timeout=SECONDS)
    try:
        connection.request(method, target, body=body or None, headers=dict(request.headers.items()))
        answer = connection.getresponse()
        return Answer(answer.status, answer.reason, tuple(answer.getheaders()), answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        at_home = is_loopback(parts.hostname or "")
        if at_home and isinstance(error, ssl.SSLError):
            problem = Problem(
                what="no answer over https: the local run speaks http",
                where=f"{method} {url}",
                fix=f"call http://{parts.netloc}{target}",
            )
            raise LocalError(problem) from error
        problem = Problem(
            what=f"no answer: {error}",
            where=f"{method} {url}",
            fix="start the local run first: constructs-lib local" if at_home else "check the address and the network",
        )
        raise LocalError(problem) from error
    finally:
        connection.close()


def checked_url(url: str) -> SplitResult:
    """Return the parts of an address that can be called.

    Raises:
        LocalError: It is no http or https address.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        problem = Problem(
            what=f"{url!r} is not an address that can be called",
            where="the URL",
            fix="write it whole, such as http://127.0.0.1:3000/users",
        )
        raise LocalError(problem)
    return parts


def is_loopback(host: str) -> bool:
    """Whether a host name stands for this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
