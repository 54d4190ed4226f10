"""Reads requirements.txt, which must say exactly what is installed."""

from __future__ import annotations

import codecs
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from constructs_lib.bundling.project import Project
from constructs_lib.problem import BundlingError, Problem

_NAME = re.compile(r"^(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?P<rest>.*)$")
_EXTRAS = re.compile(r"^[\w.-]+\s*\[(?P<extras>[^\]]*)\]")
_PIN = re.compile(r"^\(?\s*={2,3}\s*(?P<version>[^\s;,*()]+)\s*\)?\s*(?P<marker>;.*)?$")
_INCLUDE = re.compile(r"^(?:-r|--requirement)[\s=]+(?P<path>\S+)$")
_PATH_OPTION = re.compile(r"^(?P<flag>-c|--constraint|-f|--find-links)[\s=]+(?P<path>.+)$")
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

    @property
    def extras(self) -> frozenset[str]:
        """The extras that are asked for."""
        return extras_in(self.text)


@dataclass(frozen=True)
class Requirements:
    """A requirements.txt, with all the files it includes.

    Args:
        path: The file.
        pins: Its requirements.
        options: Its lines that choose an index or constrain versions, with absolute paths.
        files: The file and every file it includes, constraints too.
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


def extras_in(requirement: str) -> frozenset[str]:
    """Return the extras a requirement asks for, normalized: shop[http,fast]==1.0."""
    found = _EXTRAS.match(requirement)
    return (
        frozenset(normalized(one.strip()) for one in found["extras"].split(",")) if found is not None else frozenset()
    )


def normalized(name: str) -> str:
    """Return a distribution's name in the one spelling all tools agree on."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(path: Path, project: Project, into: tuple[list[Pin], list[str], list[Path], list[Problem]]) -> None:
    pins, _, files, problems = into
    if path in files:
        return
    files.append(path)
    try:
        text = _decoded(path.read_bytes())
    except UnicodeDecodeError as error:
        what = f"{path.name} is not UTF-8 (byte {error.start + 1} is {error.object[error.start]:#04x})"
        problems.append(Problem(what, project.relative(path), "save it as UTF-8"))
        return
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
            _option(line, path, project, into)
        else:
            pin = _pin(line, where)
            if pin is None:
                problems.append(_unpinned(line, path, where, project))
            else:
                pins.append(pin)


def _decoded(data: bytes) -> str:
    """Return a text that may begin with a byte order mark, as what Windows' shells write does."""
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if utf16 else "utf-8-sig")


def _option(
    line: str, path: Path, project: Project, into: tuple[list[Pin], list[str], list[Path], list[Problem]]
) -> None:
    """Take an option over, with the path in it named from anywhere."""
    _, options, files, problems = into
    found = _PATH_OPTION.match(line)
    if found is None:
        options.append(line)
        return
    target = path.parent / found["path"].strip("\"'")
    if found["flag"] in {"-c", "--constraint"}:
        if not target.is_file():
            what = f"{target.name} does not exist, but {project.relative(path)} names it as a constraint"
            problems.append(Problem(what, project.relative(target), "create it, or remove the line that names it"))
            return
        files.append(target)
    options.append(f"{found['flag']} {target.resolve()}" if target.exists() else line)


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


def one_more(what: str, path: Path, project: Project) -> str:
    """Return how a file of exact versions comes to hold one more distribution; none that it holds gets lost."""
    if path.exists() and not path.with_suffix(".in").exists():
        return f"add {what} to {project.relative(path)}, as name==1.2.3"
    return _locked(what, path, project)


def _locked(what: str, path: Path, project: Project) -> str:
    source = path.with_suffix(".in")
    target = project.relative(path)
    given = project.relative(source) if source.exists() else f"{target.removesuffix('.txt')}.in"
    return f"list {what} in {given}, then: uv pip compile {shlex.quote(given)} -o {shlex.quote(target)}"


def _unpinned(line: str, path: Path, where: str, project: Project) -> Problem:
    return Problem(
        f'requirement "{line}" names no exact version: the bundle would depend on the day it is made',
        where,
        _locked("what you want", path, project),
    )
