"""A deployed assembly on localhost, for tests and scripts: start it, call it, read its logs, stop it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from constructs_lib.assembly import CloudAssembly
from constructs_lib.local import deploy
from constructs_lib.local.aws_clients import errors_explained
from constructs_lib.local.cdk_cli import deploy_with_cdk
from constructs_lib.local.code_swap import CodeSwap
from constructs_lib.local.deployed_aws import DeployedAws
from constructs_lib.local.emulator import Emulator, Settings
from constructs_lib.local.first_rotations import await_first_rotations
from constructs_lib.local.state_folder import StateFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from constructs_lib.local.deploy import DeployedStack

REGION = "us-east-1"

Iam = Literal["enforce", "warn", "off"]
Via = Literal["direct", "cdk"]


class LocalAws(DeployedAws):
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
        super().__init__(emulator.endpoint, emulator.app_url, key=emulator.key, region=region, paths=state)
        self.emulator = emulator
        self.stage = ""  # the one that is deployed; none in an app without
        self.notes: tuple[str, ...] = ()  # what the last deployment left undone
        self._state = state

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
        stage: str | None = None,
    ) -> Self:
        """Start an embedded AWS and deploy an assembly to it.

        Args:
            assembly: The folder that `cdk synth` wrote.
            state: The folder to keep data in between runs. Default: nothing is kept.
            port: The port the APIs answer on. Default: a free one.
            iam: Whether every call is checked against the policies of its caller; `warn` lets what is denied pass, and
                tells it in the journal.
            region: The region of stacks that name none.
            via: Deploy directly, or with the real CDK CLI.
            stage: Which stage to deploy. Default: the only one; of several `dev`, or else the first.

        Raises:
            AssemblyError: The assembly cannot be read, or has no such stage.
            LocalError: The state folder or the port is taken, or a stack cannot be deployed.
        """
        read = CloudAssembly.read(assembly).of_stage(stage)
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

    def deploy(
        self,
        assembly: CloudAssembly,
        *,
        via: Via = "direct",
        report: Callable[[DeployedStack], None] = lambda _: None,
        report_line: Callable[[str], None] | None = None,
    ) -> None:
        """Deploy an assembly; what stands already stays. It ends when the first rotations of secrets have ended.

        Args:
            assembly: What to deploy; of several stages one.
            via: Deploy directly, or with the real CDK CLI.
            report: Called with each stack that stands, when deploying directly.
            report_line: Called with each line the CDK CLI says.

        Raises:
            LocalError: A stack cannot be deployed.
        """
        self.stage = assembly.stage or ""
        maps = [assembly.folder, self._state.path / "rebuilt"]
        self.control.ask("source-maps", folders=[str(each.absolute()) for each in maps])
        with errors_explained(self.endpoint):
            if via == "cdk":
                deploy_with_cdk(assembly, self.clients, cdk_home=self._state.cdk_home, report=report_line)
                self.stacks = deploy.standing(assembly, self.clients)
            else:
                self.stacks = deploy.deploy(assembly, self.clients, report)
            CodeSwap(self.clients, self._state.path).restore(self.stacks)
            self.notes = tuple(await_first_rotations(self.control))

    def redeploy(self, assembly: Path | str) -> None:
        """Deploy another version of the app; its data stays."""
        self.deploy(CloudAssembly.read(assembly).of_stage(self.stage or None))

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
