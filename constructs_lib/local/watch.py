"""Takes up what is saved while the app runs: a handler's bundle alone, or the app as a whole.

What a bundle was made of is known for handlers of our own constructs: their bundle is made again and the function gets
it, in a fraction of a second. Everything else that may be part of the app has it synthesized again, and the stacks
deployed that differ. Whatever fails is said, and the version before goes on.
"""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from constructs_lib.assembly import CloudAssembly
from constructs_lib.local.aws_clients import errors_explained
from constructs_lib.local.bundle_sources import BundleSources
from constructs_lib.local.code_swap import CodeSwap, CodeUser, code_users
from constructs_lib.local.file_watch import FileWatch, WatchedTree
from constructs_lib.local.rebuilder import Rebuilder
from constructs_lib.local.synth import Synthesis, app_command
from constructs_lib.problem import ProblemError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Protocol

    from constructs_lib.local.bundle_sources import Bundle
    from constructs_lib.local.deploy import DeployedStack
    from constructs_lib.local.rebuilder import Rebuilt
    from constructs_lib.local.session import LocalAws, Via
    from constructs_lib.local.state_folder import StateFolder

    class Teller(Protocol):
        """Who is told what the watch does; called in its thread."""

        def step(self, label: str, text: str, seconds: float | None = None) -> None:
            """Something was done."""

        def problem(self, text: str) -> None:
            """Something is wrong; the version before goes on."""

        def deployed(self) -> None:
            """The stacks are others than before."""


SETTLE_SECONDS = 0.02  # what an editor may take between the writes of one save
SETTLE_ASSEMBLY_SECONDS = 0.4  # what a synthesis of somebody else may take between the writes of one assembly
STOP_SECONDS = 10.0
REBUILT = "rebuilt"  # the folder of bundles that were made again
FOR_THE_WHOLE_APP = {"package.json", "package-lock.json", "cdk.json", "cdk.context.json"}
OF_BUNDLES_ONLY = {".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"}  # where the app itself is Python


@dataclass(frozen=True, slots=True)
class App:
    """An app that can be synthesized again.

    Args:
        command: Its command. Default: what cdk.json names at the time.
        folder: The folder of cdk.json.
        region: The region of stacks that name none.
        stage: The stage that the app is asked for. Default: all.
    """

    command: str | None
    folder: Path
    region: str
    stage: str | None = None


