"""What an environment finds under `AWS_LAMBDA_RUNTIME_API`: the Runtime API, the Extensions API, and no telemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.local.executor import extensions, runtime_api
from constructs_lib.local.executor.extensions import Extensions
from constructs_lib.local.executor.loopback_server import Call, LoopbackServer, Reply
from constructs_lib.local.executor.runtime_api import RuntimeApi

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection

    from constructs_lib.local.executor.function import Function


class EnvironmentApi:
    """A server for one environment.

    Args:
        function: The function of the environment.
        external: The names of its external extensions.
    """

    def __init__(self, function: Function, external: Collection[str]) -> None:
        """Listen; nobody asks before the processes are started."""
        self.extensions = Extensions(function, external)
        self._runtime: RuntimeApi | None = None
        self._server = LoopbackServer(self._answer)

    @property
    def address(self) -> str:
        """Host and port, as `AWS_LAMBDA_RUNTIME_API` holds them."""
        return self._server.address

    def serve_runtime(self, connection: socket.socket) -> None:
        """Serve a custom runtime, which talks to us through this end of the environment's channel."""
        self._runtime = RuntimeApi(connection)

    def close(self) -> None:
        """End it; who waits for an event hears nothing."""
        self.extensions.close()
        self._server.close()
        if self._runtime is not None:
            self._runtime.close()

    def _answer(self, call: Call) -> Reply:
        if call.path[0] == runtime_api.VERSION and self._runtime is not None:
            return self._runtime.answer(call)
        if call.path[0] == extensions.VERSION:
            return self.extensions.answer(call)
        if call.path[1:] in {("telemetry",), ("logs",)}:
            # What Lambda's own emulator of this API says; extensions know it and go on without.
            kind = call.path[1].capitalize()
            told = {"errorType": f"{kind}.NotSupported", "errorMessage": f"{kind} API is not supported"}
            return Reply.of_json(202, told)
        return Reply.of_json(404, {"errorType": "NotFound", "errorMessage": "there is no such API"})
