"""The bundle of a handler, as CDK's Lambda functions want their code."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct, IConstruct

from constructs_lib.bundling.asset import Asset, folder_name
from constructs_lib.bundling.esbuild_errors import NODE_SUFFIXES
from constructs_lib.bundling.fingerprint import digest_of
from constructs_lib.bundling.include import refuse_unusable_patterns
from constructs_lib.bundling.machine import Architecture, Machine, lambda_machine, this_machine
from constructs_lib.bundling.nearest import nearest_file
from constructs_lib.bundling.node import NodeEntry, bundle_node
from constructs_lib.bundling.project import Project
from constructs_lib.bundling.python import PythonEntry, bundle_python, module_of, refuse_unimportable, root_of
from constructs_lib.bundling.sources import write_sources
from constructs_lib.clients_in_handlers.made import METADATA
from constructs_lib.clients_in_handlers.script import made_in_script
from constructs_lib.problem import BundlingError, Problem

BUNDLE_FOR = "constructs-lib:bundle-for"  # context: "lambda", or "this-machine" for the local run
PYTHON_SUFFIXES = frozenset({".py"})
NOTE_ID = "constructs-lib:bundling"

Entry = NodeEntry | PythonEntry


class BundlingOptions(TypedDict, total=False):
    """What may differ in how one function is bundled; see `BundledCode` for meaning and defaults."""

    source_map: bool
    credentials: Literal["environment", "chain"]
    bundle_sdk: bool


class BundledCode(lambda_.Code):
    """The code of one function: bundled when the app is synthesized, together with that of all others.

    Nothing is bundled before synth, and then one esbuild process serves every Node function of the app. What did not
    change since the last synth is taken from `.cache/constructs_lib`.

    Args:
        entry: The handler's file, relative to the folder of cdk.json: TypeScript, JavaScript or Python.
        handler: The name of the function Lambda calls in it.
        runtime: The function's runtime.
        architecture: The function's architecture; native code is taken for it.
        include: Globs of further files that go into the bundle: relative to the entry's folder (Node), or to the
            folder of its requirements.txt (Python). Names that begin with a dot only match where the glob has it.
        source_map: Whether to write a source map (Node). It lies beside the asset in the assembly, not in it.
        credentials: Where an SDK client finds credentials by default (Node): "environment", where Lambda puts them,
            or the whole "chain".
        bundle_sdk: Whether boto3 goes into the bundle, although the runtime brings one (Python).

    Raises:
        BundlingError: The entry does not exist or is not of the runtime's language, or `include` leads elsewhere.

    Example:
        >>> code = BundledCode(
        ...     "lambda_src/greeting/greet.ts",
        ...     runtime=lambda_.Runtime.NODEJS_24_X,
        ...     architecture=lambda_.Architecture.ARM_64,
        ... )
        >>> code.handler
        'index.handler'
    """

    def __init__(
        self,
        entry: str,
        *,
        handler: str = "handler",
        runtime: lambda_.Runtime,
        architecture: lambda_.Architecture,
        include: Sequence[str] = (),
        source_map: bool = False,
        credentials: Literal["environment", "chain"] = "environment",
        bundle_sdk: bool = False,
    ) -> None:
        """Check the entry; bundle nothing yet."""
        super().__init__()
        project = Project.current()
        path = _existing(entry, project)
        refuse_unusable_patterns(include, entry)
        self._architecture: Architecture = "arm64" if architecture.name == "arm64" else "x86_64"
        self._make: Callable[[Machine], Entry]
        if path.suffix in NODE_SUFFIXES:
            target = _version(runtime, "nodejs", entry)
            self.handler = f"index.{handler}"
            # on this machine a map is always made: it is no part of the bundle, and the local run names lines by it
            self._make = lambda machine: NodeEntry(
                path,
                handler,
                f"node{target}",
                machine,
                tuple(include),
                source_map or not machine.is_lambda,
                credentials,
            )
        else:
            major, _, minor = _version(runtime, "python", entry).partition(".")
            root = root_of(path, project.folder)
            refuse_unimportable(path, root, entry)
            self.handler = f"{module_of(path, root)}.{handler}"
            self._make = lambda machine: PythonEntry(
                path, machine, handler, (int(major), int(minor)), tuple(include), bundle_sdk
            )
        self._bound: _Bound | None = None

    def bind(self, scope: Construct) -> lambda_.CodeConfig:
        """Register the entry with its app; the asset's name is known at synth."""
        home = _Home.of(cdk.Stack.of(scope))
        machine = this_machine() if home.for_this_machine else lambda_machine(self._architecture)
        self._bound = _Bound(self._make(machine), home, scope)
        if home.wants_bundles:
            home.bundler.register(self._bound.entry, home.assets)
        return lambda_.CodeConfig(
            s3_location=s3.Location(
                bucket_name=cdk.Lazy.string(_Producer(self._bound.bucket_name)),
                object_key=cdk.Lazy.string(_Producer(self._bound.object_key)),
            )
        )

    def bind_to_resource(self, resource: cdk.CfnResource, *, resource_property: str | None = None) -> None:
        """Name the asset in the resource's metadata, where tools that run functions locally look for it.

        Also the clients that a Node handler makes on every call: in a bundle that is minified no guard could see them.
        """
        if self._bound is None:
            raise AssertionError("bind_to_resource() is called after bind()")
        if made := _clients_made(self._bound.entry):
            resource.add_metadata(METADATA, made)
        if not resource.node.try_get_context("aws:cdk:enable-asset-metadata"):
            return
        resource.add_metadata("aws:asset:path", cdk.Lazy.string(_Producer(self._bound.file_name)))
        resource.add_metadata("aws:asset:is-bundled", True)
        resource.add_metadata("aws:asset:property", resource_property if resource_property is not None else "Code")


