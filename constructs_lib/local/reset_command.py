"""The `local reset` command: the data of a run is what it was when it was deployed; its stacks stay."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from constructs_lib.local.running import RunningAws
from constructs_lib.local.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path


def run(state: Path) -> int:
    """Go back to the data of the last deployment."""
    aws = RunningAws.find(state)
    began = time.monotonic()
    aws.reset()
    what = f"the data is that of the last deployment; {len(aws.stacks)} stacks stay as they are"
    Terminal(sys.stdout).step("reset", what, time.monotonic() - began)
    return 0
