"""Bundles TypeScript and JavaScript handlers: one esbuild process for all of them, one self-contained file for each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from constructs_lib.bundling.asset import Asset, AssetFile, file_at
from constructs_lib.bundling.esbuild import Esbuild, flags_for, key_of_flags
from constructs_lib.bundling.fingerprint import Files, digest_of
from constructs_lib.bundling.include import included_files
from constructs_lib.bundling.machine import Machine, lambda_machine
from constructs_lib.bundling.native_modules import install_natives
from constructs_lib.bundling.node_handler import handler_problem
from constructs_lib.bundling.npm_lock import NpmLock
from constructs_lib.bundling.package_json import json_in
from constructs_lib.bundling.project import Project
from constructs_lib.bundling.resolution import Resolution
from constructs_lib.problem import BundlingError, Problem

FORMAT = 3  # of the cache records; a change makes every kept one unread

LAMBDA_ON_ARM64 = lambda_machine("arm64")

# Packages that read the SDK's default chain on nobody's behalf: their clients get the reduced one.
SDK_CLIENTS = ("/node_modules/@aws-sdk/client-", "/node_modules/@aws-sdk/nested-clients/")


@dataclass(frozen=True)
class NodeEntry:
    """One Node function to bundle.

    Args:
        path: The entry file.
        handler: The name of the export Lambda calls.
        target: The runtime, as esbuild names it: node24.
        machine: Where native code will run.
        include: Globs of further files, relative to the entry's folder; they keep their paths beside index.js.
        source_map: Whether to make a source map.
        credentials: Where the SDK's default credentials come from: "environment", or the whole "chain".
    """

    path: Path
    handler: str = "handler"
    target: str = "node24"
    machine: Machine = LAMBDA_ON_ARM64
    include: tuple[str, ...] = ()
    source_map: bool = False
    credentials: Literal["environment", "chain"] = "environment"


@dataclass
class _Job:
    """An entry with what its result depends on before anything is read."""

    entry: NodeEntry
    source: str
    esbuild: Esbuild
    lock: NpmLock | None
    natives: tuple[str, ...]
    key: str = ""
    record: dict[str, Any] | None = None

    def flags(self, *, environment_credentials: bool) -> list[str]:
        return flags_for(
            self.entry.target,
            natives=self.natives,
            source_map=self.entry.source_map,
            environment_credentials=environment_credentials,
        )


def bundle_node(entries: Sequence[NodeEntry], project: Project) -> list[Asset]:
    """Bundle entries, in one esbuild process for all that share their settings; none at all if nothing changed.

    Raises:
        BundlingError: With every failure of the run.
    """
    if not entries:
        return []
    locks: dict[Path, tuple[NpmLock | None, tuple[str, ...]]] = {}
    jobs = [_job(entry, project, locks) for entry in entries]
    for job in jobs:
        job.record = _valid(project.cache.record(job.key), project)
    _build([job for job in jobs if job.record is None], project)
    problems: list[Problem] = []
    assets = []
    for job in jobs:
        try:
            assets.append(_asset(job, project))
        except BundlingError as error:
            problems.extend(error.problems)
    if problems:
        raise BundlingError(*dict.fromkeys(problems))
    return assets


def _job(entry: NodeEntry, project: Project, locks: dict[Path, tuple[NpmLock | None, tuple[str, ...]]]) -> _Job:
    folder = entry.path.parent
    if folder not in locks:
        lock = NpmLock.near(entry.path, project.folder)
        locks[folder] = (lock, tuple(lock.native_packages()) if lock is not None else ())
    lock, natives = locks[folder]
    job = _Job(entry, project.relative(entry.path), Esbuild.near(entry.path, project), lock, natives)
    flags = key_of_flags(job.flags(environment_credentials=entry.credentials == "environment"))
    settings = [FORMAT, job.esbuild.version, flags, job.source, entry.handler, entry.include]
    job.key = digest_of(json.dumps(settings).encode())
    return job


def _valid(record: dict[str, Any] | None, project: Project) -> dict[str, Any] | None:
    """Return the record if the disk still holds what it was made from, and the cache what came out."""
    try:
        if record is None or not project.cache.snapshot_holds(record["snapshot"], str(project.folder), project.files):
            return None
        blobs = [record["index.js"], *([record["map"]] if record["map"] is not None else [])]
    except (KeyError, TypeError, AttributeError):
        return None
    return record if all(project.cache.blob(blob) is not None for blob in blobs) else None


def _build(jobs: Sequence[_Job], project: Project) -> None:
    """Bundle what is not in the cache."""
    if not jobs:
        return
    project.cache.sweep()
    problems: list[Problem] = []
    for group in _groups(jobs, chain=False):
        try:
            whole_chain = _run(group, project, chain=False)
            for again in _groups(whole_chain, chain=True):
                _run(again, project, chain=True)
        except BundlingError as error:
            problems.extend(error.problems)
    if problems:
        raise BundlingError(*dict.fromkeys(problems))


def _groups(jobs: Iterable[_Job], *, chain: bool) -> list[list[_Job]]:
    groups: dict[tuple[str, ...], list[_Job]] = {}
    for job in jobs:
        environment = job.entry.credentials == "environment" and not chain
        key = (str(job.esbuild.binary), *job.flags(environment_credentials=environment))
        groups.setdefault(key, []).append(job)
    return list(groups.values())


def _run(jobs: Sequence[_Job], project: Project, *, chain: bool) -> list[_Job]:
    """Run esbuild once and record the results; return the jobs that need the whole credential chain after all."""
    sources = list(dict.fromkeys(job.source for job in jobs))
    flags = jobs[0].flags(environment_credentials=jobs[0].entry.credentials == "environment" and not chain)
    moment = project.cache.moment_ns()
    again: list[_Job] = []
    problems: list[Problem] = []
    with project.cache.scratch() as outdir:
        metafile, warnings = jobs[0].esbuild.build(sources, flags, outdir, project)
        project.files = Files()  # read the disk after esbuild did, never before
        resolution = Resolution(metafile, project)
        outputs = {
            name.rpartition("/")[0].rpartition("/")[2]: output
            for name, output in metafile["outputs"].items()
            if name.endswith("/index.js")
        }
        for job in jobs:
            index = str(sources.index(job.source))
            output = outputs[index]
            inputs = resolution.reachable([output["entryPoint"], *output["inputs"]])
            explicit = [name for name in resolution.importers_of_shim(inputs) if not _is_sdk_client(name)]
            if explicit:
                again.append(job)
                continue
            bundle = (outdir / index / "index.js").read_bytes()
            entry_point = output["entryPoint"]
            problem = handler_problem(job.entry.handler, entry_point, bundle.decode(), metafile["inputs"], project)
            if problem is not None:
                problems.append(problem)
                continue
            snapshot = resolution.snapshot(inputs, job.source, str(job.lock.path) if job.lock is not None else None)
            externals = sorted({found["path"] for found in output["imports"] if found.get("external")})
            job.record = {
                "snapshot": project.cache.keep_snapshot(snapshot),
                "index.js": project.cache.keep_blob(bundle),
                "map": _keep_map(outdir / index, project) if job.entry.source_map else None,
                "notes": [note for name in inputs if not _is_installed(name) for note in warnings.get(name, ())],
                "natives": _native_roots(job, externals, inputs, metafile["inputs"], project),
            }
            if snapshot.complete and not snapshot.changed_since(str(project.folder), moment):
                project.cache.keep_record(job.key, job.record)
    if problems:
        raise BundlingError(*problems)
    return again


def _is_installed(name: str) -> bool:
    return "node_modules/" in name  # what a package does is not the user's to mend


def _is_sdk_client(name: str) -> bool:
    return any(part in f"/{name}" for part in SDK_CLIENTS)


def _keep_map(folder: Path, project: Project) -> str:
    """Keep the source map, with its sources named as seen from the project rather than from a scratch folder."""
    content = json.loads((folder / "index.js.map").read_bytes())
    content["sources"] = [project.relative(os.path.normpath(folder / source)) for source in content["sources"]]
    return project.cache.keep_blob(json.dumps(content, separators=(",", ":")).encode())


def _native_roots(
    job: _Job, externals: Sequence[str], inputs: Sequence[str], known: dict[str, Any], project: Project
) -> list[str]:
    """Return the locations in the lock of the native packages a bundle asks for."""
    if job.lock is None:
        return []
    roots: dict[str, set[str]] = {}
    for name in inputs:
        for found in known[name]["imports"]:
            package = _native_of(found["path"], job.natives) if found.get("external") else None
            if package is not None and found["path"] in externals:
                importer = os.path.relpath(project.folder / name, job.lock.path.parent).replace(os.sep, "/")
                place = job.lock.locate(package, importer.rpartition("/")[0])
                if place is not None:
                    roots.setdefault(package, set()).add(place)
    for package, places in roots.items():
        versions = sorted({job.lock.packages[place]["version"] for place in places})
        if len(versions) > 1:
            raise BundlingError(
                Problem(
                    f"{package} is needed in two versions: {', '.join(versions)}; native code stays outside the bundle,"
                    " where only one fits",
                    job.source,
                    f"npm install {package}@{versions[-1]}, and overrides in package.json for the rest",
                )
            )
    return sorted(min(places) for places in roots.values())


def _native_of(wanted: str, natives: Sequence[str]) -> str | None:
    return next((name for name in natives if wanted == name or wanted.startswith(f"{name}/")), None)


def _asset(job: _Job, project: Project) -> Asset:
    record = job.record
    if record is None:
        raise AssertionError(f"{job.source} was neither cached nor built")
    files = {"index.js": _from_blob(record["index.js"], project)}
    if record["natives"] and job.lock is not None:
        tree = install_natives(job.lock, record["natives"], job.entry.machine, project, job.source)
        files |= {
            name: AssetFile(file.digest, cached=file.path, executable=file.executable) for name, file in tree.items()
        }
    files |= _included(job, project, files)
    source_map = project.cache.blob(record["map"]) if record["map"] is not None else None
    return Asset(files, source_map, tuple(record["notes"]), tuple(record["snapshot"]))


def _from_blob(digest: str, project: Project) -> AssetFile:
    content = project.cache.blob(digest)
    if content is None:
        raise BundlingError(
            Problem("a bundled file left the cache while it was used", str(project.cache.folder.name), "run it again")
        )
    return AssetFile(digest, content)


def _included(job: _Job, project: Project, taken: Iterable[str]) -> dict[str, AssetFile]:
    """Return the files the user wants beside index.js, where they must not keep it from being loaded.

    Lambda looks for "index" before "index.js"; a package.json may make index.js an ES module, which it is not.
    """
    folder = job.entry.path.parent
    names = included_files(folder, job.entry.include, project, job.source)
    files = {name: file_at(folder / name) for name in names}
    problems = [
        Problem(
            f"include takes {project.relative(folder / name)} along, where the bundle has its own {reserved}",
            job.source,
            "narrow the pattern, or rename the file",
        )
        for name in sorted(files)
        for reserved in sorted({*taken, "index"})
        if name == reserved
    ]
    package = json_in(str(folder / "package.json")) if "package.json" in files else None
    if package is not None and package.get("type") == "module":
        problems.append(
            Problem(
                'include takes a package.json of "type": "module" along: index.js is CommonJS, and would not load',
                project.relative(folder / "package.json"),
                "leave it out of include, and import what you need of it: the import is bundled",
            )
        )
    if problems:
        raise BundlingError(*problems)
    return files
