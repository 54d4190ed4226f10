"""Programs of layers, where a Python function looks for them: `/opt/...`, which is another folder on this machine.

The CDK's own `BucketDeployment` starts the AWS CLI of its layer so, for Lambda's Python. Loaded by the bootstrap of
functions with layers, with the standard library alone, before anything has imported `subprocess`.
"""

from __future__ import annotations

import _posixsubprocess
import os
import sys
from typing import Any

OPT = b"/opt/"
LAMBDAS_PYTHON = b"#!/var/lang/bin/python"


def lead_to(folder: str) -> None:
    """Start what is asked for below `/opt` from the folder the layers are in."""
    original: Any = _posixsubprocess.fork_exec
    here = os.fsencode(folder)

    def fork_exec(arguments: Any, programs: Any, *more: Any) -> Any:
        asked = os.fsencode(programs[0])
        program = os.path.join(here, asked[len(OPT) :])  # noqa: PTH118 (pathlib costs every cold start 5 ms)
        if not asked.startswith(OPT) or os.path.exists(asked) or not os.path.exists(program):  # noqa: PTH110 (likewise)
            return original(arguments, programs, *more)
        rest = [os.fsencode(each) for each in arguments[1:]]
        if _is_for_lambdas_python(program):
            ours = os.fsencode(sys.executable)
            return original([ours, program, *rest], (ours,), *more)
        return original([program, *rest], (program,), *more)

    _posixsubprocess.fork_exec = fork_exec


def _is_for_lambdas_python(program: bytes) -> bool:
    with open(program, "rb") as script:  # noqa: PTH123 (likewise)
        return script.read(len(LAMBDAS_PYTHON)) == LAMBDAS_PYTHON
