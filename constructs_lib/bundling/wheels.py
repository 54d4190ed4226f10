"""Installs the wheels of a requirements.txt for the machine a function runs on, once, with uv."""

from __future__ import annotations

import csv
import email.parser
import json
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import uv

from constructs_lib.bundling.cache import TreeFile
from constructs_lib.bundling.fingerprint import digest_of
from constructs_lib.bundling.machine import Machine
from constructs_lib.bundling.project import Project
from constructs_lib.bundling.python_requirements import Pin, Requirements, extras_in, normalized
from constructs_lib.problem import BundlingError, Problem

FORMAT = 2  # of the trees; a change makes every kept one unread
# Amazon Linux 2023, of Python 3.12 and later, has glibc 2.34; Amazon Linux 2 has 2.26, and 2.17 is the next tag below.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
AL2023_SINCE = (3, 12)

TESTS = "tests"
DROPPED_FOLDERS = frozenset({"__pycache__", TESTS})
DROPPED_SUFFIXES = frozenset({".pyi", ".pyc", ".pth"})
# What differs by machine, or says how it was installed: no program reads it.
DROPPED_METADATA = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"})

_NO_WHEEL = re.compile(r"Because (?P<name>[\w.-]+)==(?P<version>\S+) has no (?:usable )?wheels")
_NOT_FOUND = re.compile(r"Because (?P<name>[\w.-]+) was not found in the package registry")
_NO_VERSION = re.compile(r"there is no version of (?P<name>[\w.-]+)==(?P<version>[^\s,]+)")
_OFFLINE = re.compile(r"network was disabled|[Ff]ailed to fetch|error sending request|dns error|[Cc]ould not connect")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_IMPORTS_TESTS = re.compile(rb"""^[ \t]*(?:from|import)\s[^#\n]*\btests\b|["'][\w.]*\.tests\b""", re.MULTILINE)
_IMPORTS_TOP_TESTS = re.compile(rb"^[ \t]*(?:from|import)\s+tests\b", re.MULTILINE)


@dataclass(frozen=True)
class Distribution:
    """One installed distribution.

    Args:
        name: Normalized.
        version: What its metadata says.
        files: The names of its files that are kept.
        requires: The normalized names of what it requires, without its extras.
    """

    name: str
    version: str
    files: frozenset[str]
    requires: frozenset[str]

    @property
    def modules(self) -> frozenset[str]:
        """The top-level modules it brings."""
        return frozenset(
            name.partition("/")[0].partition(".")[0] for name in self.files if ".dist-info/" not in name and "." in name
        )


@dataclass(frozen=True)
class Installed:
    """A folder of installed distributions."""

    tree: dict[str, TreeFile]
    distributions: tuple[Distribution, ...]


def install_wheels(
    requirements: Requirements, python: tuple[int, int], machine: Machine, without: Iterable[str], project: Project
) -> Installed:
    """Return what the requirements install, from the cache if they ever did.

    Args:
        requirements: Pins all that is wanted.
        python: The version of the function's Python.
        machine: Where the function runs.
        without: Distributions that are left out even where others require them.
        project: Its cache keeps what was installed.

    Raises:
        BundlingError: A distribution has no wheel for the machine, or is not pinned, or cannot be fetched.
    """
    left_out = frozenset(without)
    pins = [pin for pin in requirements.pins if pin.name not in left_out]
    settings = [
        *("uv", FORMAT, sorted(pin.text for pin in pins), sorted(left_out)),
        sorted(option.replace(str(project.folder), ".") for option in requirements.options),
        [digest_of(path.read_bytes()) for path in requirements.files],
        *(list(python), machine.system, machine.cpu, machine.libc, platform_flag(python, machine)),
    ]
    key = digest_of(json.dumps(settings).encode())
    tree, record = project.cache.tree(key), project.cache.record(key)
    if tree is None or record is None:
        with project.cache.scratch() as folder:
            target = folder / "target"
            _uv_install(requirements, pins, left_out, target, onto=(python, machine), project=project)
            distributions = _distributions(target, pins)
            _refuse_unpinned(distributions, requirements, project)
            _refuse_overlaps(distributions, target, requirements)
            _drop(target)
            tree = project.cache.keep_tree(key, target)
            record = {
                one.name: [one.version, sorted(one.files & tree.keys()), sorted(one.requires)] for one in distributions
            }
            project.cache.keep_record(key, record)
    return Installed(
        tree,
        tuple(
            Distribution(name, version, frozenset(files), frozenset(requires))
            for name, (version, files, requires) in record.items()
        ),
    )


