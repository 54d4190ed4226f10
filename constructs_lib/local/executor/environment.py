"""One execution environment: a process that holds one function and serves one invocation at a time."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.local.executor import failure as failures
from constructs_lib.local.executor.channel import Channel
from constructs_lib.local.executor.log import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from constructs_lib.local.executor.failure import Failure
    from constructs_lib.local.executor.function import Function
    from constructs_lib.local.executor.log import FunctionLog

INIT_SECONDS = 10.0  # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
LOOK_AROUND_SECONDS = 0.1  # how often a running process is checked for its memory and its life
EXIT_SECONDS = 2.0
_NOTHING: dict[str, Any] = {"kind": "", "payload": None, "size": 0}
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one invocation ended.

    Args:
        payload: What the caller gets.
        is_error: Whether that is an error.
        log: The end of the log, for LogType=Tail.
        is_cold: Whether its environment was started for it.
    """

    payload: Any
    is_error: bool
    log: str
    is_cold: bool = False


class Environment:
    """A started process.

    Args:
        function: What it runs.
        command: The command line.
        variables: Its environment variables.
        folder: Its working folder, where the code is.
        temporary: A folder of its own, removed with it.
        log: Where its output goes.
        on_group: Called with the process group and whether it came or went.
    """

    def __init__(
        self,
        function: Function,
        *,
        command: list[str],
        variables: Mapping[str, str],
        folder: Path,
        temporary: Path,
        log: FunctionLog,
        on_group: Callable[[int, bool], None],
    ) -> None:
        """Start the process; it loads the handler while we return."""
        self.function = function
        self.idle_since = time.monotonic()
        self._log = log
        self._on_group = on_group
        self._temporary = temporary
        self._init_seconds: float | None = None
        self._is_ready = False
        self._is_closed = False
        self._peak_kib = 0
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        log.init_start()
        self._started = time.monotonic()
        try:
            self._process = subprocess.Popen(  # noqa: S603 (running the user's code is what this is for)
                command,
                stdin=theirs.fileno(),
                stdout=writing,
                stderr=writing,
                cwd=folder,
                env=dict(variables),
                process_group=0,
            )
        except BaseException:
            ours.close()
            os.close(reading)
            raise
        finally:
            theirs.close()
            os.close(writing)
        self._on_group(self._process.pid, True)
        self._channel = Channel(ours, reading, log.line)

    @property
    def is_alive(self) -> bool:
        """Whether the process can serve another invocation."""
        return not self._is_closed and self._process.poll() is None

    def invoke(
        self,
        event: Any,
        *,
        request_id: str,
        arn: str,
        trace: str | None,
    ) -> Outcome:
        """Serve one invocation; afterwards the process is frozen, or gone."""
        self._log.request_id = request_id
        self._signal(signal.SIGCONT)
        if not self._is_ready:
            ended = self._await_ready(request_id)
            if ended is not None:
                return ended
        self._log.start(request_id)
        started = time.monotonic()
        deadline = started + self.function.timeout_seconds
        deadline_ms = int((time.time() + self.function.timeout_seconds) * 1000)
        message = {"id": request_id, "deadline": deadline_ms, "arn": arn, "trace": trace, "event": event}
        if self._channel.send(json.dumps(message).encode(), deadline):
            frame, failure = self._await_answer(request_id, deadline)
        else:
            frame, failure = _NOTHING, self._ended(request_id, deadline)
        seconds = min(time.monotonic() - started, self.function.timeout_seconds)
        self._settle(is_over=failure is not None or frame["kind"] == "fatal")
        payload, is_error = frame["payload"], frame["kind"] != "response"
        if failure is None and not is_error and frame["size"] > failures.RESPONSE_LIMIT_BYTES:
            failure = failures.response_too_large()
        if failure is not None:
            payload, is_error = failure.payload(), True
        elif frame["kind"] == "fatal":
            failure = failures.fatal(request_id, payload)
        return self._report(payload, is_error=is_error, seconds=seconds, failure=failure, trace=trace)

    def kill(self) -> None:
        """End the process and everything it has started."""
        if self._is_closed:
            return
        self._is_closed = True
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._on_group(self._process.pid, False)
        self._channel.flush()  # only now: who prints without end would keep us reading
        self._channel.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def end(self) -> None:
        """End the process while another thread waits for its answer; that one cleans up."""
        self._signal(signal.SIGKILL)

    def _await_ready(self, request_id: str) -> Outcome | None:
        """Wait for the handler to be loaded; the time beyond the limit of an init counts as the invocation's own."""
        frame, failure = self._await_answer(request_id, self._started + INIT_SECONDS + self.function.timeout_seconds)
        seconds = time.monotonic() - self._started
        if failure is None and frame["kind"] == "ready":
            self._is_ready = True
            self._init_seconds = seconds
            return None
        self._settle(is_over=True)
        self._log.start(request_id)
        payload = frame["payload"] if failure is None else failure.payload()
        failure = failure or failures.fatal(request_id, payload)
        return self._report(payload, is_error=True, seconds=seconds, failure=failure, trace=None)

    def _report(
        self, payload: object, *, is_error: bool, seconds: float, failure: Failure | None, trace: str | None
    ) -> Outcome:
        init_seconds, self._init_seconds = self._init_seconds, None
        self._log.report(Report(seconds, self._peak_kib, init_seconds, failure, trace))
        is_cold = init_seconds is not None
        return Outcome(payload, is_error=is_error, log=self._log.take_tail(), is_cold=is_cold)

    def _await_answer(self, request_id: str, deadline: float) -> tuple[dict[str, Any], Failure | None]:
        while True:
            try:
                frame = self._channel.receive(deadline, LOOK_AROUND_SECONDS)
            except ConnectionError:
                return _NOTHING, self._ended(request_id, deadline)
            if frame is not None:
                self._peak_kib = max(self._peak_kib, frame.get("rss") or 0)
                return frame, None
            if time.monotonic() >= deadline:
                self.kill()
                return _NOTHING, failures.timed_out(request_id, self.function.timeout_seconds)
            if self._process.poll() is not None:
                return _NOTHING, self._ended(request_id, deadline)
            if self._resident_kib() > self.function.memory_mib * 1024:
                self.kill()
                return _NOTHING, failures.out_of_memory(request_id)

    def _ended(self, request_id: str, deadline: float) -> Failure:
        """Say how the process ended that has closed its channel."""
        try:
            code = self._process.wait(max(0.0, min(EXIT_SECONDS, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        self.kill()
        return failures.exited(request_id, code)

    def _settle(self, *, is_over: bool) -> None:
        """Freeze the process until its next invocation, as Lambda does: work left behind stands still."""
        if is_over:
            self.kill()
        else:
            self._signal(signal.SIGSTOP)
            self._channel.flush()
            self.idle_since = time.monotonic()

    def _resident_kib(self) -> int:
        """The memory that is the process's own; 0 where the system does not tell."""
        try:
            fields = Path(f"/proc/{self._process.pid}/statm").read_text().split()
        except OSError:
            return 0
        return (int(fields[1]) - int(fields[2])) * _PAGE_KIB

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
