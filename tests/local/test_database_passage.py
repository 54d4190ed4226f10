"""Bytes between a client and its database: both may have much to say at once, and what was said last arrives."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest

from constructs_lib.local.postgres.certificate import self_signed
from constructs_lib.local.postgres.passage import Passage
from constructs_lib.local.postgres.relay import tls_context

SECONDS = 60.0
MUCH = b"a row of a table" * 200_000  # more than sockets and the passage keep


@pytest.fixture(scope="module")
def server_side(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder, made = tmp_path_factory.mktemp("certificate"), self_signed("localhost", "127.0.0.1")
    (folder / "certificate.pem").write_text(made.certificate)
    (folder / "key.pem").write_text(made.key)
    return tls_context(str(folder / "certificate.pem"), str(folder / "key.pem"))


@contextlib.contextmanager
def client_of(server_side: ssl.SSLContext, serve: Callable[[socket.socket], object]) -> Iterator[ssl.SSLSocket]:
    """A client whose database is served so; at the end the passage has ended too."""
    outer, inner = socket.socketpair()
    near, far = socket.socketpair()
    client_side = ssl.create_default_context()
    client_side.check_hostname, client_side.verify_mode = False, ssl.CERT_NONE

    def database() -> None:
        with far:
            serve(far)

    def passage() -> None:
        with near, server_side.wrap_socket(inner, server_side=True) as secured, contextlib.suppress(OSError):
            Passage(secured, near).run()

    threads = [threading.Thread(target=each, daemon=True) for each in (database, passage)]
    for each in threads:
        each.start()
    outer.settimeout(SECONDS)
    with client_side.wrap_socket(outer) as client:
        yield client
    for each in threads:
        each.join(SECONDS)
        assert not each.is_alive()


def received(connection: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size and (part := connection.recv(65_536)):
        found += part
    return bytes(found)


def test_neither_waits_for_the_other_to_read(server_side: ssl.SSLContext) -> None:
    def answers_before_it_reads_on(far: socket.socket) -> None:
        while part := far.recv(65_536):
            far.sendall(part)

    with client_of(server_side, answers_before_it_reads_on) as client:
        client.setblocking(False)
        sent, found = 0, bytearray()
        while len(found) < len(MUCH):
            with contextlib.suppress(ssl.SSLWantWriteError):
                sent += client.send(MUCH[sent : sent + 65_536]) if sent < len(MUCH) else 0
            try:
                found += client.recv(65_536)
            except ssl.SSLWantReadError:
                ready = select.select([client], [client] if sent < len(MUCH) else [], [], SECONDS)
                assert any(ready), f"it stands still: {sent} bytes sent, {len(found)} received"
        assert found == MUCH


def test_what_a_database_says_before_it_ends_is_heard(server_side: ssl.SSLContext) -> None:
    with client_of(server_side, lambda far: far.sendall(MUCH)) as client:
        assert received(client, len(MUCH) + 1) == MUCH


def test_what_a_client_says_before_it_goes_is_done(server_side: ssl.SSLContext) -> None:
    heard: list[bytes] = []
    with client_of(server_side, lambda far: heard.append(received(far, len(MUCH) + 1))) as client:
        client.sendall(MUCH)
    assert heard == [MUCH]
