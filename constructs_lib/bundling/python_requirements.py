"""Reads requirements.txt, which must say exactly what is installed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from constructs_lib.bundling.project import Project
from constructs_lib.problem import BundlingError, Problem

_NAME = re.compile(r"^(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?P<rest>.*)$")
_PIN = re.compile(r"^\(?\s*={2,3}\s*(?P<version>[^\s;,*()]+)\s*\)?\s*(?P<marker>;.*)?$")
_INCLUDE = re.compile(r"^(?:-r|--requirement)[\s=]+(?P<path>\S+)$")
_HASHES = re.compile(r"\s--hash[=\s]\S+")
_COMMENT = re.compile(r"(?:^|\s)#.*$")


@dataclass(frozen=True)
class Pin:
    """One distribution at one version.

    Args:
        name: Normalized as PEP 503 says.
        version: What follows `==`.
        text: The whole requirement, with extras, markers and hashes.
        where: File and line.
    """

    name: str
    version: str
    text: str
    where: str


@dataclass(frozen=True)
class Requirements:
    """A requirements.txt, with all the files it includes.

    Args:
        path: The file.
        pins: Its requirements.
        options: Its lines that choose an index.
        files: The file and every file it includes.
    """

    path: Path
    pins: tuple[Pin, ...]
    options: tuple[str, ...]
    files: tuple[Path, ...]

    def pin_of(self, name: str) -> Pin | None:
        """Return the pin of a distribution, by its normalized name."""
        return next((pin for pin in self.pins if pin.name == name), None)


def read_requirements(path: Path, project: Project) -> Requirements:
    """Read a requirements file.

    Raises:
        BundlingError: It does not pin everything, so that a bundle would depend on the day it is made.
    """
    pins: list[Pin] = []
    options: list[str] = []
    files: list[Path] = []
    problems: list[Problem] = []
    _read(path, project, (pins, options, files, problems))
    if problems:
        raise BundlingError(*problems)
    return Requirements(path, tuple(pins), tuple(options), tuple(files))


def normalized(name: str) -> str:
    """Return a distribution's name in the one spelling all tools agree on."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(path: Path, project: Project, into: tuple[list[Pin], list[str], list[Path], list[Problem]]) -> None:
    pins, options, files, problems = into
    if path in files:
        return
    files.append(path)
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        problems.append(
            Problem(
                f"{path.name} cannot be read ({error.strerror})",
                project.relative(path),
                "create it, or remove the line that includes it",
            )
        )
        return
    for number, line in _lines(text):
        where = f"{project.relative(path)}:{number}"
        include = _INCLUDE.match(line)
        if include is not None:
            _read(path.parent / include["path"], project, into)
        elif line.startswith("-") and not line.startswith(("-e", "--editable")):
            options.append(line)
        else:
            pin = _pin(line, where)
            if pin is None:
                problems.append(_unpinned(line, path, where, project))
            else:
                pins.append(pin)


def _lines(text: str) -> list[tuple[int, str]]:
    """Return each requirement with the number of its first line; a backslash joins lines."""
    found: list[tuple[int, str]] = []
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start if pending else number
        pending += _COMMENT.sub("", line)
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        if pending.strip():
            found.append((start, " ".join(pending.split())))
        pending = ""
    if pending.strip():
        found.append((start, " ".join(pending.split())))
    return found


def _pin(line: str, where: str) -> Pin | None:
    named = _NAME.match(_HASHES.sub("", line))
    pinned = _PIN.match(named["rest"]) if named is not None else None
    if named is None or pinned is None:
        return None
    return Pin(normalized(named["name"]), pinned["version"], line, where)


def _unpinned(line: str, path: Path, where: str, project: Project) -> Problem:
    source = path.with_suffix(".in")
    target = project.relative(path)
    given = project.relative(source) if source.exists() else f"{target.removesuffix('.txt')}.in"
    return Problem(
        f'requirement "{line}" names no exact version: the bundle would depend on the day it is made',
        where,
        f"list what you want in {given}, then: uv pip compile {given} -o {target}",
    )
