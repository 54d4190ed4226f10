"""The embedded AWS as a process of its own: start it, know its address, stop it.

The parent binds both ports, so a port in use is known before anything starts, and hands the listening sockets to the
child. The child lives as long as the pipe to its parent is open: however the parent ends, nothing stays behind.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from constructs_lib.local.strays import end_strays
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"  # loopback only, always
ACCOUNT = "000000000000"  # the account everything is deployed to
START_SECONDS = 60.0  # a start takes about half a second; a busy machine may take many times that
STOP_SECONDS = 45.0  # what saving the state may take before the process is killed
HEALTH_PATH = "/_ministack/health"
LOG_TAIL_LINES = 5
PORT_FILE = "aws-port"  # in the state folder
UNSAVED_FILE = "unsaved"  # likewise; there from the start of a run until its state is saved


@dataclass(frozen=True, slots=True)
class Settings:
    """What one embedded AWS is started with.

    Args:
        state: The folder its resources are kept in between runs. Default: nothing is kept.
        app_port: The port the deployed APIs answer on; 0 for a free one. Default: no such port.
        aws_port: The port the AWS API answers on; 0 for a free one, with `state` the same one every time, since the
            URLs of what is deployed hold it.
        iam: Whether every call is checked against the policies of its caller; with `warn` what is denied passes, and is
            told in the journal.
        region: The region of everything that is deployed.
        log_file: A file that receives every line of every function's log, one JSON object a line with `time`,
            `function`, `request_id` and `line`. Default: no such file.
        journal: A file that receives what happens inside, one JSON object a line; `overlay/journal.py` tells the kinds.
            Default: no such file.
    """

    state: Path | None = None
    app_port: int | None = None
    aws_port: int = 0
    iam: Literal["enforce", "warn", "off"] = "enforce"
    region: str = "us-east-1"
    log_file: Path | None = None
    journal: Path | None = None


class Emulator:
    """A running embedded AWS.

    Args:
        endpoint: The URL for AWS clients.
        app_url: The URL the deployed APIs answer on; empty without `app_port`.
        work: The folder of this run, removed at its end.
        key: What opens the credentials of functions; nobody but this process and its child knows it.
        lost_port: The port of the AWS API in the run before, if it could not be had again; 0 otherwise.
        unsaved_since: When the run before began, if it ended before it could save its state: what it changed is lost.
            Empty otherwise.

    Example:
        >>> with Emulator.start(Settings()) as aws:
        ...     aws.endpoint.startswith("http://127.0.0.1:")
        True
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        *,
        endpoint: str,
        app_url: str,
        work: Path,
        key: str,
        lost_port: int,
        unsaved_since: str,
    ) -> None:
        """Wrap a process that answers; use `start` instead."""
        self.endpoint = endpoint
        self.app_url = app_url
        self._process = process
        self.work = work
        self.key = key
        self.lost_port = lost_port
        self.unsaved_since = unsaved_since

    @classmethod
    def start(cls, settings: Settings) -> Emulator:
        """Start an embedded AWS and return when it answers.

        Raises:
            LocalError: The base is not installed or is another version, a port is in use, or it does not come up.
        """
        if util.find_spec("ministack") is None:
            raise LocalError(
                Problem(
                    what="the embedded AWS is not installed in this environment",
                    where=sys.executable,
                    fix="pip install 'constructs-lib[local]'",
                )
            )
        aws_socket, lost_port = _listen_again(settings)
        try:
            app_socket = None if settings.app_port is None else _listen(settings.app_port, "the deployed APIs")
        except LocalError:
            aws_socket.close()
            raise
        unsaved_since = _mark_unsaved(settings.state)
        work, key = Path(tempfile.mkdtemp(prefix="constructs-lib-")), secrets.token_urlsafe()
        sockets = [aws_socket] if app_socket is None else [aws_socket, app_socket]
        endpoint = f"http://{HOST}:{aws_socket.getsockname()[1]}"
        app_url = "" if app_socket is None else f"http://{HOST}:{app_socket.getsockname()[1]}"
        try:
            process = _spawn(settings, sockets, work, key)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        finally:
            for each in sockets:
                each.close()
        emulator = cls(
            process,
            endpoint=endpoint,
            app_url=app_url,
            work=work,
            key=key,
            lost_port=lost_port,
            unsaved_since=unsaved_since,
        )
        try:
            _await_ready(process, _log_path(settings, work))
            _await_health(process, endpoint, _log_path(settings, work))
        except BaseException:
            emulator.stop()
            raise
        return emulator

    @property
    def pid(self) -> int:
        """The process id of the embedded AWS."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process still lives."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process and every handler process; the state is saved first."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                with contextlib.suppress(BrokenPipeError):  # the child died before it read its orders
                    pipe.close()
        end_strays(self.work)
        shutil.rmtree(self.work, ignore_errors=True)

    def __enter__(self) -> Emulator:
        """Return the running emulator."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()


def _listen_again(settings: Settings) -> tuple[socket.socket, int]:
    """Open the port of the AWS API: the one of the run before, if nobody has taken it meanwhile; else it is lost."""
    if settings.aws_port or settings.state is None:
        return _listen(settings.aws_port, "the AWS API"), 0
    remembered, port = settings.state / PORT_FILE, 0
    with contextlib.suppress(OSError, ValueError):
        port = int(remembered.read_text())
    lost_port = 0
    try:
        listener = _listen(port, "the AWS API")
    except LocalError:
        listener, lost_port = _listen(0, "the AWS API"), port
    settings.state.mkdir(parents=True, exist_ok=True)
    remembered.write_text(f"{listener.getsockname()[1]}\n")
    return listener, lost_port


