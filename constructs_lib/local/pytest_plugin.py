"""Fixtures that test an app as it will run: deployed to an embedded AWS of the test session's own.

Loaded by pytest wherever the package is installed, so it imports nothing of weight before a test asks for `local_app`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from constructs_lib.local.clock import Clock
    from constructs_lib.local.faults import Faults
    from constructs_lib.local.session import LocalAws

REGION = "us-east-1"
EVENTUALLY_SECONDS = 10.0
LOOK_SECONDS = 0.02
SHOWN_LINES = 100  # of functions' logs, with a test that failed


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the fixtures can be told."""
    group = parser.getgroup("local app", "the app under test, deployed to an embedded AWS")
    group.addoption("--local-app", metavar="PATH", help="the folder of cdk.json, or an assembly (cdk.out)")
    group.addoption("--local-stage", metavar="STAGE", help="the stage to deploy, of an app with several")
    group.addoption(
        "--local-iam", choices=["enforce", "warn", "off"], help="whether calls are checked against policies"
    )
    parser.addini("local_app", "the folder of cdk.json, or an assembly (cdk.out)", default="")
    parser.addini("local_stage", "the stage to deploy; of several dev, or else the first", default="")
    parser.addini("local_iam", "whether calls are checked against policies: enforce, warn or off", default="enforce")


@pytest.fixture(scope="session")
def local_assembly(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what is deployed: the folder of an assembly, or an `App`. Override it to choose another one.

    Default: `--local-app`, else `local_app` of pytest's configuration, else the app of cdk.json at its root.
    """
    told, root = pytestconfig.getoption("--local-app"), pytestconfig.rootpath
    folder = Path.cwd() / told if told else root / pytestconfig.getini("local_app")
    if (folder / "manifest.json").is_file():
        return folder
    # Parallel workers of one session share a folder above their own, and one of them synthesizes.
    shared, session = tmp_path_factory.getbasetemp(), os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    return _synthesized(folder, (shared.parent if session else shared) / f"local-app{session}", _stage(pytestconfig))


@pytest.fixture(scope="session")
def local_app(local_assembly: Any, pytestconfig: pytest.Config) -> Iterator[LocalAws]:
    """Return the app, deployed to an embedded AWS that this session, or worker, has for itself."""
    from constructs_lib.local.local_extra import require  # noqa: PLC0415 (not needed before)
    from constructs_lib.problem import ProblemError  # noqa: PLC0415 (likewise)

    try:
        require("boto3", "ministack")
    except ProblemError as error:
        pytest.fail(str(error), pytrace=False)
    from constructs_lib.local.session import LocalAws  # noqa: PLC0415 (boto3 takes its time)

    iam = pytestconfig.getoption("--local-iam") or pytestconfig.getini("local_iam")
    assembly = local_assembly.synth().directory if hasattr(local_assembly, "synth") else local_assembly
    with contextlib.ExitStack() as ending:
        try:
            aws = ending.enter_context(
                LocalAws.from_assembly(assembly, iam=iam, region=REGION, stage=_stage(pytestconfig))
            )
        except ProblemError as error:
            pytest.fail(str(error), pytrace=False)
        yield aws


@pytest.fixture
def reset(local_app: LocalAws) -> Callable[[], None]:
    """Begin with the data that was deployed, and return what does so again."""
    local_app.reset()
    return local_app.reset


@pytest.fixture
def clock(local_app: LocalAws, reset: Callable[[], None]) -> Iterator[Clock]:
    """Return the clock of the embedded AWS, which shows real time again afterwards."""
    yield local_app.clock
    reset()


@pytest.fixture
def faults(local_app: LocalAws) -> Iterator[Faults]:
    """Return the faults of the embedded AWS, all of which end with the test."""
    local_app.faults.clear()
    yield local_app.faults
    local_app.faults.clear()


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Return what waits until a condition holds: `eventually(lambda: table_items() == [...])`."""
    return _eventually


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Show with a test that failed what the functions have logged since the last reset."""
    report: pytest.TestReport = yield
    aws: LocalAws | None = getattr(item, "funcargs", {}).get("local_app")
    if call.when == "call" and report.failed and aws is not None:
        lines = [f"{path}  {line}" for name, path in aws.function_paths().items() for line in aws.logs(name)]
        if lines:
            report.sections.append(("logs of functions", "\n".join(lines[-SHOWN_LINES:])))
    return report


def _eventually(condition: Callable[[], Any], seconds: float = EVENTUALLY_SECONDS) -> Any:
    """Return the first true value of a condition; one that raises AssertionError does not hold yet.

    Raises:
        AssertionError: It does not come to hold in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = condition()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        else:
            if value:
                return value
            if time.monotonic() > deadline:
                pytest.fail(f"the condition is {value!r} after {seconds:g} s")
        time.sleep(LOOK_SECONDS)


def _stage(config: pytest.Config) -> str | None:
    told = config.getoption("--local-stage") or config.getini("local_stage")
    return str(told) if told else None


def _synthesized(folder: Path, work: Path, stage: str | None) -> Path:
    """Synthesize the app of a folder, once for everybody who names the same working folder."""
    from constructs_lib.local.synth import Synthesis, app_command  # noqa: PLC0415 (not needed before)
    from constructs_lib.problem import LocalError  # noqa: PLC0415 (likewise)

    outdir = work / "cdk.out"
    work.mkdir(parents=True, exist_ok=True)
    with _alone(work / "lock"):
        if not (outdir / "manifest.json").is_file():
            try:
                synthesis = Synthesis(app_command(folder), folder=folder, outdir=outdir, region=REGION, stage=stage)
                try:
                    synthesis.finish()
                finally:
                    synthesis.stop()
            except LocalError as error:
                pytest.fail(str(error), pytrace=False)
    return outdir


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Be the only process inside."""
    with path.open("a") as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
