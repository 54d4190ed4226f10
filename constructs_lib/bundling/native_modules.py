"""Installs the npm packages with native code that a bundle leaves outside, for the machine it will run on."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from constructs_lib.bundling.cache import TreeFile
from constructs_lib.bundling.fingerprint import digest_of
from constructs_lib.bundling.machine import Machine
from constructs_lib.bundling.npm_lock import NpmLock, is_platform_package, runs_on
from constructs_lib.bundling.project import Project
from constructs_lib.problem import BundlingError, Problem

# What npm writes for itself, and what differs from one registry or machine to another.
DROPPED = ("node_modules/.package-lock.json", "node_modules/.bin")


def install_natives(
    lock: NpmLock, roots: list[str], machine: Machine, project: Project, where: str
) -> dict[str, TreeFile]:
    """Return the files of a node_modules folder with just these packages, at exactly the lock's versions.

    Args:
        lock: The project's lock.
        roots: Locations in the lock of the packages wanted.
        machine: Where they will run.
        project: Its cache keeps what was installed.
        where: The entry that asks, for messages.

    Raises:
        BundlingError: A package has no build for the machine, or npm fails.
    """
    subset = lock.subset(roots, machine)
    for root in roots:
        _refuse_without_build(lock, root, machine, where)
    wanted = {_name(root): lock.packages[root]["version"] for root in roots}
    stable = {
        location: {key: value for key, value in package.items() if key != "resolved"}
        for location, package in subset.items()
    }
    key = digest_of(
        json.dumps(["npm", 1, wanted, stable, machine.system, machine.cpu, machine.libc], sort_keys=True).encode()
    )
    kept = project.cache.tree(key)
    if kept is not None:
        return kept
    with project.cache.scratch() as folder:
        _npm_ci(folder, wanted=wanted, subset=subset, machine=machine, project=project, where=where)
        for name in DROPPED:
            path = folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        _refuse_unbuilt(folder, wanted, subset, machine, where)
        with project.cache.scratch() as tree:
            (folder / "node_modules").rename(tree / "node_modules")
            return project.cache.keep_tree(key, tree)


def _npm_ci(
    folder: Path, *, wanted: dict[str, str], subset: dict[str, Any], machine: Machine, project: Project, where: str
) -> None:
    package = {"name": "native-modules", "version": "1.0.0", "private": True, "dependencies": wanted}
    lock = {
        "name": "native-modules",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "requires": True,
        "packages": {"": package, **subset},
    }
    (folder / "package.json").write_text(json.dumps(package), "utf-8")
    (folder / "package-lock.json").write_text(json.dumps(lock), "utf-8")
    argv = [
        *_npm(where),
        "ci",
        "--ignore-scripts",
        "--omit=dev",
        "--prefer-offline",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--loglevel=error",
        f"--os={machine.system}",
        f"--cpu={machine.cpu}",
        *([f"--libc={machine.libc}"] if machine.libc else []),
    ]
    done = project.launcher(argv, cwd=folder)
    if done.returncode != 0:
        said = [line.removeprefix("npm error").strip() for line in done.stderr.splitlines() if "npm error" in line]
        reason = next((line for line in said if line and not line.startswith("code ")), "it said nothing")
        code = next((line.removeprefix("code ") for line in said if line.startswith("code ")), "")
        offline = code in {"ENOTFOUND", "ECONNREFUSED", "ENOTCACHED", "EAI_AGAIN", "ETIMEDOUT", "ECONNRESET"}
        raise BundlingError(
            Problem(
                f"npm cannot install {', '.join(sorted(wanted))} for {machine.name}: {reason}",
                where,
                "connect to the npm registry once; the result is cached"
                if offline
                else "npm install, so that package-lock.json agrees with package.json",
            )
        )


def _npm(where: str) -> list[str]:
    beside = shutil.which("npm", path=str(Path(sys.executable).parent))
    found = beside if beside is not None else shutil.which("npm")
    if found is None:
        raise BundlingError(
            Problem(
                f"npm is needed to install native code (searched: {Path(sys.executable).parent.name}, PATH)",
                where,
                "pip install 'constructs-lib[node]', or install Node",
            )
        )
    return [found]


def _refuse_without_build(lock: NpmLock, root: str, machine: Machine, where: str) -> None:
    name, package = _name(root), lock.packages[root]
    missing = lock.missing_builds(root, machine)
    if missing:
        flags = f"--os={machine.system} --cpu={machine.cpu}" + (f" --libc={machine.libc}" if machine.libc else "")
        raise BundlingError(
            Problem(
                f"package-lock.json lacks the builds of {name} for {machine.name}: {', '.join(missing)}",
                where,
                f"npm install --package-lock-only {flags} {name}@{package['version']}",
            )
        )
    places = [lock.locate(need, root) for need in package.get("optionalDependencies", {})]
    builds = [
        lock.packages[place] for place in places if place is not None and is_platform_package(lock.packages[place])
    ]
    if not runs_on(package, machine) or (builds and not any(runs_on(build, machine) for build in builds)):
        raise BundlingError(
            Problem(
                f"{name} {package['version']} has no build for {machine.name}",
                where,
                "set the function's architecture to one it is built for, or use another package",
            )
        )


def _refuse_unbuilt(folder: Path, wanted: dict[str, str], subset: dict[str, Any], machine: Machine, where: str) -> None:
    """Refuse packages that compile themselves when they are installed: that would be for this machine."""
    absent = [location for location in subset if not (folder / location).is_dir()]
    if absent:
        raise BundlingError(
            Problem(
                f"npm did not install {', '.join(absent)} for {machine.name}", where, "remove node_modules; npm install"
            )
        )
    for name, version in wanted.items():
        home = folder / "node_modules" / name
        if (home / "binding.gyp").exists() and not _has_prebuild(home, machine):
            # An optional platform package may hold the build instead; then the package itself needs none.
            package = subset.get(f"node_modules/{name}", {})
            if any(f"node_modules/{need}" in subset for need in package.get("optionalDependencies", {})):
                continue
            raise BundlingError(
                Problem(
                    f"{name} {version} is compiled when installed, and brings no build for {machine.name}",
                    where,
                    "use a package with prebuilt binaries, or put one in a Lambda layer",
                )
            )


def _has_prebuild(home: Path, machine: Machine) -> bool:
    return any((home / "prebuilds").glob(f"{machine.system}-{machine.cpu}*/*.node"))


def _name(location: str) -> str:
    return location.rpartition("node_modules/")[2]