def platform_flag(python: tuple[int, int], machine: Machine) -> list[str]:
    """Return uv's name for Lambda's machine; this machine needs none."""
    if not machine.is_lambda:
        return []
    cpu = "aarch64" if machine.cpu == "arm64" else "x86_64"
    return [f"--python-platform={cpu}-manylinux_2_{34 if python >= AL2023_SINCE else 17}"]


def _uv_install(
    requirements: Requirements,
    pins: list[Pin],
    left_out: frozenset[str],
    target: Path,
    *,
    onto: tuple[tuple[int, int], Machine],
    project: Project,
) -> None:
    python, machine = onto
    target.mkdir()
    if not pins:
        return
    wanted = target.parent / "requirements.txt"
    wanted.write_text("\n".join([*requirements.options, *(pin.text for pin in pins)]) + "\n", "utf-8")
    overrides = target.parent / "overrides.txt"
    # A requirement under a condition that never holds is uv's way to leave a distribution out of a resolution.
    overrides.write_text("".join(f'{name} ; python_version < "0"\n' for name in sorted(left_out)), "utf-8")
    where = project.relative(requirements.path)
    argv = [
        _uv(where),
        *("pip", "install", f"--target={target}", f"--requirement={wanted}", f"--overrides={overrides}"),
        *(f"--python={sys.executable}", "--no-python-downloads", f"--python-version={python[0]}.{python[1]}"),
        *platform_flag(python, machine),
        *("--only-binary=:all:", "--link-mode=copy", "--no-progress", "--color=never"),
    ]
    done = project.launcher(argv, cwd=requirements.path.parent)
    if done.returncode != 0:
        raise BundlingError(_failure(done.stderr, requirements, machine, project))


def _uv(where: str) -> str:
    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise BundlingError(Problem("uv is not installed", where, "pip install uv")) from error


def _failure(stderr: str, requirements: Requirements, machine: Machine, project: Project) -> Problem:
    said = " ".join(stderr.split())

    def place(name: str) -> str:
        pin = requirements.pin_of(normalized(name))
        return pin.where if pin is not None else project.relative(requirements.path)

    no_wheel = _NO_WHEEL.search(said)
    if no_wheel is not None:
        name = no_wheel["name"]
        return Problem(
            f"{name} {no_wheel['version']} has no wheel for {machine.name}",
            place(name),
            f"pin a version of {name} that has one, or put it in a Lambda layer built elsewhere",
        )
    unknown = _NO_VERSION.search(said) or _NOT_FOUND.search(said)
    if unknown is not None:
        return Problem(
            f"{unknown[0].removeprefix('Because ')}", place(unknown["name"]), "correct the name or the version"
        )
    if _OFFLINE.search(said):
        return Problem(
            "the package registry cannot be reached, and not everything is cached yet",
            project.relative(requirements.path),
            "connect once; the result is cached",
        )
    cause = said.partition("cause: ")[2].partition(" hint: ")[0]
    reason = cause or said.rpartition("error: ")[2]
    named = next((pin for pin in requirements.pins if re.search(rf"\b{re.escape(pin.name)}==", reason)), None)
    return Problem(
        f"uv cannot install the requirements: {reason.rstrip('.')}",
        named.where if named is not None else project.relative(requirements.path),
        "uv pip compile, so that the versions agree",
    )