@jsii.implements(cdk.IStableStringProducer)
class _Producer:
    """Gives a value at synth; jsii calls it once."""

    def __init__(self, value: Callable[[], str]) -> None:
        self._value = value

    def produce(self) -> str | None:
        try:
            return self._value()
        except BundlingError as error:
            # CDK writes its own words before and after the message of whatever fails in here, and jsii makes another
            # exception of it: lines of our own keep the three lines whole.
            raise RuntimeError(f"\n{error}\n") from error


@dataclass(frozen=True)
class _Home:
    """What a function's stack says about its code: asked once a stack, since every question crosses to Node."""

    bundler: AppBundler
    wants_bundles: bool
    stages: bool
    for_this_machine: bool
    assembly: Path
    assets: Path

    @classmethod
    def of(cls, stack: cdk.Stack) -> _Home:
        home = _homes.get(stack)
        if home is None:
            stage = cdk.Stage.of(stack)
            if stage is None:
                raise AssertionError("a stack outside of an app")
            home = _homes[stack] = cls(
                bundler=AppBundler.of(stack),
                wants_bundles=stack.bundling_required,
                stages=not stack.node.try_get_context("aws:cdk:disable-asset-staging"),
                for_this_machine=_for_this_machine(stack),
                assembly=Path(stage.outdir).resolve(),
                assets=Path(stage.asset_outdir).resolve(),
            )
        return home


_homes: weakref.WeakKeyDictionary[cdk.Stack, _Home] = weakref.WeakKeyDictionary()


def _clients_made(entry: Entry) -> list[dict[str, str | int]]:
    """The AWS clients that a Node handler makes on every call; a Python handler is in its bundle as it was written."""
    if not isinstance(entry, NodeEntry):
        return []
    made = made_in_script(entry.path.read_text(errors="replace"), entry.handler)
    return [{"file": entry.path.name, "line": each.line, "what": each.what} for each in made]


def _for_this_machine(stack: cdk.Stack) -> bool:
    bundled_for = stack.node.try_get_context(BUNDLE_FOR)
    if bundled_for not in {None, "lambda", "this-machine"}:
        raise BundlingError(
            Problem(
                f'context {BUNDLE_FOR} is "{bundled_for}", not "lambda" or "this-machine"',
                stack.node.path,
                "correct or remove it",
            )
        )
    return bool(bundled_for == "this-machine")


@dataclass
class _Bound:
    """One function's code, in its stack."""

    entry: Entry
    home: _Home
    scope: Construct
    asset: s3_assets.Asset | None = None

    def bucket_name(self) -> str:
        return self._placed().s3_bucket_name

    def object_key(self) -> str:
        return self._placed().s3_object_key

    def file_name(self) -> str:
        """Return where the asset is, as seen from the stack's own assembly."""
        return Path(os.path.relpath(self.home.assets / self._folder_name(), self.home.assembly)).as_posix()

    def _folder_name(self) -> str:
        return folder_name(self._hash())

    def _hash(self) -> str:
        if not self.home.wants_bundles:
            # CDK asked for no bundles (cdk list, or a test of templates): a name that depends on no content.
            entry = self.home.bundler.project.relative(self.entry.path)
            return digest_of(f"not bundled: {entry}".encode())
        return self.home.bundler.asset(self.entry).hash

    def _placed(self) -> s3_assets.Asset:
        """Register the bundle with the stack's synthesizer, as CDK's own Asset does.

        Only code on the side of Node sees the synthesizer that is bound to the stack: what Python gets of a stack with
        a synthesizer of its own is the one the user made, which is bound to nothing.
        """
        if self.asset is None:
            bundle = self.home.assets / self._folder_name()
            with tempfile.TemporaryDirectory() as empty:
                # CDK copies a source to the folder of this name unless it is there, and it is. The source's name must
                # have no dot, or its "suffix" would be added to the name.
                staged = self.home.stages or not self.home.wants_bundles
                self.asset = s3_assets.Asset(
                    self.scope,
                    "Code",
                    path=empty if staged else str(bundle),
                    asset_hash=self._hash(),
                    asset_hash_type=cdk.AssetHashType.CUSTOM,
                    deploy_time=True,
                )
            if not self.home.wants_bundles:
                with contextlib.suppress(FileNotFoundError):
                    bundle.rmdir()  # better no asset than an empty one that could be deployed
            for note in self.home.bundler.asset(self.entry).notes if self.home.wants_bundles else ():
                cdk.Annotations.of(self.scope).add_info_v2(NOTE_ID, note)
        return self.asset


