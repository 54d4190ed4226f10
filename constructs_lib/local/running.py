"""The local run that another process has started, found by the state folder it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from constructs_lib.assembly import CloudAssembly
from constructs_lib.local import deploy
from constructs_lib.local.aws_clients import errors_explained
from constructs_lib.local.deployed_aws import DeployedAws
from constructs_lib.local.run_record import RunRecord
from constructs_lib.local.state_folder import StatePaths
from constructs_lib.problem import LocalError, Problem


class RunningAws(DeployedAws):
    """The embedded AWS of a run in another process; using it neither starts nor ends anything.

    Args:
        record: What the run has written down.
        paths: The state folder it holds.

    Example:
        >>> aws = RunningAws.find(Path(".local"))
        ... aws.control.ask("reset")
    """

    def __init__(self, record: RunRecord, paths: StatePaths) -> None:
        """Describe the stacks as they stand."""
        super().__init__(record.endpoint, record.app_url, key=record.key, region=record.region, paths=paths)
        self.record = record
        self.paths = paths
        if record.assembly and record.is_ready:
            with errors_explained(record.endpoint):
                self.stacks = deploy.standing(
                    CloudAssembly.read(record.assembly).of_stage(record.stage or None), self.clients
                )

    @classmethod
    def find(cls, state: Path) -> Self:
        """Find the run that holds a state folder.

        Raises:
            LocalError: No run holds the folder, or it has not yet begun to answer.
            AssemblyError: The assembly that it has deployed can no longer be read.
        """
        return cls(record_of(state), StatePaths(state.absolute()))


def record_of(state: Path) -> RunRecord:
    """Return what the run that holds this folder has written down.

    Raises:
        LocalError: No run holds the folder, or it has not yet begun to answer.
    """
    paths = StatePaths(state.absolute())
    is_held = paths.is_held()
    record = RunRecord.read(paths.run_file) if is_held else None
    if record is not None:
        return record
    what = f"the local run that holds {state} is not up yet" if is_held else f"no local run holds {state}"
    fix = (
        "wait until it says that it is ready"
        if is_held
        else "start one with constructs-lib local --detach, or name its folder with --state"
    )
    raise LocalError(Problem(what=what, where=str(paths.path), fix=fix))
