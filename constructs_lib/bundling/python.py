"""Bundles Python handlers: the local files they import, and wheels for the machine they run on."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from constructs_lib.bundling.asset import Asset, AssetFile, file_at
from constructs_lib.bundling.fingerprint import Snapshot, digest_of
from constructs_lib.bundling.include import included_files
from constructs_lib.bundling.machine import Machine
from constructs_lib.bundling.nearest import nearest
from constructs_lib.bundling.own_runtime import (
    NEEDS,
    ONLY_THE_RUNTIME,
    PACKAGE,
    is_runtime,
    needs_of_runtime,
    runtime_digest,
    runtime_files,
)
from constructs_lib.bundling.project import Project
from constructs_lib.bundling.python_imports import Closure, Import, LocalImports, standard_library
from constructs_lib.bundling.python_names import defined_names
from constructs_lib.bundling.python_requirements import Requirements, one_more, read_requirements
from constructs_lib.bundling.wheels import Distribution, Installed, install_wheels
from constructs_lib.problem import BundlingError, Problem

FORMAT = 3  # of the cache records; a change makes every kept one unread
ROOT_MARKS = ("requirements.txt", "pyproject.toml")

# What every Python runtime brings, see docs/decisions/python-runtime-sdk.md.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html#python-sdk-included
RUNTIME_SDK = frozenset({"boto3", "botocore", "s3transfer"})
RUNTIME_SDK_NEEDS = frozenset({"jmespath", "python-dateutil", "six", "urllib3"})
RUNTIME_MODULES = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"})
RUNTIME_MODULES_OF_AWS = frozenset({"awslambdaric", "snapshot_restore_py"})


@dataclass(frozen=True)
class PythonEntry:
    """One Python function to bundle.

    Args:
        path: The entry file.
        machine: Where it will run.
        handler: The name of the function Lambda calls.
        python: The version of the function's Python.
        include: Globs of further files, relative to the root; they keep their paths.
        bundle_sdk: Whether boto3 and its kin go into the bundle, although the runtime brings them.
    """

    path: Path
    machine: Machine
    handler: str = "handler"
    python: tuple[int, int] = (3, 14)
    include: tuple[str, ...] = ()
    bundle_sdk: bool = False


def root_of(entry: Path, project_folder: Path) -> Path:
    """Return the folder that becomes /var/task: the nearest above the entry that holds requirements.

    The project's own folder is not looked at: its requirements.txt is that of the CDK app.
    """
    for folder in entry.parents:
        if folder == project_folder or folder in project_folder.parents:
            break
        if any((folder / mark).is_file() for mark in ROOT_MARKS):
            return folder
    return entry.parent


def module_of(entry: Path, root: Path) -> str:
    """Return the name Lambda imports an entry by."""
    return ".".join(entry.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def refuse_unimportable(entry: Path, root: Path, where: str) -> None:
    """Refuse an entry that no module name leads to, since a dot in it would be read as a step into a package.

    Raises:
        BundlingError: Its file, or a folder between it and the root, has a dot in its name.
    """
    for part in entry.relative_to(root).with_suffix("").parts:
        if "." in part:
            name = part if part != entry.stem else entry.name
            better = part.replace(".", "_") + ("" if part != entry.stem else entry.suffix)
            raise BundlingError(
                Problem(f'Lambda cannot import "{name}": it has a dot in it', where, f"rename it {better}")
            )


def bundle_python(entries: Sequence[PythonEntry], project: Project) -> list[Asset]:
    """Bundle entries; uv runs once for all that share their requirements, and not at all if nothing changed.

    Raises:
        BundlingError: With every failure of the run.
    """
    assets: list[Asset] = []
    problems: list[Problem] = []
    for entry in entries:
        try:
            assets.append(_bundle(entry, project))
        except BundlingError as error:
            problems.extend(error.problems)
    if problems:
        raise BundlingError(*dict.fromkeys(problems))
    return assets


def _bundle(entry: PythonEntry, project: Project) -> Asset:
    root = root_of(entry.path, project.folder)
    source = project.relative(entry.path)
    refuse_unimportable(entry.path, root, source)
    python = entry.python if entry.machine.is_lambda else sys.version_info[:2]
    requirements, seen = _requirements(entry, root, project)
    without = frozenset() if entry.bundle_sdk else RUNTIME_SDK
    installed = (
        install_wheels(requirements, python, entry.machine, without, project)
        if requirements is not None
        else Installed({}, ())
    )
    settings = [FORMAT, source, project.relative(root), entry.handler, entry.include, entry.bundle_sdk]
    settings += [list(entry.python), sorted((one.name, one.version) for one in installed.distributions)]
    settings.append(runtime_digest())
    key = digest_of(json.dumps(settings).encode())
    record = _valid(project.cache.record(key), project)
    if record is None:
        record = _record(entry, root, seen, (requirements, installed), project)
        project.cache.keep_record(key, record)
    return _asset(entry, root, record, (requirements, installed))


def _requirements(entry: PythonEntry, root: Path, project: Project) -> tuple[Requirements | None, Snapshot]:
    seen = Snapshot()
    for folder in entry.path.parents:
        for mark in ROOT_MARKS:
            path = folder / mark
            digest = project.files.digest(str(path)) if project.files.exists(str(path)) else None
            if digest is None:
                seen.absent.add(project.relative(path))
            else:
                seen.files[project.relative(path)] = digest
        if folder == root:
            break
    if root == project.folder:
        return None, seen
    if (root / "requirements.txt").is_file():
        requirements = read_requirements(root / "requirements.txt", project)
        for path in requirements.files:
            seen.files[project.relative(path)] = str(project.files.digest(str(path)))
        return requirements, seen
    _refuse_unlocked(root, project)
    return None, seen


def _refuse_unlocked(root: Path, project: Project) -> None:
    pyproject = root / "pyproject.toml"
    if not pyproject.is_file():
        return
    import tomllib  # noqa: PLC0415 - most bundles never need it

    try:
        described = tomllib.loads(pyproject.read_text("utf-8")).get("project", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        kind = "UTF-8" if isinstance(error, UnicodeDecodeError) else "TOML"
        raise BundlingError(
            Problem(f"pyproject.toml is not {kind} ({error})", project.relative(pyproject), "mend the file")
        ) from error
    if not isinstance(described, dict):
        what = f"project in pyproject.toml is {described!r}, not a table"
        raise BundlingError(Problem(what, project.relative(pyproject), "begin the table with a line [project]"))
    declared = described.get("dependencies", [])
    if declared:
        source, target = project.relative(pyproject), project.relative(root / "requirements.txt")
        raise BundlingError(
            Problem(
                f"{source} names dependencies without exact versions: the bundle would depend on the day it is made",
                source,
                f"uv pip compile {source} -o {target}",
            )
        )


def _valid(record: dict[str, Any] | None, project: Project) -> dict[str, Any] | None:
    try:
        if record is None or not project.cache.snapshot_holds(record["snapshot"], str(project.folder), project.files):
            return None
        is_whole = isinstance(record["files"], list) and isinstance(record["kin"], list)
        return record if is_whole and isinstance(record["own_runtime"], bool) else None
    except (KeyError, TypeError, AttributeError):
        return None


def _record(
    entry: PythonEntry,
    root: Path,
    seen: Snapshot,
    dependencies: tuple[Requirements | None, Installed],
    project: Project,
) -> dict[str, Any]:
    """Follow the imports of an entry and refuse those that lead nowhere."""
    _, installed = dependencies
    included = included_files(root, entry.include, project, project.relative(entry.path))
    start = entry.path.relative_to(root).as_posix()
    closure = LocalImports(root, entry.python, project).closure([start, *included])
    seen.add(closure.seen)
    seen.globs.update(
        {f"{project.relative(root)}\0{glob}": project.files.matches(str(root), glob) for glob in entry.include}
    )
    own_runtime = any(is_runtime(found) for found in closure.outside)
    needed = needs_of_runtime(closure.outside)
    closure.outside[:] = [found for found in closure.outside if not is_runtime(found)] + needed
    imported = {found.module.partition(".")[0] for found in closure.outside}
    kept = _kept(entry, installed, imported)
    problems = [*closure.problems, *_unknown_imports(entry, root, closure, kept, project)]
    if not closure.problems:
        problems += _missing_handler(entry, closure.files[start], project)
    problems += _clashes(closure, kept, root, project)
    if problems:
        raise BundlingError(*dict.fromkeys(problems))
    return {
        "snapshot": project.cache.keep_snapshot(seen),
        "files": sorted(closure.files),
        "kin": sorted(one.name for one in kept),
        "own_runtime": own_runtime,
    }


def _clashes(closure: Closure, kept: list[Distribution], root: Path, project: Project) -> list[Problem]:
    """Refuse local files that a distribution would replace or hide: a package wins over a module of its name."""
    brought = {name for one in kept for name in one.files}
    problems = []
    for name in sorted(closure.files):
        package = f"{name.removesuffix('.py')}/__init__.py"
        module = f"{name.removesuffix('/__init__.py')}.py"
        for other in (
            name,
            *([package] if name.endswith(".py") else []),
            *([module] if module != f"{name}.py" else []),
        ):
            if other in brought:
                what = (
                    f"{name} is also a file of a distribution"
                    if other == name
                    else f"{name} and {other} of a distribution are one module to Python"
                )
                problems.append(Problem(what, project.relative(root / name), "rename the file"))
    return problems


def _kept(entry: PythonEntry, installed: Installed, imported: set[str]) -> list[Distribution]:
    """Return the distributions that go into the bundle.

    What only the SDK needs stays out with it: it is there for the runtime's own copy.
    """
    if entry.bundle_sdk:
        return list(installed.distributions)
    by_name = {one.name: one for one in installed.distributions}
    waiting = [one for one in installed.distributions if one.name not in RUNTIME_SDK_NEEDS or one.modules & imported]
    kept: dict[str, Distribution] = {}
    while waiting:
        one = waiting.pop()
        if one.name not in kept:
            kept[one.name] = one
            waiting.extend(by_name[name] for name in one.requires if name in by_name)
    return sorted(kept.values(), key=lambda one: one.name)


def _unknown_imports(
    entry: PythonEntry, root: Path, closure: Closure, kept: list[Distribution], project: Project
) -> list[Problem]:
    brought = frozenset[str]().union(*(one.modules for one in kept))
    known = standard_library(entry.python) | RUNTIME_MODULES | RUNTIME_MODULES_OF_AWS | brought
    problems = []
    for found in closure.outside:
        top = found.module.partition(".")[0]
        if found.optional or top in known:
            if not found.optional and top in brought and "tests" in found.module.split("."):
                problems += _left_out_tests(found, kept)
            continue
        problems.append(
            Problem(f'"{found.module}" is not installed', found.where, _fix(found, entry, root, known, project))
        )
    return problems


def _left_out_tests(found: Import, kept: list[Distribution]) -> list[Problem]:
    place = found.module.replace(".", "/")
    if any(name in one.files for one in kept for name in (f"{place}.py", f"{place}/__init__.py")):
        return []
    what = f'"{found.module}" is not in the bundle: folders named tests are left out'
    return [Problem(what, found.where, "copy what you need of it to your own code")]


def _fix(found: Import, entry: PythonEntry, root: Path, known: frozenset[str], project: Project) -> str:
    top = found.module.partition(".")[0]
    if top == PACKAGE:
        return ONLY_THE_RUNTIME
    if top == NEEDS:
        return one_more("aws-lambda-powertools", root / "requirements.txt", project)
    for beside in (entry.path.parent / f"{top}.py", entry.path.parent / top):
        if beside.exists() and beside.parent != root:
            package = ".".join(beside.parent.relative_to(root).parts)
            return f'did you mean "from {package} import {top}"? (imports start at {project.relative(root)})'
    meant = nearest(top, known | {path.stem for path in root.glob("*.py")})
    if root == project.folder:
        return "move the entry to a folder with a requirements.txt of its own: this folder's is the CDK app's"
    hint = f' (or did you mean "{meant}"?)' if meant is not None else ""
    return one_more("the distribution that brings it", root / "requirements.txt", project) + hint


def _missing_handler(entry: PythonEntry, content: bytes, project: Project) -> list[Problem]:
    names, more = defined_names(content)
    if more or entry.handler in names:
        return []
    public = sorted(name for name in names if not name.startswith("_"))
    meant = nearest(entry.handler, public)
    fix = f"def {entry.handler}(event, context): ..." + (f', or handler="{meant}"' if meant is not None else "")
    if "." in entry.handler:
        fix = f'handler="{entry.handler.rpartition(".")[2]}": the file is what entry names'
    listed = f"it defines: {', '.join(public)}" if public else "it defines nothing"
    return [Problem(f'no function "{entry.handler}" ({listed})', f"{project.relative(entry.path)}:1:1", fix)]


def _asset(
    entry: PythonEntry,
    root: Path,
    record: dict[str, Any],
    dependencies: tuple[Requirements | None, Installed],
) -> Asset:
    requirements, installed = dependencies
    files: dict[str, AssetFile] = {}
    for one in installed.distributions:
        if one.name in record["kin"]:
            for name in one.files:
                file = installed.tree[name]
                files[name] = AssetFile(file.digest, cached=file.path, executable=file.executable)
    if record["own_runtime"]:
        files |= {name: AssetFile(digest_of(content), content) for name, content in runtime_files().items()}
    for name in record["files"]:
        files[name] = file_at(root / name)
    return Asset(files, notes=_notes(entry, requirements), snapshot=tuple(record["snapshot"]))


def _notes(entry: PythonEntry, requirements: Requirements | None) -> tuple[str, ...]:
    """Say so if the code was locked against an SDK that is not the one it will meet."""
    boto3 = requirements.pin_of("boto3") if requirements is not None and not entry.bundle_sdk else None
    if boto3 is None:
        return ()
    note = f"{boto3.where} pins boto3 {boto3.version}, but the runtime brings its own, whose version AWS chooses"
    return (f"{note}: bundle_sdk=True takes the pinned one along",)
