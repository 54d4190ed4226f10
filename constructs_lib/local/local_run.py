"""The `local` command: synthesize, deploy, prove, serve, until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from constructs_lib.local.announcements import Announcements
from constructs_lib.local.emulator import Emulator
from constructs_lib.local.function_logs import FunctionLogs, raw_text, readable_text
from constructs_lib.local.local_extra import require
from constructs_lib.local.made_up_parameters import made_up_lines
from constructs_lib.local.routes import shown
from constructs_lib.local.run_findings import RunFindings
from constructs_lib.local.run_record import RunRecord
from constructs_lib.local.stand_ins import stand_in_lines
from constructs_lib.local.state_folder import StateFolder
from constructs_lib.local.synth import Synthesis, app_command
from constructs_lib.local.terminal import GREEN, RED, Terminal, complain
from constructs_lib.problem import LocalError, Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from constructs_lib.local.deploy import DeployedStack
    from constructs_lib.local.iam_proof import Proof
    from constructs_lib.local.session import Iam, LocalAws, Via

READY = "ready "  # how the line begins that says so
LOOK_SECONDS = 0.1  # between two looks at the log, and at whether everything still runs
_ASKED_TO_STOP = threading.Event()


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for.

    Args:
        assembly: The assembly to run. Default: the app of the current folder is synthesized.
        app: The command of the app. Default: what cdk.json names.
        port: The port the APIs answer on.
        via: Deploy directly, or with the real CDK CLI.
        state: The folder to keep data in. Default: nothing is kept.
        iam: Whether every call is checked against the policies of its caller.
        region: The region of stacks that name none.
        program: How the user called this program.
        watch: Whether what is saved is taken up.
        page_port: The port of the page; 0 for a free one. Default: no page.
        stage: Which stage to deploy. Default: the only one; of several `dev`, or else the first.
    """

    assembly: Path | None
    app: str | None
    port: int
    via: Via
    state: Path | None
    iam: Iam
    region: str
    program: str
    watch: bool = False
    page_port: int | None = None
    stage: str | None = None


def run(request: Request) -> int:
    """Run until Ctrl-C, and return the exit code."""
    terminal = Terminal(sys.stdout)
    try:
        require("boto3", "ministack")
        with interruptible(), contextlib.ExitStack() as ending:
            try:
                _run(request, terminal, ending)
            except KeyboardInterrupt:
                terminal.line()
                terminal.step("stop", "stopping")
                return 0
            except BaseException:
                _ignore_signals()
                raise
    except ProblemError as error:
        terminal.forget()
        complain("\n".join([str(error), *getattr(error, "__notes__", [])]))
        return 1
    except BrokenPipeError:
        # whoever read our lines has gone; Python must not try to flush the rest at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _run(request: Request, terminal: Terminal, ending: contextlib.ExitStack) -> None:
    state = ending.enter_context(StateFolder(request.state))
    synthesis = None
    if request.assembly is None:
        folder = Path.cwd()
        command = app_command(folder) if request.app is None else request.app
        synthesis = Synthesis(command, folder=folder, outdir=state.assembly, region=request.region, stage=request.stage)
        ending.callback(synthesis.stop)

    terminal.begin("aws", "starting")
    # while the app synthesizes, in a process of its own, everything else gets ready
    from constructs_lib.local.aws_clients import errors_explained  # noqa: PLC0415 (boto3 takes its time)
    from constructs_lib.local.session import LocalAws, settings_for  # noqa: PLC0415 (likewise)

    began = time.monotonic()
    settings = settings_for(state, port=request.port, iam=request.iam, region=request.region)
    emulator = ending.enter_context(Emulator.start(settings))
    aws = LocalAws(emulator, state, region=request.region)
    record = RunRecord(
        pid=os.getpid(),
        endpoint=aws.endpoint,
        app_url=aws.url,
        key=emulator.key,
        region=request.region,
        iam=request.iam,
        started=time.time(),
    )
    record.write(state.run_file)
    with errors_explained(aws.endpoint):
        aws.clients.warm_up()
    terminal.step("aws", f"{aws.endpoint}  (region {request.region}, root key test/test)", time.monotonic() - began)
    _say_losses(emulator, request.state, terminal)
    if synthesis is not None:
        _finish(synthesis, request, terminal)
    assembly = state.assembly if request.assembly is None else request.assembly
    _deploy(aws, request, assembly, terminal)
    commands: set[str] = set()
    with errors_explained(aws.endpoint):
        _announce(aws, request.program, terminal, commands)
        _prove(aws, request, terminal)
    findings = RunFindings(aws, state)
    ending.callback(_say_rights, findings, terminal)
    page_url = _open_page(aws, request.page_port, ending, terminal)
    record = replace(record, is_ready=True, is_watching=request.watch, page_url=page_url)

    def note_down() -> None:
        stacks = tuple((each.artifact.name, each.region) for each in aws.stacks)
        replace(record, assembly=str(assembly.absolute()), stacks=stacks, stage=aws.stage).write(state.run_file)
        findings.deployed()

    def redeployed() -> None:
        note_down()
        with errors_explained(aws.endpoint):
            _announce(aws, request.program, terminal, commands)

    announcements = Announcements(terminal, redeployed)
    if request.watch:
        _watch(aws, state, request, announcements, ending)
        terminal.step("watch", "what is saved is taken up")
    note_down()
    terminal.line(f"{READY}{aws.url}")  # after the record, so that whoever waits for the line finds what it tells
    _serve(aws, state, findings, announcements, terminal)


