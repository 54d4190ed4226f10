"""What an environment finds under `AWS_LAMBDA_RUNTIME_API`, and the Parameters and Secrets extension beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.local.executor import extensions, runtime_api
from constructs_lib.local.executor.extensions import Extensions
from constructs_lib.local.executor.loopback_server import Call, LoopbackServer, Reply
from constructs_lib.local.executor.parameters_and_secrets import PORT_VARIABLE, ParametersAndSecrets
from constructs_lib.local.executor.runtime_api import RuntimeApi

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection, Mapping

    from constructs_lib.local.executor.function import Function
    from constructs_lib.local.executor.invocation import Invocation
    from constructs_lib.local.executor.wanted_ports import WantedPorts


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
        self._values: ParametersAndSecrets | None = None
        self._ports: WantedPorts | None = None
        self._server = LoopbackServer(self._answer)

    @property
    def address(self) -> str:
        """Host and port, as `AWS_LAMBDA_RUNTIME_API` holds them."""
        return self._server.address

    def serve_runtime(self, connection: socket.socket) -> None:
        """Serve a custom runtime, which talks to us through this end of the environment's channel."""
        self._runtime = RuntimeApi(connection)

    def read_values(
        self, variables: Mapping[str, str], on_line: Callable[[str], None], ports: WantedPorts
    ) -> dict[str, str]:
        """Offer the Parameters and Secrets extension; answers the variables that say where.

        Args:
            variables: The variables of the environment.
            on_line: Called with each line for the function's log.
            ports: The ports that are shared with other environments.
        """
        self._values, self._ports = ParametersAndSecrets(variables, on_line), ports
        problem = ports.offer(self._values)
        if problem:
            on_line(problem)
        return {PORT_VARIABLE: str(self._values.port)}

    def begin(self, invocation: Invocation, deadline_ms: int) -> None:
        """The function is invoked."""
        if self._values is not None:
            self._values.begin()
        self.extensions.begin(invocation, deadline_ms)

    def close(self) -> None:
        """End it; who waits for an event hears nothing."""
        self.extensions.close()
        self._server.close()
        if self._values is not None and self._ports is not None:
            self._ports.withdraw(self._values)
            self._values.close()
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
