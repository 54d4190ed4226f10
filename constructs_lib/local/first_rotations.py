"""Waits for the rotations a deployment began, so that what is ready, or reset, has no secret half rotated."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.local.control import Control

PATIENCE_SECONDS = 60.0


def await_first_rotations(control: Control) -> Iterator[str]:
    """Wait, and yield a line for each secret whose rotation has failed, or not ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        told = control.ask("first-rotations")  # which answers when they have ended, or after a while
        for secret, failure in sorted(told["failed"].items()):
            yield f"the first rotation of {secret} failed at {failure}; rotate-secret tries it again"
        if not told["under_way"]:
            return
        if time.monotonic() > deadline:
            yield f"still being rotated after {PATIENCE_SECONDS:g} s: {', '.join(told['under_way'])}"
            return