def _open_page(aws: LocalAws, port: int | None, ending: contextlib.ExitStack, terminal: Terminal) -> str:
    if port is None:
        return ""
    from constructs_lib.local.page.page import Page  # noqa: PLC0415 (boto3 takes its time)

    page = ending.enter_context(Page.start(aws, port=port))
    terminal.step("page", page.url)
    return page.url


def _say_losses(emulator: Emulator, state: Path | None, terminal: Terminal) -> None:
    """Say what of the run before is not there any more."""
    if emulator.lost_port:
        rid = f"remove {state} to have new ones"
        terminal.step("note", f"URLs in outputs still name port {emulator.lost_port}, which is taken; {rid}")
    if emulator.unsaved_since:
        why = "it was killed before it saved its state"
        terminal.step("note", f"what the run of {emulator.unsaved_since} changed is lost: {why}")


def _finish(synthesis: Synthesis, request: Request, terminal: Terminal) -> None:
    terminal.begin("synth", synthesis.command)
    try:
        seconds = synthesis.finish()
    except LocalError as error:
        if request.state is not None:
            error.add_note(f"everything the app said is in {synthesis.output}")
        raise
    terminal.step("synth", synthesis.command, seconds)


def _deploy(aws: LocalAws, request: Request, folder: Path, terminal: Terminal) -> None:
    from constructs_lib.assembly import CloudAssembly  # noqa: PLC0415 (not needed when synthesis fails)
    from constructs_lib.local.deploy import leftovers  # noqa: PLC0415 (boto3 takes its time)

    whole = CloudAssembly.read(folder)
    assembly = whole.of_stage(request.stage)
    others = [each for each in whole.stages if each != assembly.stage]
    if others:
        terminal.step("stage", f"{assembly.stage}  (--stage chooses another: {', '.join(others)})")

    def say(stack: DeployedStack) -> None:
        terminal.step("deploy", f"{stack.artifact.path}  {stack.outcome}", stack.seconds)

    terminal.begin("deploy", ", ".join(each.path for each in assembly.stacks))
    aws.deploy(assembly, via=request.via, report=say, report_line=lambda line: terminal.step("cdk", line))
    if not assembly.stacks:
        terminal.step("deploy", "the app has no stacks")
    for name in leftovers(assembly, aws.clients):
        rid = f"remove {request.state} to be rid of it" if request.state else "nothing of it is kept"
        terminal.step("note", f"stack {name} of an earlier run still stands, and serves its routes; {rid}")


def _watch(
    aws: LocalAws, state: StateFolder, request: Request, announcements: Announcements, ending: contextlib.ExitStack
) -> None:
    from constructs_lib.local.watch import App, Watch  # noqa: PLC0415 (boto3 takes its time)

    app = App(request.app, Path.cwd(), request.region, request.stage) if request.assembly is None else None
    assembly = state.assembly if request.assembly is None else request.assembly
    watch = Watch(aws, state, assembly=assembly, app=app, via=request.via, teller=announcements)
    ending.callback(watch.stop)
    watch.start()


