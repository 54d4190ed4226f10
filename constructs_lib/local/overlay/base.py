"""The one door to the base: its modules carry no types, so what comes through here is `Any`."""

from __future__ import annotations

import functools
import importlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BASE = "ministack"
BASE_VERSION = "1.5.33"

log = logging.getLogger("constructs_lib")  # goes where the base logs, to the emulator's log


@dataclass(frozen=True, slots=True)
class Orders:
    """What the process of the embedded AWS was told when it was started.

    Args:
        sockets: The file descriptors it listens on.
        app_port: The port of the deployed APIs; 0 for none.
        endpoint: The URL of the AWS API.
        region: Its region.
        work: A folder of its own, removed at the end.
        log_file: The file for the lines of all functions.
        journal: The file for what happens inside.
        lets_denied_pass: Whether calls that are denied pass, and are only told.
        key: What whoever started the process shows to be given the credentials of a function.
    """

    sockets: tuple[int, ...]
    app_port: int
    endpoint: str
    region: str
    work: Path
    log_file: Path | None
    journal: Path | None
    lets_denied_pass: bool
    key: str


@functools.cache
def base(name: str) -> Any:
    """Import a module of the base by its name below the package."""
    return importlib.import_module(f"{BASE}.{name}")
