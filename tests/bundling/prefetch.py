"""Fetches what the tests of native code need, so that they run without a network afterwards.

    python -m tests.bundling.prefetch

PyPI: cryptography, cffi, pycparser, for Lambda's ARM64 and for this machine. npm: sharp and its builds for the same.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from constructs_lib.bundling.asset import Asset
from constructs_lib.bundling.cache import FOLDER, Cache
from constructs_lib.bundling.machine import Machine, lambda_machine, this_machine
from constructs_lib.bundling.node import NodeEntry, bundle_node
from constructs_lib.bundling.python import PythonEntry, bundle_python
from tests.bundling.conftest import CHECKOUT, Counting, Sandbox

SIZE, SEAL = "images/size.ts", "sealed/seal.py"
MACHINES = (lambda_machine("arm64"), this_machine())


def bundle_natives(folder: Path, machine: Machine) -> tuple[Asset, Asset, list[str]]:
    """Bundle both functions with native code in a new project; return the tools that were started too."""
    project = Sandbox.copy_of("native", folder).project
    project.cache = Cache(CHECKOUT / FOLDER)
    launcher = project.launcher = Counting()
    (size,) = bundle_node([NodeEntry(project.folder / SIZE, machine=machine)], project)
    (seal,) = bundle_python([PythonEntry(project.folder / SEAL, machine)], project)
    return size, seal, launcher.tools


def main() -> None:
    """Fetch everything into the checkout's cache."""
    with tempfile.TemporaryDirectory() as folder:
        for number, machine in enumerate(MACHINES):
            bundle_natives(Path(folder, str(number)), machine)


if __name__ == "__main__":
    main()
