"""The page of a local run: start it, know its address, stop it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from constructs_lib.local.page.clients import PageClients
from constructs_lib.local.page.guard import Guard
from constructs_lib.local.page.happenings import Follower
from constructs_lib.local.page.server import HOST, PageServer
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from types import TracebackType

    from constructs_lib.local.deployed_aws import DeployedAws

STOP_LOOK_SECONDS = 0.05


class Page:
    """A page that shows what is deployed and what happens, and lets one try it.

    Args:
        server: The server, which listens already.
        port: Where it listens.

    Example:
        >>> with Page.start(aws) as page:
        ...     print(page.url)
    """

    def __init__(self, server: PageServer) -> None:
        """Wrap a server that listens; use `start` instead."""
        self._server = server
        self.port: int = server.server_address[1]
        self._thread = threading.Thread(
            target=server.serve_forever, args=(STOP_LOOK_SECONDS,), name="page", daemon=True
        )
        self._thread.start()

    @classmethod
    def start(cls, aws: DeployedAws, *, port: int = 0) -> Self:
        """Serve the page of a running AWS.

        Args:
            aws: What it shows; what is deployed later is shown, too.
            port: The port to answer on. Default: a free one.

        Raises:
            LocalError: The port is taken.
        """
        try:
            server = PageServer(port)
        except (OSError, OverflowError) as error:
            problem = Problem(
                what=f"port {port} cannot be opened for the page: {getattr(error, 'strerror', None) or error}",
                where=f"{HOST}:{port}",
                fix="stop the program that uses the port, or choose another one: --page-port N, or --no-page",
            )
            raise LocalError(problem) from error
        server.guard = Guard(server.server_address[1])
        server.clients = PageClients(aws)
        server.follower = Follower(aws.paths)
        return cls(server)

    @property
    def url(self) -> str:
        """The address to open, with the token that lets a browser in."""
        return f"http://{HOST}:{self.port}/?token={self._server.guard.token}"

    def stop(self) -> None:
        """Answer nobody any more; a second time does nothing."""
        self._server.is_closing = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        """Return the page."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()
