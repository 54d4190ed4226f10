"""The few messages of PostgreSQL's protocol that come before a session; all that follows is passed on as it is.

https://www.postgresql.org/docs/16/protocol-message-formats.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

TLS_REQUEST, GSS_REQUEST, CANCEL_REQUEST, VERSION_3 = 80877103, 80877104, 80877102, 3
LONGEST_START, LONGEST_PASSWORD = 10_000, 65_536
CLEARTEXT_PASSWORD = struct.pack("!cii", b"R", 8, 3)


class ClientGoneError(Exception):
    """The client went away, or speaks something else."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The first message of a client.

    Args:
        code: What it asks for.
        raw: The message as it was sent.
    """

    code: int
    raw: bytes

    @property
    def parameters(self) -> dict[str, str]:
        """Names and values: `user`, `database` and settings of the session."""
        words = [each.decode("utf-8", errors="replace") for each in self.raw[8:].split(b"\0")]
        return {name: value for name, value in zip(words[::2], words[1::2], strict=False) if name}

    @property
    def starts_session(self) -> bool:
        """Whether it is the start of a session in a version of the protocol that we know."""
        return self.code >> 16 == VERSION_3


def read_opening(client: socket.socket) -> Opening:
    """Read the first message.

    Raises:
        ClientGoneError: There is none.
    """
    head = _exactly(client, 8)
    length, code = struct.unpack("!ii", head)
    if not len(head) <= length <= LONGEST_START:
        raise ClientGoneError
    return Opening(code, head + _exactly(client, length - len(head)))


def ask_password(client: socket.socket) -> str:
    """Ask for the password, and read it.

    Raises:
        ClientGoneError: There is none.
    """
    client.sendall(CLEARTEXT_PASSWORD)
    kind, length = struct.unpack("!ci", _exactly(client, 5))
    if kind != b"p" or not 4 < length <= LONGEST_PASSWORD:  # noqa: PLR2004 - the length counts itself
        raise ClientGoneError
    return _exactly(client, length - 4).rstrip(b"\0").decode("utf-8", errors="replace")


def refusal(code: str, message: str) -> bytes:
    """Say why there is no session."""
    fields = b"".join(
        kind + text.encode() + b"\0" for kind, text in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", code), (b"M", message))
    )
    return struct.pack("!ci", b"E", len(fields) + 5) + fields + b"\0"


def _exactly(client: socket.socket, number: int) -> bytes:
    read = b""
    while len(read) < number:
        part = client.recv(number - len(read))
        if not part:
            raise ClientGoneError
        read += part
    return read
