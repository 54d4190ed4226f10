"""Where a local run answers, written down by the run for other processes of the same user."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, as `run.json` in its state folder holds it.

    Args:
        pid: The process to end when the run is to end.
        endpoint: The URL for AWS clients.
        app_url: The base URL of the deployed APIs.
        key: What opens the control commands and the credentials of functions: a secret, which the file's mode keeps.
        region: The region of stacks that name none.
        iam: Whether calls are checked: `enforce`, `warn` or `off`.
        assembly: The folder of the assembly that is deployed; empty before there is one.
        stacks: The name and the region of each stack, in the order of deployment.
        stage: The stage that is deployed; empty where the app has none.
        page_url: The page of the run; empty without one.
        started: When the run began, in seconds since 1970.
        is_ready: Whether everything is deployed.
        is_watching: Whether the run takes up what is saved.
    """

    pid: int
    endpoint: str
    app_url: str
    key: str = field(repr=False)
    region: str
    iam: str
    started: float
    assembly: str = ""
    stacks: tuple[tuple[str, str], ...] = ()
    stage: str = ""
    page_url: str = ""
    is_ready: bool = False
    is_watching: bool = False

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return what a file holds; none when there is no such file, or it holds something else."""
        try:
            values: dict[str, Any] = json.loads(path.read_bytes())
            return cls(**{**values, "stacks": tuple((name, region) for name, region in values["stacks"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, path: Path) -> None:
        """Replace the file, at once and for no eyes but the user's."""
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        beside.replace(path)
