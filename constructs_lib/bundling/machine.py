"""The machine a bundle will run on, in the words npm and uv use for it."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import Literal

Architecture = Literal["arm64", "x86_64"]

_CPUS = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x64", "amd64": "x64"}
_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "win32"}


@dataclass(frozen=True)
class Machine:
    """An operating system and a processor.

    Args:
        system: As Node names it: linux, darwin, win32.
        cpu: As Node names it: arm64, x64.
        libc: As npm names it: glibc, musl; empty where there is no choice.
        is_lambda: Whether this is Lambda's machine rather than the one that bundles.
    """

    system: str
    cpu: str
    libc: str
    is_lambda: bool

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return f"Lambda's {self.system} {self.cpu}" if self.is_lambda else f"this machine's {self.system} {self.cpu}"


def lambda_machine(architecture: Architecture) -> Machine:
    """Return the machine Lambda runs a function on."""
    return Machine("linux", "arm64" if architecture == "arm64" else "x64", "glibc", is_lambda=True)


def this_machine() -> Machine:
    """Return the machine this process runs on."""
    system = _SYSTEMS.get(sys.platform, sys.platform)
    cpu = _CPUS.get(platform.machine().lower(), platform.machine().lower())
    libc = ("glibc" if platform.libc_ver()[0] == "glibc" else "musl") if system == "linux" else ""
    return Machine(system, cpu, libc, is_lambda=False)
