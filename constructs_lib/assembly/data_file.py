"""One file of JSON or YAML, from anybody: read, or refused with its file and line; never waited for."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from constructs_lib.assembly.json_document import AssemblyError
from constructs_lib.assembly.template_document import Document, MalformedTextError, printed
from constructs_lib.assembly.template_json import parse_json
from constructs_lib.assembly.template_yaml import NEEDS_PYYAML, parse_yaml
from constructs_lib.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024  # CloudFormation itself takes 1 MiB
MAX_PROBLEMS = 20  # shown at once
YAML_SUFFIXES = {".yaml", ".yml"}
NOT_A_NAME = "this cannot be the name of a file"
NOT_A_FILE = "name a file with a CloudFormation or SAM template in it, JSON or YAML"
MEND_THE_TEXT = "mend the file, or write it again with the tool that made it"
INSTALL = 'pip install "constructs-lib[check]"'


def read_document(path: Path, *, limit: int = MAX_BYTES) -> Document:
    """Read a file of so many bytes at most, as JSON when it begins like an object of JSON, and otherwise as YAML.

    Raises:
        AssemblyError: The file cannot be read, or is neither.
    """
    text = read_text(path, limit=limit)
    if not text.strip():
        raise refusal([("the file is empty", str(path))], NOT_A_FILE)
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
        raise refusal([(error.what, place(path, error.line))], fix) from error


def read_document_beside(folder: Path, name: str, *, limit: int = MAX_BYTES) -> Document:
    """Read a file that a template in this folder names, as long as it is in the folder too.

    Raises:
        AssemblyError: The file is elsewhere, cannot be read, or is neither JSON nor YAML.
    """
    return read_document(path_beside(folder, name), limit=limit)


def path_beside(folder: Path, name: str) -> Path:
    """Return the path of a file that a template in this folder names.

    Raises:
        AssemblyError: It is outside of the folder: a template has no business there.
    """
    path = folder / name
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        raise refusal([(NOT_A_NAME, str(path))], NOT_A_FILE) from error
    if not inside:
        raise refusal([("the file is outside of the template's folder", str(path))], "move it beside the template")
    return path


def read_text(path: Path, *, limit: int = MAX_BYTES) -> str:
    """Read a file of UTF-8, with or without a byte order mark.

    Raises:
        AssemblyError: The file cannot be read, or is something else.
    """
    try:
        content = _content(path, limit)
    except FileNotFoundError as error:
        raise refusal([("there is no such file", str(path))], NOT_A_FILE) from error
    except OSError as error:
        raise refusal([(f"the file cannot be read: {error.strerror or error}", str(path))], NOT_A_FILE) from error
    except ValueError as error:
        raise refusal([(NOT_A_NAME, str(path))], NOT_A_FILE) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"the file is not UTF-8: byte {error.start + 1:,} is no part of a character"
        raise refusal([(what, place(path, line))], "save the file as UTF-8") from error


def _content(path: Path, limit: int) -> bytes:
    """The bytes of a file. Never waits: a pipe that nobody writes to is not opened."""
    if not stat.S_ISREG(path.stat().st_mode):
        kind = "a folder" if path.is_dir() else "not a file"
        raise refusal([(f"this is {kind}, and no template", str(path))], NOT_A_FILE)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise refusal([(f"the file has more than {limit // 1024**2} MiB", str(path))], NOT_A_FILE)
    return content


def place(path: Path, line: int | None) -> str:
    """Return where a problem is, as editors and terminals understand it."""
    return f"{path}:{line}" if line else str(path)


def refusal(wrong: Sequence[tuple[str, str]], fix: str) -> AssemblyError:
    """Return an error to be raised: what is wrong and where, the first of many."""
    shown = list(wrong[:MAX_PROBLEMS])
    if len(wrong) > MAX_PROBLEMS:
        shown.append((f"{len(wrong) - MAX_PROBLEMS:,} more of these", wrong[MAX_PROBLEMS][1]))
    return AssemblyError(*(Problem(what=printed(what), where=printed(where), fix=fix) for what, where in shown))
