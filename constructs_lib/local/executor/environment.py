"""One execution environment: a process that holds one function and serves one invocation at a time."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constructs_lib.local.executor import failure as failures
from constructs_lib.local.executor.channel import Channel
from constructs_lib.local.executor.deadline import Deadline
from constructs_lib.local.executor.invocation import Kept
from constructs_lib.local.executor.log import Report
from constructs_lib.local.executor.process_group import ProcessGroup
from constructs_lib.local.executor.run import ANSWERS, Outcome, Run, content_of

if TYPE_CHECKING:
    from constructs_lib.local.executor.environment_api import EnvironmentApi
    from constructs_lib.local.executor.failure import Failure
    from constructs_lib.local.executor.function import Function
    from constructs_lib.local.executor.invocation import Invocation, Listener
    from constructs_lib.local.executor.log import FunctionLog

INIT_SECONDS = 10.0  # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
SHUTDOWN_SECONDS = 2.0  # for extensions, of the same page
LOOK_AROUND_SECONDS = 0.1  # how often a running process is checked for its memory and its life
EXIT_SECONDS = 2.0
# Told of a function, its folder, an invocation and what that left behind; answers the lines for its log.
LeftBehind = Callable[["Function", Path, "Invocation", Sequence[Mapping[str, Any]]], list[str]]
_NOTHING: dict[str, Any] = {"kind": "", "payload": None, "size": 0}


@dataclass(frozen=True, slots=True)
class Programs:
    """What is started in an environment.

    Args:
        command: The command line of the runtime.
        extensions: The external extensions.
        is_custom: Whether the runtime speaks the Runtime API over HTTP, rather than with us.
        variables: The environment variables of all of them.
        folder: Their working folder, where the code is.
        temporary: A folder of their own, removed with the environment.
    """

    command: list[str]
    extensions: list[Path]
    is_custom: bool
    variables: Mapping[str, str]
    folder: Path
    temporary: Path


class Environment:
    """Started processes.

    Args:
        function: What they run.
        programs: What is started.
        log: Where their output goes.
        on_group: Called with the process group and whether it came or went.
        left_behind: What to say of what a handler left behind, out of what its bootstrap says of it.
        api: What answers under AWS_LAMBDA_RUNTIME_API, if anything does.
    """

    def __init__(
        self,
        function: Function,
        programs: Programs,
        *,
        log: FunctionLog,
        on_group: Callable[[int, bool], None],
        left_behind: LeftBehind,
        api: EnvironmentApi | None,
    ) -> None:
        """Start the processes; they load the handler while we return."""
        self.function = function
        self.idle_since = time.monotonic()
        self._programs = programs
        self._log = log
        self._left_behind = left_behind
        self._api = api
        self._init_seconds: float | None = None
        self._is_ready = False
        self._is_prepared = False
        self._is_closed = False
        self._peak_kib = 0
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        self._group = ProcessGroup(
            folder=programs.folder, variables=programs.variables, output=writing, on_group=on_group
        )
        log.init_start()
        self._started = time.monotonic()
        try:
            self._extensions = [self._group.start([str(each)], subprocess.DEVNULL) for each in programs.extensions]
            if api is not None and programs.is_custom:
                self._process = self._group.start(programs.command, subprocess.DEVNULL)
                api.serve_runtime(theirs)
            else:
                self._process = self._group.start(programs.command, theirs.fileno())
                theirs.close()
        except BaseException:
            self._group.kill()
            ours.close()
            theirs.close()
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._channel = Channel(ours, reading, log.line)

    @property
    def is_alive(self) -> bool:
        """Whether the process can serve another invocation."""
        return not self._is_closed and self._process.poll() is None

    @property
    def is_prepared(self) -> bool:
        """Whether it was made ready before anybody asked for it."""
        return self._is_prepared

    def prepare(self) -> None:
        """Load the handler before anybody invokes it, and freeze; an environment that cannot is gone."""
        deadline = Deadline(self._started, INIT_SECONDS)
        frame, failure = self._await_frame("", deadline, Kept())
        if failure is None and frame["kind"] == "ready":
            failure = self._await_extensions("", deadline)
        self._is_ready = self._is_prepared = failure is None and frame["kind"] == "ready"
        self._init_seconds = time.monotonic() - self._started
        self._settle(is_over=not self._is_ready)
        self._log.flush()

    @property
    def is_plain(self) -> bool:
        """Whether it has loaded its handler, and nobody but the handler has to be waited for."""
        return self._is_ready and self._api is None

    @property
    def number(self) -> int:
        """The file descriptor that answers arrive at."""
        return self._channel.number

    def invoke(self, invocation: Invocation) -> Outcome:
        """Serve one invocation; afterwards the process is frozen, or gone."""
        self._log.request_id = invocation.request_id
        if not self._is_ready:
            self._group.signal(signal.SIGCONT)
            ended = self._await_ready(invocation.request_id)
            if ended is not None:
                return ended
        return self.finish(self.begin(invocation))

    def begin(self, invocation: Invocation, *, is_quick: bool = False) -> Run:
        """Hand an invocation to the process, which has loaded its handler; `finish` waits for the answer.

        Args:
            invocation: The invocation.
            is_quick: Whether nobody may wait: `finish` sends what the process does not take at once, and the file of
                all functions may hear of it a moment later.
        """
        self._group.signal(signal.SIGCONT)
        started, limit, kept = time.monotonic(), self.function.timeout_seconds, Kept()
        run = Run(invocation, started, Deadline(started, limit), invocation.listener or kept, kept)
        deadline_ms = int((time.time() + limit) * 1000)
        if self._api is not None:
            self._api.begin(invocation, deadline_ms)
        frame = self._channel.framed(invocation.message(deadline_ms))
        if is_quick:
            run.unsent = self._channel.send_now(frame)
        run.is_sent = not run.unsent if is_quick else self._channel.send(frame, run.deadline.at)
        self._log.is_written_soon = is_quick
        self._log.start(invocation.request_id)
        return run

    def look(self, run: Run) -> bool:
        """Whether the answer is there; what is streamed goes to the listener. Never waits.

        Raises:
            ConnectionError: The process is gone.
        """
        while run.answer is None and (frame := self._channel.receive_now()) is not None:
            if not self._is_streamed(frame, run.listener):
                run.answer = frame
        return run.answer is not None

    def finish(self, run: Run) -> Outcome:
        """Wait for the end of an invocation."""
        failure: Failure | None = None
        answer = run.answer or _NOTHING
        request_id, deadline = run.invocation.request_id, run.deadline
        if run.answer is None:
            self._log.is_written_soon = False
        if not run.is_sent and not (run.unsent and self._channel.send(run.unsent, deadline.at)):
            failure = self._ended(request_id, deadline)
        elif run.answer is None:
            answer, failure = self._await_frame(request_id, deadline, run.listener)
        else:
            self._note_memory(answer)
        late = None
        if failure is None and answer["kind"] != "fatal":
            late = self._await_rest(request_id, deadline)
        seconds = min(time.monotonic() - run.started, self.function.timeout_seconds)
        self._settle(is_over=failure is not None or late is not None or answer["kind"] == "fatal")
        invocation, folder = run.invocation, self._programs.folder
        for line in self._left_behind(self.function, folder, invocation, answer.get("unfinished") or ()):
            self._log.line(line)
        if failure is None and answer["kind"] == "fatal":
            told = failures.fatal(request_id, answer["payload"])
            return self._report(answer["payload"], is_error=True, seconds=seconds, failure=told, trace=invocation.trace)
        is_error = failure is None and answer["kind"] not in ANSWERS
        payload, raw, size = content_of(answer, run.kept)
        if failure is None and not is_error and size > failures.RESPONSE_LIMIT_BYTES:
            failure = failures.response_too_large()
        if failure is not None:
            payload, raw, is_error = failure.payload(), None, True
        reported = failure or late
        return self._report(
            payload, is_error=is_error, seconds=seconds, failure=reported, trace=invocation.trace, raw=raw
        )

    def shut_down(self) -> None:
        """End the environment as Lambda ends an idle one: extensions hear of it first, if there are any."""
        if self._is_closed or self._api is None or not self._api.extensions.are_registered:
            self.kill()
            return
        self._group.signal(signal.SIGCONT)
        self._process.terminate()
        self._api.extensions.shut_down("spindown", SHUTDOWN_SECONDS)
        self._group.await_end([self._process, *self._extensions], SHUTDOWN_SECONDS)
        self.kill()
        self._log.flush()

    def kill(self) -> None:
        """End the process and everything it has started."""
        if self._is_closed:
            return
        self._is_closed = True
        self._group.kill()
        self._channel.flush()  # only now: who prints without end would keep us reading
        self._channel.close()
        if self._api is not None:
            self._api.close()
        shutil.rmtree(self._programs.temporary, ignore_errors=True)

    def end(self) -> None:
        """End the process while another thread waits for its answer; that one cleans up."""
        self._group.signal(signal.SIGKILL)

    def _await_ready(self, request_id: str) -> Outcome | None:
        """Wait for the handler to be loaded; the time beyond the limit of an init counts as the invocation's own."""
        deadline = Deadline(self._started, INIT_SECONDS + self.function.timeout_seconds)
        frame, failure = self._await_frame(request_id, deadline, Kept())
        if failure is None and frame["kind"] == "ready":
            failure = self._await_extensions(request_id, deadline)
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
        self,
        payload: object,
        *,
        is_error: bool,
        seconds: float,
        failure: Failure | None,
        trace: str | None,
        raw: bytes | None = None,
    ) -> Outcome:
        init_seconds, self._init_seconds = self._init_seconds, None
        self._log.report(Report(seconds, self._peak_kib, init_seconds, failure, trace))
        is_cold = init_seconds is not None and not self._is_prepared
        return Outcome(payload, is_error=is_error, log=self._log.take_tail(), raw=raw, is_cold=is_cold)

    def _await_frame(
        self, request_id: str, deadline: Deadline, listener: Listener
    ) -> tuple[dict[str, Any], Failure | None]:
        """Wait for what the runtime says next; what it streams meanwhile goes to the listener."""
        while True:
            try:
                frame = self._channel.receive(deadline.at, LOOK_AROUND_SECONDS)
            except ConnectionError:
                return _NOTHING, self._ended(request_id, deadline)
            deadline.waited(LOOK_AROUND_SECONDS)
            if frame is not None and not self._is_streamed(frame, listener):
                self._note_memory(frame)
                return frame, None
            if deadline.is_over:
                self.kill()
                return _NOTHING, failures.timed_out(request_id, self.function.timeout_seconds)
            if frame is None:
                failure = self._look_around(request_id, deadline)
                if failure is not None:
                    return _NOTHING, failure
            deadline.began_to_wait()

    @staticmethod
    def _is_streamed(frame: Mapping[str, Any], listener: Listener) -> bool:
        """Hand a frame to who listens, if it is a part of a streamed answer."""
        if frame["kind"] == "begin":
            listener.begin(frame["payload"])
        elif frame["kind"] == "part":
            listener.part(base64.b64decode(frame["payload"]))
        else:
            return False
        return True

    def _note_memory(self, frame: Mapping[str, Any]) -> None:
        self._peak_kib = max(self._peak_kib, frame.get("rss") or self._group.resident_kib())

    def _look_around(self, request_id: str, deadline: Deadline) -> Failure | None:
        """Whether something went wrong with the processes that none of them tells."""
        if self._process.poll() is not None:
            return self._ended(request_id, deadline)
        for each in self._extensions:
            if each.poll() is not None:
                self.kill()
                return failures.extension_crashed(request_id, each.returncode)
        if self._api is not None and self._api.extensions.failure:
            self.kill()
            return failures.extension_failed(request_id, self._api.extensions.failure)
        if self._group.resident_kib() > self.function.memory_mib * 1024:
            self.kill()
            return failures.out_of_memory(request_id)
        return None

    def _await_rest(self, request_id: str, deadline: Deadline) -> Failure | None:
        """After the answer: wait until a custom runtime and the extensions ask for their next event."""
        if self._programs.is_custom:
            _, failure = self._await_frame(request_id, deadline, Kept())
            if failure is not None:
                return failure
        return self._await_extensions(request_id, deadline)

    def _await_extensions(self, request_id: str, deadline: Deadline) -> Failure | None:
        if self._api is None:
            return None
        deadline.began_to_wait()
        while not self._api.extensions.await_idle(LOOK_AROUND_SECONDS) or self._api.extensions.failure:
            deadline.waited(LOOK_AROUND_SECONDS)
            self._channel.flush()
            if deadline.is_over:
                self.kill()
                return failures.timed_out(request_id, self.function.timeout_seconds)
            failure = self._look_around(request_id, deadline)
            if failure is not None:
                return failure
            deadline.began_to_wait()
        return None

    def _ended(self, request_id: str, deadline: Deadline) -> Failure:
        """Say how the process ended that has closed its channel."""
        try:
            code = self._process.wait(max(0.0, min(EXIT_SECONDS, deadline.at - time.monotonic())))
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        self.kill()
        return failures.exited(request_id, code)

    def _settle(self, *, is_over: bool) -> None:
        """Freeze the process until its next invocation, as Lambda does: work left behind stands still."""
        if is_over:
            self.kill()
        else:
            self._group.signal(signal.SIGSTOP)
            self._channel.flush()
            self.idle_since = time.monotonic()