def _distributions(target: Path, pins: list[Pin]) -> list[Distribution]:
    infos = sorted(target.glob("*.dist-info"))
    headers = [email.parser.BytesHeaderParser().parsebytes((info / "METADATA").read_bytes()) for info in infos]
    needs = [[line.strip() for line in header.get_all("Requires-Dist", [])] for header in headers]
    extras: dict[str, set[str]] = {}
    for pin in pins:
        extras.setdefault(pin.name, set()).update(pin.extras)
    for line in (line for lines in needs for line in lines):
        extras.setdefault(_name_in(line), set()).update(extras_in(line))
    found = []
    for info, header, lines in zip(infos, headers, needs, strict=True):
        name = normalized(str(header["Name"]))
        wanted = extras.get(name, set())
        requires = frozenset(_name_in(line) for line in lines if _is_asked_for(line, wanted))
        names = frozenset(one for one in _recorded(info) if (target / one).is_file())
        found.append(Distribution(name, str(header["Version"]), names, requires))
    return found


def _name_in(requirement: str) -> str:
    return normalized(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])


def _is_asked_for(requirement: str, extras: set[str]) -> bool:
    named = {normalized(extra) for extra in _EXTRA.findall(requirement)}
    return not named or bool(named & extras)


def _recorded(info: Path) -> dict[str, str]:
    """Return the files a distribution says it brings, each with the hash of its content."""
    rows = csv.reader((info / "RECORD").read_text("utf-8").splitlines())
    return {row[0]: row[1] for row in rows if len(row) > 1}


def _refuse_overlaps(distributions: list[Distribution], target: Path, requirements: Requirements) -> None:
    """Refuse two distributions that bring different content for one file: uv installs in no certain order."""
    brought: dict[str, tuple[str, str]] = {}
    problems = []
    for one, info in zip(distributions, sorted(target.glob("*.dist-info")), strict=True):
        for name, digest in _recorded(info).items():
            other, same = brought.setdefault(name, (one.name, digest))
            pin = requirements.pin_of(one.name)
            if same != digest and not _is_dropped(Path(name)) and not name.startswith("bin/") and pin is not None:
                what = f"{other} and {one.name} both bring {name}, and the bundle can only hold one of the two"
                problems.append(Problem(what, pin.where, "remove one of the two from the requirements"))
                break
    if problems:
        raise BundlingError(*problems)


def _refuse_unpinned(distributions: list[Distribution], requirements: Requirements, project: Project) -> None:
    unpinned = sorted(one.name for one in distributions if requirements.pin_of(one.name) is None)
    if unpinned:
        path = project.relative(requirements.path)
        raise BundlingError(
            Problem(
                f"{path} does not pin all it installs; missing: {', '.join(unpinned)}",
                path,
                f"uv pip compile {path.removesuffix('.txt')}.in -o {path}",
            )
        )


def _drop(target: Path) -> None:
    shutil.rmtree(target / "bin", ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)
    with_tests = _that_import_tests(target)
    for path in sorted(target.rglob("*"), reverse=True):
        inside = path.relative_to(target)
        if path.is_dir() and path.name in DROPPED_FOLDERS - ({TESTS} if inside.parts[0] in with_tests else set()):
            shutil.rmtree(path)
        elif path.is_file() and _is_dropped(inside):
            path.unlink()


def _is_dropped(path: Path) -> bool:
    metadata = path.parent.name.endswith(".dist-info") and path.name in DROPPED_METADATA
    return metadata or path.suffix in DROPPED_SUFFIXES


def _that_import_tests(target: Path) -> set[str]:
    """Return the top-level packages whose own code needs their folders named tests."""
    found = set()
    for path in target.rglob("*.py"):
        parts = path.relative_to(target).parts
        if TESTS not in parts and parts[0] not in found and _IMPORTS_TESTS.search(path.read_bytes()):
            found.add(parts[0])
    return found | ({TESTS} if any(_IMPORTS_TOP_TESTS.search(p.read_bytes()) for p in target.rglob("*.py")) else set())
