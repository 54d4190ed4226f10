"""Bytes on their way between a client and its database, in both directions: neither has to read before it may send.

One thread does it, since a TLS connection takes no more.
"""

from __future__ import annotations

import select
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

CHUNK = 65_536
KEPT_BYTES = 4 * CHUNK  # of a client that sends faster than the database reads
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Passage:
    """One session.

    Args:
        client: The client; its handshake is done.
        database: The database.
    """

    def __init__(self, client: ssl.SSLSocket, database: socket.socket) -> None:
        """Nothing is on its way yet."""
        self._client, self._database = client, database
        self._to_database = bytearray()
        self._to_client = b""  # one chunk: TLS wants to be given the same one again
        self._has_client = self._has_database = True

    def run(self) -> None:
        """Pass on what comes, until one side has ended and the other has heard all that it said.

        Raises:
            OSError: A side is gone.
        """
        self._client.setblocking(False)
        self._database.setblocking(False)
        while not self._is_over:
            # Each of them has its turn.
            moved = [self._from_client(), self._into_database(), self._from_database(), self._into_client()]
            if not any(moved) and not self._is_over:
                self._wait()

    @property
    def _is_over(self) -> bool:
        return not (self._has_database or self._to_client) or not (self._has_client or self._to_database)

    @property
    def _takes_from_client(self) -> bool:
        return self._has_client and self._has_database and len(self._to_database) < KEPT_BYTES

    @property
    def _takes_from_database(self) -> bool:
        return self._has_database and not self._to_client

    def _from_client(self) -> bool:
        if not self._takes_from_client:
            return False
        try:
            part = self._client.recv(CHUNK)
        except _NOT_NOW:
            return False
        self._to_database += part
        if not part:
            self._has_client, self._to_client = False, b""
        return True

    def _into_database(self) -> bool:
        if not self._to_database:
            return False
        try:
            del self._to_database[: self._database.send(self._to_database)]
        except _NOT_NOW:
            return False
        except OSError:  # it has ended; why, it may have said before
            self._to_database.clear()
        return True

    def _from_database(self) -> bool:
        if not self._takes_from_database:
            return False
        try:
            part = self._database.recv(CHUNK)
        except _NOT_NOW:
            return False
        if not part:
            self._has_database = False
            self._to_database.clear()
        elif self._has_client:
            self._to_client = part
        return True

    def _into_client(self) -> bool:
        if not self._to_client:
            return False
        try:
            self._to_client = self._to_client[self._client.send(self._to_client) :]
        except _NOT_NOW:
            return False
        return True

    def _wait(self) -> None:
        """Wait until a side may go on; who is not waited for is not asked, or its end would wake us for ever."""
        waiting = select.poll()
        for side, reads, writes in (
            (self._client, self._takes_from_client, bool(self._to_client)),
            (self._database, self._takes_from_database, bool(self._to_database)),
        ):
            events = select.POLLIN * reads | select.POLLOUT * writes
            if events:
                waiting.register(side, events)
        waiting.poll()
