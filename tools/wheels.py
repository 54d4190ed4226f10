"""Fetch the wheels of the example handlers, for Lambda and for this machine, so that no later run needs a network."""

from __future__ import annotations

import sys
from pathlib import Path

from constructs_lib.bundling.machine import lambda_machine, this_machine
from constructs_lib.bundling.project import Project
from constructs_lib.bundling.python import PythonEntry, bundle_python
from constructs_lib.problem import BundlingError


def main() -> None:
    """Bundle each Python handler once for each machine; bundles that are there already cost nothing."""
    project = Project.current()
    handlers = [
        file for file in sorted(Path("lambda_src").resolve().rglob("*.py")) if "\ndef handler(" in file.read_text()
    ]
    bundle_python(
        [PythonEntry(file, machine) for machine in (lambda_machine("arm64"), this_machine()) for file in handlers],
        project,
    )


if __name__ == "__main__":
    try:
        main()
    except BundlingError as error:
        sys.exit(str(error))
