"""The ports functions expect the Parameters and Secrets extension on when they do not ask a variable for it.

Much code, AWS's own examples among it, writes 2773 down. All environments that expect the same port share it: whose
call it is, its token says.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from constructs_lib.local.executor.loopback_server import Call, LoopbackServer, Reply
from constructs_lib.local.executor.parameters_and_secrets import PORT_VARIABLE, TOKEN_HEADER, unauthorized

if TYPE_CHECKING:
    from constructs_lib.local.executor.parameters_and_secrets import ParametersAndSecrets


class WantedPorts:
    """Listens on each such port that is not taken, from the first environment on that wants it."""

    def __init__(self) -> None:
        """Listen nowhere yet."""
        self._lock = threading.Lock()
        self._servers: dict[int, LoopbackServer | None] = {}
        self._offered: list[ParametersAndSecrets] = []

    def offer(self, values: ParametersAndSecrets) -> str:
        """Answer for an environment on the port it wants; says why not, the first time that cannot be done."""
        port = values.wanted_port
        with self._lock:
            self._offered.append(values)
            if port in self._servers:
                return ""
            try:
                self._servers[port] = LoopbackServer(self._answer, port)
            except (OSError, OverflowError):
                self._servers[port] = None
                return f"port {port} is taken by another program: read {PORT_VARIABLE} to find the extension"
        return ""

    def withdraw(self, values: ParametersAndSecrets) -> None:
        """The environment has ended."""
        with self._lock:
            self._offered.remove(values)

    def close(self) -> None:
        """Stop listening."""
        with self._lock:
            servers = [each for each in self._servers.values() if each is not None]
        for each in servers:
            each.close()

    def _answer(self, call: Call) -> Reply:
        with self._lock:
            mine = [each for each in self._offered if each.token == call.header(TOKEN_HEADER)]
        ready = [each for each in mine if each.is_invoked] or mine
        return ready[-1].answer(call) if ready else unauthorized()