class Watch:
    """Watches what a run was made of, in a thread of its own.

    Args:
        aws: The embedded AWS, with the app deployed.
        state: Its state folder.
        assembly: The assembly that is deployed.
        app: What synthesizes it. Default: somebody else does, and the assembly is watched.
        via: How to deploy.
        teller: Who is told.
    """

    def __init__(
        self, aws: LocalAws, state: StateFolder, *, assembly: Path, app: App | None, via: Via, teller: Teller
    ) -> None:
        """Prepare; `start` begins."""
        self._aws = aws
        self._state = state
        self._assembly = assembly
        self._app = app
        self._via = via
        self._teller = teller
        self._swap = CodeSwap(aws.clients, state.path)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._synthesis: Synthesis | None = None
        self._rebuilder: Rebuilder | None = None
        self._sources: BundleSources | None = None
        self._bundles: dict[str, Bundle] = {}
        self._is_broken = False  # whether the last synthesis failed, so that anything may mend it
        self._failed: set[str] = set()  # bundles that could not be made, likewise
        self._wrote_itself: set[Path] = set()
        self._written_by_app: set[Path] = set()
        self._pending: set[Path] = set()
        self._files = self._look()

    def start(self) -> None:
        """Begin to watch."""
        shutil.rmtree(self._state.path / REBUILT, ignore_errors=True)
        self._ready_rebuilder()
        self._thread.start()

    def stop(self) -> None:
        """End everything that was begun."""
        self._stopping.set()
        for running in (self._synthesis, self._rebuilder):
            if running is not None:
                running.stop()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        shutil.rmtree(self._state.path / REBUILT, ignore_errors=True)

    # Watching

    def _look(self) -> FileWatch:
        """Begin to watch what this assembly was made of."""
        if self._app is None:
            return FileWatch(self._assembly.glob("*.json"))
        self._sources = BundleSources.read(self._assembly)
        bundles = () if self._sources is None else self._sources.bundles
        self._bundles = {each.asset: each for each in bundles}
        tree = WatchedTree(self._app.folder, without=self._state.path)
        settings = [self._app.folder / name for name in sorted(FOR_THE_WHOLE_APP)]
        return FileWatch([*(tree.files() if self._sources is None else self._sources.files), *settings], tree)

    def _look_again(self) -> None:
        """Watch what the assembly is made of now, and lose nothing that was saved before or meanwhile."""
        before, self._files = self._files, self._look()
        self._pending |= before.changed(everywhere=True) - self._written_by_app

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._files.pause):
                changed = self._files.changed() | self._pending
                self._pending = set()
                if changed:
                    self._take_up(changed)
        except Exception as error:  # the run goes on without it, and its user has to know
            if not self._stopping.is_set():
                self._teller.problem(f"nothing more is taken up: {type(error).__name__}: {error}")

    def _take_up(self, changed: set[Path]) -> None:
        try:
            if self._app is None:
                self._take_assembly()
                return
            time.sleep(SETTLE_SECONDS)
            changed |= self._files.changed()
            changed -= self._written_by_app
            if self._needs_synthesis(changed):
                self._synthesize(self._app)
            elif bundles := self._of(changed):
                self._rebuild(bundles)
        except ProblemError as error:
            if not self._stopping.is_set():
                self._teller.problem(str(error))

    def _of(self, changed: set[Path]) -> list[Bundle]:
        """The bundles these files are part of; also those that failed, which a new file may mend."""
        return [each for each in self._bundles.values() if each.sources & changed or each.asset in self._failed]

    def _needs_synthesis(self, changed: set[Path]) -> bool:
        sources = self._sources
        if not changed:
            return False
        if sources is None or self._is_broken or any(each.name in FOR_THE_WHOLE_APP for each in changed):
            return True
        if changed & sources.app:
            return True
        in_bundles: set[Path] = set()
        in_bundles.update(*(each.sources for each in self._bundles.values()))
        if any(self._is_versioned(bundle) for bundle in self._of(changed)):
            return True
        return any(each.suffix not in {".py", *OF_BUNDLES_ONLY} for each in changed - in_bundles)

    # A bundle

    def _users(self, bundle: Bundle) -> list[CodeUser]:
        return [each for each in code_users(self._aws.stacks) if each.asset.source.name == bundle.asset]

    def _is_versioned(self, bundle: Bundle) -> bool:
        """Whether a version has to be published for the code to be called: that is CloudFormation's to do."""
        return any(each.is_versioned for each in self._users(bundle))

    def _rebuild(self, bundles: list[Bundle]) -> None:
        began = time.monotonic()
        for bundle, rebuilt in zip(bundles, self._made_again(bundles), strict=True):
            if rebuilt.folder is None:
                self._failed.add(bundle.asset)
                self._teller.problem("\n".join(str(each) for each in rebuilt.problems))
                continue
            self._failed.discard(bundle.asset)
            is_other = rebuilt.folder.name != bundle.folder.name
            self._bundles[bundle.asset] = replace(bundle, folder=rebuilt.folder, sources=rebuilt.sources)
            self._files.also(rebuilt.sources)
            users = self._users(bundle)
            if is_other:
                with errors_explained(self._aws.endpoint):
                    self._swap.swap(users, rebuilt.folder)
            names = ", ".join(each.path for each in users) or bundle.path.name
            what = names if is_other else f"{names}  the bundle is as it was"
            self._teller.step("reload", what, time.monotonic() - began)

    def _made_again(self, bundles: list[Bundle]) -> list[Rebuilt]:
        rebuilder = self._ready_rebuilder()
        if rebuilder is None:
            raise AssertionError("there are no bundles without sources")
        try:
            return rebuilder.rebuild(bundles)
        except ProblemError:
            self._rebuilder = None  # the next one is a new process
            rebuilder.stop()
            raise

    def _ready_rebuilder(self) -> Rebuilder | None:
        if self._rebuilder is None and self._sources is not None and self._sources.bundles:
            self._rebuilder = Rebuilder(self._sources, self._state.path / REBUILT)
            if self._stopping.is_set():
                self._rebuilder.stop()
        return self._rebuilder

    # The app

    def _synthesize(self, app: App) -> None:
        self._is_broken = True
        beside = self._state.path / "cdk.out.next"
        command = app_command(app.folder) if app.command is None else app.command
        self._synthesis = Synthesis(command, folder=app.folder, outdir=beside, region=app.region, stage=app.stage)
        if self._stopping.is_set():
            self._synthesis.stop()
        seconds = self._synthesis.finish()
        self._teller.step("synth", command, seconds)
        CloudAssembly.read(beside).of_stage(
            self._aws.stage or None
        )  # before it takes the place of one that can be read
        self._leave_out(self._files.changed())
        before = self._state.path / "cdk.out.before"
        shutil.rmtree(before, ignore_errors=True)
        self._assembly.rename(before)
        beside.rename(self._assembly)
        shutil.rmtree(before, ignore_errors=True)
        self._deploy()
        self._is_broken = False
        self._look_again()
        self._failed.clear()

    def _leave_out(self, meanwhile: set[Path]) -> None:
        """Tell what the user saves while the app synthesizes from what the app writes: the latter, every time."""
        self._written_by_app |= meanwhile & self._wrote_itself
        self._wrote_itself = meanwhile
        self._pending |= meanwhile - self._written_by_app

    def _take_assembly(self) -> None:
        """Deploy an assembly that somebody else has written, once it is written to its end."""
        while not self._stopping.wait(SETTLE_ASSEMBLY_SECONDS) and self._files.changed():
            pass
        self._deploy()
        self._look_again()

    def _deploy(self) -> None:
        if self._stopping.is_set():
            return
        assembly = CloudAssembly.read(self._assembly).of_stage(self._aws.stage or None)
        outcomes: list[DeployedStack] = []

        def say(stack: DeployedStack) -> None:
            outcomes.append(stack)
            if stack.outcome != "unchanged":
                self._teller.step("deploy", f"{stack.artifact.path}  {stack.outcome}", stack.seconds)

        began = time.monotonic()
        self._aws.deploy(assembly, via=self._via, report=say, report_line=lambda line: self._teller.step("cdk", line))
        if all(each.outcome == "unchanged" for each in outcomes):
            self._teller.step("deploy", "nothing has changed", time.monotonic() - began)
        self._teller.deployed()