def _existing(entry: str, project: Project) -> Path:
    """Return the file an entry names."""
    path = (project.folder / entry).resolve()
    suffixes = NODE_SUFFIXES | PYTHON_SUFFIXES
    if path.is_file() and path.suffix in suffixes:
        return path
    if path.is_file():
        problem = Problem(
            f'an entry cannot be a "{path.suffix}" file', entry, f"name one of: {', '.join(sorted(suffixes))}"
        )
        raise BundlingError(problem)
    folder = next(above for above in path.parents if above.is_dir())
    below = folder if folder == project.folder or project.folder in folder.parents else project.folder
    meant = nearest_file(path, below, suffixes) or nearest_file(path, project.folder, suffixes)
    what = "entry is a folder" if path.is_dir() else "entry does not exist"
    fix = f'did you mean "{project.relative(meant)}"?' if meant is not None else "create it, or correct the path"
    searched = project.relative(folder) if folder != project.folder else "the current folder"
    raise BundlingError(Problem(f"{what} (searched: {searched})", entry, fix))


def _version(runtime: lambda_.Runtime, language: str, entry: str) -> str:
    """Return the version in a runtime's name: nodejs24.x -> 24, python3.14 -> 3.14."""
    found = re.fullmatch(rf"{language}(?P<version>[\d.]+?)(?:\.x)?", runtime.name)
    if found is None:
        spoken = "Node" if language == "nodejs" else "Python"
        raise BundlingError(
            Problem(
                f"entry is {spoken}, but the runtime is {runtime.name}",
                entry,
                f"give it a {spoken} runtime, or another entry",
            )
        )
    return found["version"]


class AppBundler:
    """Bundles all entries of one app at once, when the first of them is asked for."""

    _of_root: weakref.WeakKeyDictionary[IConstruct, AppBundler] = weakref.WeakKeyDictionary()

    def __init__(self, project: Project) -> None:
        """Bundle in `project`."""
        self.project = project
        self._waiting: dict[Entry, Path] = {}
        self._assets: dict[Entry, Asset] = {}

    @classmethod
    def of(cls, scope: IConstruct) -> AppBundler:
        """Return the bundler of the app a construct is in."""
        root = scope.node.root
        bundler = cls._of_root.get(root)
        if bundler is None:
            bundler = cls._of_root[root] = AppBundler(Project.current())
        return bundler

    @property
    def waiting(self) -> tuple[Entry, ...]:
        """The entries that the next synth bundles."""
        return tuple(self._waiting)

    def register(self, entry: Entry, outdir: Path) -> None:
        """Remember an entry, and the folder its bundle goes to."""
        if entry not in self._assets:
            self._waiting[entry] = outdir

    def asset(self, entry: Entry) -> Asset:
        """Return an entry's bundle, bundling all that waits if it is not known yet."""
        if entry in self._waiting:
            self._bundle()
        return self._assets[entry]

    def _bundle(self) -> None:
        self.project.look_again()
        problems: list[Problem] = []
        node = [entry for entry in self._waiting if isinstance(entry, NodeEntry)]
        python = [entry for entry in self._waiting if isinstance(entry, PythonEntry)]
        made: dict[Entry, Asset] = {}
        try:
            made |= dict(zip(node, bundle_node(node, self.project), strict=True))
        except BundlingError as error:
            problems.extend(error.problems)
        try:
            made |= dict(zip(python, bundle_python(python, self.project), strict=True))
        except BundlingError as error:
            problems.extend(error.problems)
        if problems:
            raise BundlingError(*problems)
        outdirs = {self._waiting[entry] for entry in made if not entry.machine.is_lambda}
        for entry, asset in made.items():
            asset.stage(self._waiting.pop(entry))
            self._assets[entry] = asset
        for outdir in outdirs:
            write_sources(self._assets, self.project, outdir)