def _announce(aws: LocalAws, program: str, terminal: Terminal, said: set[str]) -> None:
    """Say what is not here, and how each route is called; each once."""
    for line in [
        *stand_in_lines(aws.control, aws.stacks),
        *aws.notes,
        *(each for stack in aws.stacks for each in made_up_lines(stack.artifact)),
    ]:
        if line not in said:
            said.add(line)
            terminal.step("note", line)
    commands = [each for each in (route.command(program) for route in aws.routes) if each not in said]
    said.update(commands)
    for line in shown(commands):
        terminal.line(f"  {line}")


def _prove(aws: LocalAws, request: Request, terminal: Terminal) -> None:
    from constructs_lib.local.iam_proof import check, prove  # noqa: PLC0415 (boto3 takes its time)

    if request.iam == "off":
        terminal.step("iam", "off: every call is allowed, whatever the policies say")
        return
    proofs = prove(aws.stacks, aws.clients)
    widths = [max((len(text) for text in column), default=0) for column in zip(*map(_cells, proofs), strict=True)]
    for proof in proofs:
        cells = "  ".join(cell.ljust(width) for cell, width in zip(_cells(proof), widths, strict=True))
        denied = terminal.styled("denied", RED) + f": {proof.denial}"
        terminal.step("iam", f"{cells}  {denied if proof.denial else terminal.styled('allowed', GREEN)}")
    if not proofs:
        terminal.step("iam", "enforced; nothing was found to show it with")
    check(proofs)


def _cells(proof: Proof) -> tuple[str, str]:
    return proof.function, f"{proof.action} on {proof.resource}"


def _say_rights(findings: RunFindings, terminal: Terminal) -> None:
    for number, line in enumerate(findings.summary()):
        if number == 0:
            terminal.step("iam", line)
        else:
            terminal.line(line)


def _serve(
    aws: LocalAws, state: StateFolder, findings: RunFindings, announcements: Announcements, terminal: Terminal
) -> None:
    logs = FunctionLogs(state.function_log)
    stacks, names = aws.stacks, aws.function_paths()
    while True:
        announcements.say()
        if aws.stacks is not stacks:
            stacks, names = aws.stacks, aws.function_paths()
        for line in logs.new_lines():
            function = names.get(line.function, line.function)
            text = readable_text(line, function) if terminal.is_rich else raw_text(line, function)
            if text is not None:
                terminal.line(text)
        for finding in findings.new():
            terminal.line(finding)
        if not aws.emulator.is_running:
            problem = Problem(
                what="the embedded AWS has ended by itself",
                where=str(state.path / "emulator.log"),
                fix="run again; if it stays, report what the file says",
            )
            raise LocalError(problem)
        pause(LOOK_SECONDS)


def pause(seconds: float) -> None:
    """Wait so long.

    Raises:
        KeyboardInterrupt: Somebody has asked us to stop before, and Python dropped that: it came in a finalizer.
    """
    if _ASKED_TO_STOP.is_set():
        raise KeyboardInterrupt
    time.sleep(seconds)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let every way of asking us to stop do what Ctrl-C does."""
    _ASKED_TO_STOP.clear()
    before = {number: signal.signal(number, _interrupt) for number in _stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    _ignore_signals()  # the next one, which may be on its way already, must not interrupt the stopping
    _ASKED_TO_STOP.set()  # what is raised in a finalizer, Python drops
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in _stop_signals():
        signal.signal(number, _let_pass)


def _let_pass(_number: int, _frame: FrameType | None) -> None:
    """Do nothing; Python complains of a signal that was on its way when it was set to SIG_IGN."""


def _stop_signals() -> list[signal.Signals]:
    hang_up = getattr(signal, "SIGHUP", None)
    is_heard = hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN  # as it is below `nohup`
    return [signal.SIGINT, signal.SIGTERM, *([hang_up] if hang_up is not None and is_heard else [])]
