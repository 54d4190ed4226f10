"""Fetch the wheels and the native npm packages of the handlers, for Lambda and for this machine.

Then no later run needs a network.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from constructs_lib.bundling.machine import lambda_machine, this_machine
from constructs_lib.bundling.native_modules import install_natives
from constructs_lib.bundling.npm_lock import NpmLock
from constructs_lib.bundling.project import Project
from constructs_lib.bundling.python import PythonEntry, bundle_python
from constructs_lib.problem import BundlingError

MACHINES = (lambda_machine("arm64"), this_machine())


def main() -> None:
    """Fetch everything into the cache of the project; what is there already costs nothing."""
    project = Project.current()
    fetch_wheels(project)
    fetch_natives(project)


def fetch_wheels(project: Project) -> None:
    """Bundle each Python handler once for each machine."""
    handlers = [
        file for file in sorted(Path("lambda_src").resolve().rglob("*.py")) if "\ndef handler(" in file.read_text()
    ]
    bundle_python([PythonEntry(file, machine) for machine in MACHINES for file in handlers], project)


def fetch_natives(project: Project) -> None:
    """Install each native package that the handlers may import, alone, as a function that imports it gets it."""
    lock = NpmLock.near(project.folder / "package.json", project.folder)
    if lock is None:
        return
    named = json.loads((project.folder / "package.json").read_bytes()).get("dependencies", {})
    for name in sorted(set(lock.native_packages()) & set(named)):
        for machine in MACHINES:
            install_natives(lock, [f"node_modules/{name}"], machine, project, "package.json")


if __name__ == "__main__":
    try:
        main()
    except BundlingError as error:
        sys.exit(str(error))
