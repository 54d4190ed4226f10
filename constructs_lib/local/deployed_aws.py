"""What is deployed to an embedded AWS, for whoever knows its address: call it, read its logs, find what stands."""

from __future__ import annotations

import contextlib
import json as json_
import time
from typing import TYPE_CHECKING, Any

from constructs_lib.local.aws_clients import AwsClients
from constructs_lib.local.clock import Clock
from constructs_lib.local.control import Control
from constructs_lib.local.deployed_names import FUNCTION, all_named, named
from constructs_lib.local.faults import Faults
from constructs_lib.local.function_logs import FunctionLogs, LogLine
from constructs_lib.local.iam_proof import role_session
from constructs_lib.local.json_lines import JsonLines
from constructs_lib.local.routes import routes_of
from constructs_lib.local.signed_call import ROOT, Answer, call
from constructs_lib.problem import LocalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs_lib.local.deploy import DeployedStack
    from constructs_lib.local.routes import Route
    from constructs_lib.local.state_folder import StatePaths

LOOKS, LOOK_SECONDS = 100, 0.02  # after its answer a function's last line may take a moment to arrive


class DeployedAws:
    """An embedded AWS that runs, and what is deployed to it.

    Args:
        endpoint: The URL for AWS clients.
        url: The base URL of every deployed HTTP API.
        key: What opens the credentials of functions, and the control commands.
        region: The region of stacks that name none.
        paths: Where it keeps its logs.
    """

    def __init__(self, endpoint: str, url: str, *, key: str, region: str, paths: StatePaths) -> None:
        """Remember where everything is; nothing is asked yet."""
        self.endpoint = endpoint
        self.url = url
        self.paths = paths
        self.clients = AwsClients(endpoint, region, key=key)
        self.control = Control(endpoint, key)
        self.clock = Clock(self.control)
        self.faults = Faults(self)
        self.stacks: Sequence[DeployedStack] = ()
        self._logs = FunctionLogs(paths.function_log)
        self._lines: list[LogLine] = []
        self._new_entries = JsonLines(paths.journal)
        self._journal: list[dict[str, Any]] = []

    @property
    def outputs(self) -> Mapping[str, Mapping[str, str]]:
        """The outputs of each stack, by the stack's name."""
        return {stack.artifact.name: stack.outputs for stack in self.stacks}

    @property
    def routes(self) -> list[Route]:
        """The routes of every deployed HTTP API."""
        return routes_of(self.stacks, self.clients, self.url)

    def reset(self) -> None:
        """Go back to the data there was when the last deployment ended; what is deployed stays as it is.

        What runs is ended, the clock shows real time, faults are forgotten, and so is what was logged so far.

        Raises:
            LocalError: A stack is being deployed.
        """
        self.control.ask("reset")
        self._lines, self._journal = [], []
        for _ in (*self._logs.new_lines(), *self._new_entries.new()):
            pass

    def keep(self) -> None:
        """Let `reset` go back to the data there is now, in place of that of the last deployment."""
        self.control.ask("keep")

    def client(self, service: str, *, region: str | None = None) -> Any:
        """Return a boto3 client with the rights of the root user."""
        return self.clients.client(service, region)

    def client_of(self, function: str, service: str) -> Any:
        """Return a boto3 client with the rights of a deployed function's own role.

        Args:
            function: The construct path or the physical name of the function.
            service: The name boto3 knows the service by.
        """
        found = named(self.stacks, FUNCTION, function)
        credentials = role_session(self.clients, found.name, found.region)
        return self.clients.client_as(credentials, service, found.region)

    def call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        signed: bool = False,
    ) -> Answer:
        """Call a deployed API.

        Args:
            method: The HTTP method.
            path: The path, with its query.
            json: A value to send as JSON. Default: none.
            body: Bytes to send, instead of `json`.
            headers: Headers to send.
            signed: Whether the root user signs the call, as routes with IAM authorization want it.
        """
        content = b"" if body is None else body
        sent = dict(headers or {})
        if json is not None and body is None:
            content = json_.dumps(json).encode()
            sent.setdefault("content-type", "application/json")
        credentials = ROOT if signed else None
        return call(
            method, self.url + path, body=content, headers=sent, credentials=credentials, region=self.clients.region
        )

    def logs(self, function: str, *, until: str = "") -> list[str]:
        """Return everything a function has logged so far.

        Args:
            function: The construct path or the physical name of the function.
            until: Wait about two seconds for a line that holds this text.
        """
        name = named(self.stacks, FUNCTION, function).name
        self._settle()
        for look in range(LOOKS + 1):
            if look:
                time.sleep(LOOK_SECONDS)
            self._lines.extend(self._logs.new_lines())
            mine = [each.line for each in self._lines if each.function == name]
            if not until or any(until in line for line in mine):
                break
        return mine

    def journal(self, kind: str = "") -> list[dict[str, Any]]:
        """Return what has happened inside so far, oldest first.

        Args:
            kind: `authorization`, `invocation`, `delivery`, `unfinished`, `fault` or `throttle`. Default: everything.
        """
        self._settle()
        self._journal.extend(self._new_entries.new())
        return [each for each in self._journal if kind in {"", each.get("kind")}]

    def _settle(self) -> None:
        """Have everything written that was put off until now; where nothing runs any more, it is."""
        with contextlib.suppress(LocalError):
            self.control.ask("settle")

    def function_paths(self) -> Mapping[str, str]:
        """Return the construct path of every deployed function, by its physical name."""
        return {each.name: each.path for each in all_named(self.stacks, FUNCTION)}
