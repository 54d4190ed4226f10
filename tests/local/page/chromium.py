"""A Chromium to test with: the one on the PATH, else the one that npm brings, unpacked once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGE = ROOT / "node_modules" / "@sparticuz" / "chromium"
# The package unpacks to the system's temporary folder; ours stays with the other caches, and `make clean` knows it.
UNPACKED = ROOT / ".cache" / "chromium"
UNPACK = """
import chromium from "@sparticuz/chromium";
chromium.setGraphicsMode = false;
process.stdout.write(await chromium.executablePath());
"""


def chromium() -> str:
    """The path of a browser; empty where there is none for this machine."""
    on_path = next((found for name in NAMES if (found := shutil.which(name))), "")
    return on_path or (_unpacked() if PACKAGE.is_dir() else "")


def _unpacked() -> str:
    UNPACKED.mkdir(parents=True, exist_ok=True)
    unpacking = subprocess.run(
        ["node", "--input-type=module", "--eval", UNPACK],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(UNPACKED)},
        capture_output=True,
        text=True,
        check=False,
    )
    runs = unpacking.returncode == 0 and subprocess.run(
        [unpacking.stdout, "--version"], capture_output=True, check=False
    )
    return unpacking.stdout if runs and runs.returncode == 0 else ""
