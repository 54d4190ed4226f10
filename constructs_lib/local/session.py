"""A deployed assembly on localhost, for tests and scripts: start it, call it, read its logs, stop it."""

from __future__ import annotations

import json as json_
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from constructs_lib.assembly import CloudAssembly
from constructs_lib.local import deploy
from constructs_lib.local.aws_clients import AwsClients, errors_explained
from constructs_lib.local.cdk_cli import deploy_with_cdk
from constructs_lib.local.control import Control
from constructs_lib.local.emulator import Emulator, Settings
from constructs_lib.local.function_logs import FunctionLogs, LogLine
from constructs_lib.local.iam_proof import FUNCTION, role_session
from constructs_lib.local.json_lines import JsonLines
from constructs_lib.local.routes import routes_of
from constructs_lib.local.signed_call import ROOT, Answer, call
from constructs_lib.local.state_folder import StateFolder
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from constructs_lib.local.deploy import DeployedStack
    from constructs_lib.local.routes import Route

LOG_SECONDS = 2.0  # how long after its answer a function's last line may take to arrive
REGION = "us-east-1"

Iam = Literal["enforce", "off"]
Via = Literal["direct", "cdk"]


class LocalAws:
    """An embedded AWS with an assembly deployed to it.

    Args:
        emulator: The running embedded AWS.
        state: The folder it keeps everything in.
        region: The region of stacks that name none.

    Example:
        >>> with LocalAws.from_assembly("cdk.out") as aws:
        ...     answer = aws.call("POST", "/users", json={"id": "ada"}, signed=True)
        ...     item = aws.client("dynamodb").get_item(...)
    """

    def __init__(self, emulator: Emulator, state: StateFolder, *, region: str = REGION) -> None:
        """Wrap what already runs; `from_assembly` starts it, too."""
        self.emulator = emulator
        self.clients = AwsClients(emulator.endpoint, region, key=emulator.key)
        self.control = Control(emulator.endpoint, emulator.key)
        self.stacks: Sequence[DeployedStack] = ()
        self._state = state
        self._logs = FunctionLogs(state.function_log)
        self._lines: list[LogLine] = []
        self._new_entries = JsonLines(state.journal)
        self._journal: list[dict[str, Any]] = []

    @classmethod
    def from_assembly(
        cls,
        assembly: Path | str,
        *,
        state: Path | str | None = None,
        port: int = 0,
        iam: Iam = "enforce",
        region: str = REGION,
        via: Via = "direct",
    ) -> Self:
        """Start an embedded AWS and deploy an assembly to it.

        Args:
            assembly: The folder that `cdk synth` wrote.
            state: The folder to keep data in between runs. Default: nothing is kept.
            port: The port the APIs answer on. Default: a free one.
            iam: Whether every call is checked against the policies of its caller.
            region: The region of stacks that name none.
            via: Deploy directly, or with the real CDK CLI.

        Raises:
            AssemblyError: The assembly cannot be read.
            LocalError: The state folder or the port is taken, or a stack cannot be deployed.
        """
        read = CloudAssembly.read(assembly)
        folder = StateFolder(None if state is None else Path(state))
        try:
            emulator = Emulator.start(settings_for(folder, port=port, iam=iam, region=region))
        except BaseException:
            folder.close()
            raise
        aws = cls(emulator, folder, region=region)
        try:
            aws.deploy(read, via=via)
        except BaseException:
            aws.stop()
            raise
        return aws

    @property
    def url(self) -> str:
        """The base URL of every deployed HTTP API."""
        return self.emulator.app_url

    @property
    def endpoint(self) -> str:
        """The URL for AWS clients."""
        return self.emulator.endpoint

    @property
    def outputs(self) -> Mapping[str, Mapping[str, str]]:
        """The outputs of each stack, by the stack's name."""
        return {stack.artifact.name: stack.outputs for stack in self.stacks}

    @property
    def routes(self) -> list[Route]:
        """The routes of every deployed HTTP API."""
        return routes_of(self.stacks, self.clients, self.url)

    def deploy(
        self,
        assembly: CloudAssembly,
        *,
        via: Via = "direct",
        report: Callable[[DeployedStack], None] = lambda _: None,
        report_line: Callable[[str], None] | None = None,
    ) -> None:
        """Deploy an assembly; what stands already stays.

        Args:
            assembly: What to deploy.
            via: Deploy directly, or with the real CDK CLI.
            report: Called with each stack that stands, when deploying directly.
            report_line: Called with each line the CDK CLI says.

        Raises:
            LocalError: A stack cannot be deployed.
        """
        with errors_explained(self.endpoint):
            if via == "cdk":
                deploy_with_cdk(assembly, self.clients, cdk_home=self._state.cdk_home, report=report_line)
                self.stacks = deploy.standing(assembly, self.clients)
            else:
                self.stacks = deploy.deploy(assembly, self.clients, report)

    def redeploy(self, assembly: Path | str) -> None:
        """Deploy another version of the app; its data stays."""
        self.deploy(CloudAssembly.read(assembly))

    def client(self, service: str, *, region: str | None = None) -> Any:
        """Return a boto3 client with the rights of the root user."""
        return self.clients.client(service, region)

    def client_of(self, function: str, service: str) -> Any:
        """Return a boto3 client with the rights of a deployed function's own role.

        Args:
            function: The construct path or the physical name of the function.
            service: The name boto3 knows the service by.
        """
        name, region = self._function(function)
        return self.clients.client_as(role_session(self.clients, name, region), service, region)

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
            until: Wait up to two seconds for a line that holds this text.
        """
        name, _ = self._function(function)
        deadline = time.monotonic() + LOG_SECONDS
        while True:
            self._lines.extend(self._logs.new_lines())
            mine = [each.line for each in self._lines if each.function == name]
            if not until or any(until in line for line in mine) or time.monotonic() > deadline:
                return mine
            time.sleep(0.02)

    def journal(self, kind: str = "") -> list[dict[str, Any]]:
        """Return what has happened inside so far, oldest first.

        Args:
            kind: `authorization`, `invocation`, `delivery`, `unfinished`, `fault` or `throttle`. Default: everything.
        """
        self._journal.extend(self._new_entries.new())
        return [each for each in self._journal if kind in {"", each.get("kind")}]

    def function_paths(self) -> Mapping[str, str]:
        """Return the construct path of every deployed function, by its physical name."""
        return {each.physical_id: stack.path_of(each) for stack in self.stacks for each in stack.of_type(FUNCTION)}

    def stop(self) -> None:
        """End everything that was started; a second time does nothing."""
        try:
            self.emulator.stop()
        finally:
            self._state.close()

    def __enter__(self) -> Self:
        """Return the running AWS."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def _function(self, function: str) -> tuple[str, str]:
        """The physical name and the region of a function."""
        known: dict[str, list[tuple[str, str]]] = {}
        for stack in self.stacks:
            for each in stack.of_type(FUNCTION):
                for name in (each.physical_id, stack.path_of(each)):
                    known.setdefault(name, []).append((each.physical_id, stack.region))
        found = known.get(function, [])
        if len(found) == 1:
            return found[0]
        problem = Problem(
            what=f"{len(found) or 'no'} deployed functions are called {function}",
            where=", ".join(stack.artifact.name for stack in self.stacks),
            fix=f"name one of: {', '.join(sorted(known)) or 'none is deployed'}",
        )
        raise LocalError(problem)


def settings_for(folder: StateFolder, *, port: int, iam: Iam, region: str) -> Settings:
    """Return what an embedded AWS is started with that keeps its state in this folder."""
    return Settings(
        state=folder.path if folder.is_kept else None,
        app_port=port,
        aws_port=0,
        iam=iam,
        region=region,
        log_file=folder.function_log,
        journal=folder.journal,
    )
