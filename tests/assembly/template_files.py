"""Templates written to a folder, and read from there or refused."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from constructs_lib.assembly.json_document import AssemblyError
from constructs_lib.assembly.template_file import TemplateFile, read_template

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, content: str | bytes, name: str = "shop.template.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
    return path


def read(folder: Path, content: str | bytes, name: str = "shop.yaml") -> TemplateFile:
    return read_template(write(folder, content, name))


def refusal(path: Path) -> str:
    """What a file is refused with; every problem of it has the three lines."""
    with pytest.raises(AssemblyError) as caught:
        read_template(path)
    for problem in caught.value.problems:
        assert len(str(problem).splitlines()) == 3
    return str(caught.value)
