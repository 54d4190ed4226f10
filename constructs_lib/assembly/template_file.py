"""Any CloudFormation or SAM template, JSON or YAML, from anybody: read, or refused with its file and line."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.json_document import AssemblyError
from constructs_lib.assembly.template_document import Document, MalformedTextError
from constructs_lib.assembly.template_json import parse_json
from constructs_lib.assembly.template_shape import take_shape
from constructs_lib.assembly.template_yaml import NEEDS_PYYAML, parse_yaml
from constructs_lib.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_BYTES = 64 * 1024 * 1024  # CloudFormation itself takes 1 MiB
MAX_PROBLEMS = 20  # shown at once
SUFFIXES = {".json", ".yaml", ".yml", ".template"}
YAML_SUFFIXES = {".yaml", ".yml"}
NOT_A_FILE = "name a file with a CloudFormation or SAM template in it, JSON or YAML"
MEND_THE_TEXT = "mend the file, or write it again with the tool that made it"
INSTALL = 'pip install "constructs-lib[check]"'


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """One template.

    Args:
        path: The file it was read from.
        stack_name: The file's name without its suffixes; several files are one app, and a file's name is its stack.
        template: The template, functions in their long form. Every resource is an object with a type.
        lines: The line each resource begins at, by its logical id.
        unread: Parts of the template that are not known before it is deployed, each with the reason.
        origins: The SAM resource that each generated one comes from, by logical id.
    """

    path: Path
    stack_name: str
    template: dict[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    def source(self, logical_id: str) -> str:
        """Return the file, and the line where it is known, of a resource."""
        line = self.lines.get(logical_id)
        return f"{self.path}:{line}" if line else str(self.path)

    def error(self, *wrong: tuple[str, str | None], fix: str) -> AssemblyError:
        """Return an error about this template, to be raised: what is wrong, and with which resource."""
        return _error([(what, self.source(key) if key else str(self.path)) for what, key in wrong], fix)


def read_template(path: Path | str) -> TemplateFile:
    """Read a template.

    Raises:
        AssemblyError: The file cannot be read, is neither JSON nor YAML, or is no template.

    Example:
        >>> read_template("shop.template.json").stack_name
        'shop'
    """
    path = Path(path)
    document = _document(path, _text(path))
    shape = take_shape(document.value)
    if shape.wrong:
        places = [(what, _place(path, document.lines.get(key) if key else None)) for what, key in shape.wrong]
        raise _error(places, "mend the template, as CloudFormation would refuse it too")
    return TemplateFile(
        path=path,
        stack_name=stack_name_of(path),
        template=document.value,
        lines=document.lines,
        unread=shape.unread,
    )


def stack_name_of(path: Path) -> str:
    """Return the name of the stack that a template's file stands for."""
    name = path.name
    while (suffix := Path(name).suffix) in SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def read_data_file(path: Path) -> Any:
    """Read a file that a template names, JSON or YAML: an API, a state machine, something to include.

    Raises:
        AssemblyError: The file cannot be read, or is neither JSON nor YAML.
    """
    return _document(path, _text(path)).value


def _document(path: Path, text: str) -> Document:
    if not text.strip():
        raise _error([("the file is empty", str(path))], NOT_A_FILE)
    try:
        if text.lstrip(" \t\r\n").startswith("{"):
            try:
                return parse_json(text)
            except MalformedTextError:
                if path.suffix not in YAML_SUFFIXES:
                    raise
        return parse_yaml(text)
    except MalformedTextError as error:
        fix = INSTALL if error.what == NEEDS_PYYAML else MEND_THE_TEXT
        raise _error([(error.what, _place(path, error.line))], fix) from error


def _text(path: Path) -> str:
    try:
        content = _content(path)
    except FileNotFoundError as error:
        raise _error([("there is no such file", str(path))], NOT_A_FILE) from error
    except (OSError, ValueError) as error:  # ValueError: a name no file system would take
        what = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
        raise _error([(what, str(path))], NOT_A_FILE) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"the file is not UTF-8: byte {error.start + 1:,} is no part of a character"
        raise _error([(what, _place(path, line))], "save the file as UTF-8") from error


def _content(path: Path) -> bytes:
    """The bytes of a file. Never waits: a pipe that nobody writes to is not opened."""
    if not stat.S_ISREG(path.stat().st_mode):
        kind = "a folder" if path.is_dir() else "not a file"
        raise _error([(f"this is {kind}, and no template", str(path))], NOT_A_FILE)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _error([(f"the file has more than {MAX_BYTES // 1024**2} MiB", str(path))], NOT_A_FILE)
    return content


def _place(path: Path, line: int | None) -> str:
    return f"{path}:{line}" if line else str(path)


def _error(wrong: Sequence[tuple[str, str]], fix: str) -> AssemblyError:
    shown = list(wrong[:MAX_PROBLEMS])
    if len(wrong) > MAX_PROBLEMS:
        shown.append((f"{len(wrong) - MAX_PROBLEMS:,} more of these", wrong[MAX_PROBLEMS][1]))
    return AssemblyError(*(Problem(what=what, where=where, fix=fix) for what, where in shown))
