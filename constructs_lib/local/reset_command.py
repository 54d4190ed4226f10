"""The `local reset` command: the data of a run is gone, its stacks stay."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from constructs_lib.local.running import RunningAws
from constructs_lib.local.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path


def run(state: Path) -> int:
    """Throw the data away."""
    aws = RunningAws.find(state)
    began = time.monotonic()
    aws.control.ask("reset")
    Terminal(sys.stdout).step("reset", f"the data is gone; {len(aws.stacks)} stacks stay", time.monotonic() - began)
    return 0
