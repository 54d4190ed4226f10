"""Stands before a PostgreSQL as RDS Proxy does: TLS or nothing, a token for a password, then every byte as it is.

It does not share connections: on one machine there are enough of them.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from constructs_lib.local.postgres import wire
from constructs_lib.local.postgres.passage import Passage

if TYPE_CHECKING:
    from collections.abc import Callable

CLUSTER_HOST = "127.0.0.1"  # where it listens, and how it is called as the cluster itself
PROXY_HOST = "localhost"  # how it is called as a proxy
INVALID_AUTHORIZATION, INVALID_PASSWORD, CANNOT_CONNECT, NOT_SUPPORTED = "28000", "28P01", "08001", "0A000"
HANDSHAKE_SECONDS = 60.0
# What drivers may send at the start of a session and RDS Proxy turns down; PostgreSQL itself takes all of it.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-connecting.html
NOT_TAKEN = frozenset({"idle_in_transaction_session_timeout", "lock_timeout", "options", "statement_timeout"})
WAITING = 128


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody at the door.

    Args:
        user: Who wants to be let in.
        password: What is shown: a token or a password.
        server_name: The name the client called, as TLS tells it; empty for an address.
    """

    user: str
    password: str
    server_name: str

    @property
    def is_at_proxy(self) -> bool:
        """Whether it is the door of the proxy; by its address it is that of the cluster itself."""
        return self.server_name == PROXY_HOST


class LoginRefusedError(Exception):
    """Somebody is not let in, and why."""


class Relay:
    """Listens on loopback, in threads of its own, until it is closed.

    Args:
        port: The port; 0 for a free one.
        tls: The context with the certificate.
        judge: Called with each login; raises `LoginRefusedError`.
        upstream: Opens a connection to the database.

    Raises:
        OSError: The port is taken.
    """

    def __init__(
        self,
        port: int,
        tls: Callable[[], ssl.SSLContext],
        judge: Callable[[Login], object],
        upstream: Callable[[], socket.socket],
    ) -> None:
        """Begin to listen."""
        self._tls, self._judge, self._upstream = tls, judge, upstream
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server((CLUSTER_HOST, port), backlog=WAITING)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name="database relay", daemon=True).start()

    def close(self) -> None:
        """Close it, and every connection."""
        _shut(self._listener)
        self.break_connections()

    def break_connections(self) -> None:
        """End every session: its database is about to go."""
        with self._lock:
            for each in self._open:
                _shut(each, closes=False)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), name="database session", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, wire.ClientGoneError), contextlib.closing(client):
            client.settimeout(HANDSHAKE_SECONDS)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opening = wire.read_opening(client)
            if opening.code == wire.GSS_REQUEST:
                client.sendall(b"N")
                opening = wire.read_opening(client)
            if opening.code == wire.CANCEL_REQUEST:
                with contextlib.closing(self._upstream()) as database:
                    database.sendall(opening.raw)
                return
            if opening.code != wire.TLS_REQUEST:
                client.sendall(wire.refusal(INVALID_AUTHORIZATION, "This RDS Proxy requires TLS connections"))
                return
            client.sendall(b"S")
            self._serve_secured(client)

    def _serve_secured(self, client: socket.socket) -> None:
        context = self._tls()
        with contextlib.closing(context.wrap_socket(client, server_side=True)) as secured:
            opening = wire.read_opening(secured)
            if not opening.starts_session:
                raise wire.ClientGoneError
            name = _SERVER_NAMES.pop(secured, "")
            login = Login(opening.parameters.get("user", ""), wire.ask_password(secured), name)
            settings = sorted(NOT_TAKEN & opening.parameters.keys()) if login.is_at_proxy else []
            if settings:
                told = f"Feature not supported: RDS Proxy takes no {', '.join(settings)} at the start of a session"
                secured.sendall(wire.refusal(NOT_SUPPORTED, f"{told}; set it for the user, by ALTER ROLE"))
                return
            try:
                self._judge(login)
                database = self._upstream()
            except LoginRefusedError as refused:
                secured.sendall(wire.refusal(INVALID_PASSWORD, str(refused)))
                return
            except OSError as error:
                secured.sendall(wire.refusal(CANNOT_CONNECT, f"the database cannot be reached: {error}"))
                return
            with contextlib.closing(database):
                database.sendall(opening.raw)
                self._pass_on(secured, database)

    def _pass_on(self, client: ssl.SSLSocket, database: socket.socket) -> None:
        with self._lock:
            self._open |= {client, database}
        try:
            Passage(client, database).run()
        finally:
            with self._lock:
                self._open -= {client, database}


# The name each client called, from the handshake to the login; many a handshake comes to nothing.
_SERVER_NAMES: WeakKeyDictionary[ssl.SSLSocket | ssl.SSLObject, str] = WeakKeyDictionary()


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """The context of a server with this certificate and key, which are files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)

    def remember(connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name:
            _SERVER_NAMES[connection] = name

    context.sni_callback = remember
    return context


def _shut(connection: socket.socket, *, closes: bool = True) -> None:
    """Wake whoever waits for it; closing alone does not."""
    with contextlib.suppress(OSError):
        if isinstance(connection, ssl.SSLSocket):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
        else:
            connection.shutdown(socket.SHUT_RDWR)
    if closes:
        connection.close()