def _listen(port: int, purpose: str) -> socket.socket:
    """Open the port for good, so that nobody can take it between a check and its use."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise LocalError(
            Problem(
                what=f"port {port} cannot be opened for {purpose}: {getattr(error, 'strerror', None) or error}",
                where=f"{HOST}:{port}",
                fix="stop the program that uses the port, or choose another one: --port N, in make PORT=N",
            )
        ) from error
    return listener


def _mark_unsaved(state: Path | None) -> str:
    """Write down that a run begins; say when the one before began, if it did not get to save its state."""
    if state is None:
        return ""
    mark, since = state / UNSAVED_FILE, ""
    with contextlib.suppress(OSError):
        since = mark.read_text().strip() or "an earlier run"
    state.mkdir(parents=True, exist_ok=True)
    mark.write_text(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
    return since


def _log_path(settings: Settings, work: Path) -> Path:
    return (settings.state or work) / "emulator.log"


def _spawn(settings: Settings, sockets: list[socket.socket], work: Path, key: str) -> subprocess.Popen[bytes]:
    log_path = _log_path(settings, work)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    (work / "tmp").mkdir()
    package_root = Path(__file__).resolve().parents[2]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "constructs_lib.local.emulator_main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=work,
            env=_environment(settings, sockets[0].getsockname()[1], work, package_root),
            pass_fds=[each.fileno() for each in sockets],
            start_new_session=True,  # Ctrl-C in the terminal reaches the parent alone, which then stops us in order
        )
    orders = {
        "sockets": [each.fileno() for each in sockets],
        "app_port": 0 if len(sockets) == 1 else sockets[1].getsockname()[1],
        "endpoint": f"http://{HOST}:{sockets[0].getsockname()[1]}",
        "region": settings.region,
        "work": str(work),
        "log_file": None if settings.log_file is None else str(settings.log_file.resolve()),
        "journal": None if settings.journal is None else str(settings.journal.resolve()),
        "iam": settings.iam,
        "unsaved": None if settings.state is None else str(settings.state.resolve() / UNSAVED_FILE),
        "key": key,
    }
    stdin = process.stdin
    if stdin is None:
        raise AssertionError("a process started with a pipe has one")
    try:
        stdin.write(json.dumps(orders).encode() + b"\n")
        stdin.flush()
    except BrokenPipeError:
        pass  # it died at once; waiting for its report says why
    return process


def _environment(settings: Settings, aws_port: int, work: Path, package_root: Path) -> dict[str, str]:
    """Everything the child knows: built from nothing, so that no credential of the user can leak into it."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(work),
        "TMPDIR": str(work / "tmp"),
        "PYTHONPATH": str(package_root),
        "AUTH": "false" if settings.iam == "off" else "true",
        "AWS_ACCESS_KEY_ID": "test",  # the root key of the embedded AWS
        "AWS_SECRET_ACCESS_KEY": "test",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(aws_port),
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": settings.region,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "LOG_LEVEL": "WARNING",
        "AWS_SDK_FOLDERS": os.pathsep.join(map(str, _folders_with_the_sdk(Path.cwd()))),
        "IOT_MTLS_ENABLED": "0",  # no second port
        "SFTP_ENABLED": "0",  # likewise
        "DOCKER_HOST": "unix:///nonexistent",  # never a container
        "S3_DATA_DIR": str((settings.state or work) / "s3"),
        "STATE_DIR": str((settings.state or work) / "services"),
    }
    if settings.state is not None:
        environment.update(PERSIST_STATE="1", S3_PERSIST="1")
    return environment


def _folders_with_the_sdk(folder: Path) -> list[Path]:
    """The folders from here upwards that the AWS SDK for JavaScript is installed in; Lambda's runtimes bring it."""
    return [each for each in (folder, *folder.parents) if (each / "node_modules" / "@aws-sdk").is_dir()]


def _await_ready(process: subprocess.Popen[bytes], log_path: Path) -> None:
    """Wait for the one line the child reports with: that it is ready, or what is wrong."""
    stdout = process.stdout
    if stdout is None:
        raise AssertionError("a process started with a pipe has one")
    ready, _, _ = select.select([stdout], [], [], START_SECONDS)
    line = stdout.readline() if ready else b""
    if not line:
        raise _not_up(process, log_path)
    report = json.loads(line)
    if "problems" in report:
        raise LocalError(*(Problem(**each) for each in report["problems"]))


def _await_health(process: subprocess.Popen[bytes], endpoint: str, log_path: Path) -> None:
    address = endpoint.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=START_SECONDS)
    try:
        connection.request("GET", HEALTH_PATH)
        healthy = connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        healthy = False
    finally:
        connection.close()
    if not healthy:
        raise _not_up(process, log_path)


def _not_up(process: subprocess.Popen[bytes], log_path: Path) -> LocalError:
    deadline = time.monotonic() + 1
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    code = process.poll()
    ending = f"did not answer within {START_SECONDS:g} s" if code is None else f"ended with exit code {code}"
    lines = log_path.read_text(errors="replace").strip().splitlines()[-LOG_TAIL_LINES:]
    said = "; it said:\n    " + "\n    ".join(lines) if lines else ""
    return LocalError(
        Problem(
            what=f"the embedded AWS {ending} while starting{said}",
            where=str(log_path),
            fix="run again; if it stays, remove the state folder, or report the lines above",
        )
    )
