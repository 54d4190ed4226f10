"""Runs functions: an environment for each concurrent invocation, used again while the function stays the same."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from constructs_lib.local.executor import failure as failures
from constructs_lib.local.executor import runtimes
from constructs_lib.local.executor.environment import Environment, Programs
from constructs_lib.local.executor.environment_api import EnvironmentApi
from constructs_lib.local.executor.function import Function
from constructs_lib.local.executor.invocation import Invocation, Listener
from constructs_lib.local.executor.log import FunctionLog, LogFile, Store
from constructs_lib.local.executor.run import Outcome, Run
from constructs_lib.local.executor.source_maps import SourceMaps
from constructs_lib.local.executor.unfinished import Unfinished, read_unfinished
from constructs_lib.local.executor.unpacked import UnpackedCode
from constructs_lib.local.executor.variables import variables_of
from constructs_lib.local.executor.wanted_ports import WantedPorts

IDLE_SECONDS = 600.0  # how long an environment waits for its next invocation; Lambda keeps them minutes too
PREPARED_SECONDS = 3600.0  # those of provisioned concurrency stay as long as it does, on Lambda
TIDY_SECONDS = 30.0  # how often those that wait are looked through, where no invocation does it on its way
CLOSE_SECONDS = 2.0
ON_DEMAND, PROVISIONED = "on-demand", "provisioned-concurrency"  # as AWS_LAMBDA_INITIALIZATION_TYPE says it


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the executor gets from the embedded AWS.

    Args:
        work: A folder of its own.
        endpoint: Where functions reach the AWS API.
        log_file: The file that receives the lines of all functions.
        store: Puts log events into a function's log group, and answers why not, if not.
        credentials: The variables with the credentials of a function's role.
        on_unfinished: Called with a function, a request and what it left behind, once for each place in the code.
        source_maps: Where lines of bundles are found in their sources.
    """

    work: Path
    endpoint: str
    log_file: Path | None
    store: Store
    credentials: Callable[[Function], Mapping[str, str]]
    on_unfinished: Callable[[Function, str, Unfinished], None] = lambda *_: None
    source_maps: SourceMaps = field(default_factory=SourceMaps)


class Executor:
    """All environments of one embedded AWS.

    Args:
        surroundings: What it works with.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        """Prepare the folders; nothing is started before the first invocation, but the reaper."""
        work = surroundings.work
        self._surroundings = surroundings
        self._code = UnpackedCode(work / "code")
        self._provided = work / "provided"
        runtimes.link_provided(self._provided)
        (work / "environments").mkdir(parents=True, exist_ok=True)
        self._log_file = LogFile(surroundings.log_file)
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str], list[Environment]] = {}
        self._all: set[Environment] = set()
        self._lock_of_reaper = threading.Lock()
        self._is_closed = False
        self._tidied = time.monotonic()
        self._ports = WantedPorts()
        self._told_unfinished: set[tuple[str, str]] = set()
        # Segments of X-Ray go here and no further: nobody reads them, and the system drops what does not fit.
        self._xray = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._xray.bind(("127.0.0.1", 0))
        self._reaper = subprocess.Popen(  # noqa: S603 (our own program and our own folder)
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("reaper.py")), str(work)],
            stdin=subprocess.PIPE,
            env={},
            start_new_session=True,
        )

    def invoke(
        self,
        function: Function,
        event: Any,
        *,
        request_id: str,
        trace: str | None,
        client_context: Any = None,
        listener: Listener | None = None,
    ) -> Outcome:
        """Run the function once, in an idle environment or a new one."""
        invocation = Invocation(event, request_id, function.arn, trace, client_context, listener)
        try:
            environment = self._take(function) or self._start(function)
        except (OSError, ValueError) as error:
            reason = f"RequestId: {request_id} Error: the function cannot be started here: {error}"
            return Outcome(failures.cannot_start(reason).payload(), is_error=True, log="")
        return self._serve(environment, partial(environment.invoke, invocation))

    def take_idle(self, function: Function) -> Environment | None:
        """An environment that has nothing to do and can begin at once, if there is one; `give_back` returns it."""
        now = time.monotonic()
        if now - self._tidied > TIDY_SECONDS:
            self._tidied = now
            threading.Thread(target=self._tidy, name="tidy", daemon=True).start()
        with self._lock:
            mine = self._idle.get(function.key)
            if not mine:
                return None
            found = mine[-1]
            if found.function.revision != function.revision or not found.is_plain or not found.is_alive:
                return None  # what has become outdated goes when an invocation takes the usual way
            return mine.pop()

    def finish(self, environment: Environment, run: Run) -> Outcome:
        """Wait for the end of what was begun in an environment that was taken, and give it back."""
        return self._serve(environment, partial(environment.finish, run))

    def prepare(self, function: Function, count: int) -> None:
        """Make environments ready before anybody asks for them, and wait for them; one that fails is gone."""
        for _ in range(count):
            environment = self._start(function, PROVISIONED)
            environment.prepare()
            self.give_back(environment)

    def say(self, function: Function, request_id: str, text: str) -> None:
        """Tell of a function, where the lines of all functions go, what its own log does not hold."""
        self._log_file.write(time.time(), function.name, request_id, text)

    def flush(self) -> None:
        """Write what the file of all functions has not been told yet."""
        self._log_file.flush()

    def end_functions(self) -> None:
        """End every environment for good; who waits for an answer gets an error."""
        with self._lock:
            self._is_closed = True
            idle = [each for environments in self._idle.values() for each in environments]
            busy, self._all = self._all.difference(idle), set()
            self._idle.clear()
        for environment in busy:
            environment.end()
        with ThreadPoolExecutor(max(1, len(idle))) as pool:
            list(pool.map(Environment.shut_down, idle))

    def end_running(self, function_name: str = "") -> int:
        """Kill what runs at this moment, and wait until whoever waited for an answer has got an error.

        Args:
            function_name: The function. Default: all of them.

        Returns:
            How many invocations that were.
        """
        with self._lock:
            idle = {each for environments in self._idle.values() for each in environments}
            busy = {each for each in self._all - idle if function_name in {"", each.function.name}}
        for environment in busy:
            environment.end()
        deadline = time.monotonic() + CLOSE_SECONDS
        while self._are_running(busy) and time.monotonic() < deadline:
            time.sleep(0.001)
        return len(busy)

    def _are_running(self, environments: set[Environment]) -> bool:
        with self._lock:
            idle = {each for waiting in self._idle.values() for each in waiting}
            return bool(environments & self._all - idle)

    def end_idle(self, function_name: str) -> None:
        """End the environments of a function that wait for its next invocation."""
        with self._lock:
            ended = [
                environment
                for environments in self._idle.values()
                for environment in environments
                if environment.function.name == function_name
            ]
            for environments in self._idle.values():
                environments[:] = [each for each in environments if each not in ended]
            self._all.difference_update(ended)
        for environment in ended:
            environment.kill()

    def close(self) -> None:
        """End every environment, and the reaper, which has nothing left to do."""
        self.end_functions()
        self.flush()
        self._ports.close()
        self._xray.close()
        if self._reaper.stdin is not None:
            self._reaper.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._reaper.wait(CLOSE_SECONDS)

    def _take(self, function: Function) -> Environment | None:
        """An idle environment of the function as it is now; what has died, aged or become outdated goes."""
        with self._lock:
            dropped = self._without_use(function)
            mine = self._idle.get(function.key)
            taken = mine.pop() if mine else None
        for environment in dropped:
            environment.shut_down()
        return taken

    def _tidy(self) -> None:
        with self._lock:
            dropped = self._without_use()
        for environment in dropped:
            environment.shut_down()

    def _without_use(self, function: Function | None = None) -> list[Environment]:
        """Take out the idle environments that have died, aged, or hold another revision of the function."""
        now = time.monotonic()
        dropped: list[Environment] = []
        for key, environments in self._idle.items():
            for environment in list(environments):
                is_other = (
                    function is not None and key == function.key and environment.function.revision != function.revision
                )
                is_old = environment.idle_since < now - (PREPARED_SECONDS if environment.is_prepared else IDLE_SECONDS)
                if is_other or is_old or not environment.is_alive:
                    environments.remove(environment)
                    dropped.append(environment)
        self._all.difference_update(dropped)
        return dropped

    def _start(self, function: Function, initialization: str = ON_DEMAND) -> Environment:
        folder = self._code.folder_of(function.code)
        opt = self._code.folder_of_layers(function.layers)
        command = runtimes.command(function, self._provided, folder, opt)
        extensions = runtimes.external_extensions(opt)
        is_custom = runtimes.is_custom(function.runtime)
        temporary = Path(tempfile.mkdtemp(dir=self._surroundings.work / "environments"))
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"
        host, port = self._xray.getsockname()
        # Extensions inside the runtime come with layers: without one nobody would ask.
        has_api = is_custom or bool(function.layer_arns)
        api = EnvironmentApi(function, [each.name for each in extensions]) if has_api else None
        log = FunctionLog(function, stream, self._surroundings.store, self._log_file, initialization)
        variables = variables_of(
            function,
            code=folder,
            opt=opt,
            temporary=temporary,
            log_stream=stream,
            credentials=self._surroundings.credentials(function),
            endpoint=self._surroundings.endpoint,
            xray_address=f"{host}:{port}",
            runtime_api="" if api is None else api.address,
            initialization=initialization,
        )
        try:
            if api is not None and function.reads_values_by_extension:
                variables |= api.read_values(variables, log.line, self._ports)
            environment = Environment(
                function,
                Programs(command, extensions, is_custom, variables, folder, temporary),
                log=log,
                on_group=self._tell_reaper,
                left_behind=self._left_behind,
                api=api,
            )
        except BaseException:
            if api is not None:
                api.close()
            raise
        with self._lock:
            if not self._is_closed:
                self._all.add(environment)
                return environment
        environment.kill()
        raise OSError("the embedded AWS is stopping")

    def _serve(self, environment: Environment, serve: Callable[[], Outcome]) -> Outcome:
        try:
            return serve()
        except BaseException:
            environment.kill()
            raise
        finally:
            self.give_back(environment)

    def give_back(self, environment: Environment) -> None:
        """Let an environment that has served wait for its next invocation; one that is gone is forgotten."""
        with self._lock:
            if environment.is_alive and not self._is_closed:
                self._idle.setdefault(environment.function.key, []).append(environment)
                return
            self._all.discard(environment)
        environment.kill()

    def _left_behind(
        self, function: Function, folder: Path, invocation: Invocation, entries: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        """Say what a handler left behind, once for each place in the code."""
        lines = []
        for each in read_unfinished(entries, folder, self._surroundings.source_maps) if entries else ():
            with self._lock:
                is_known = (function.name, each.place) in self._told_unfinished
                self._told_unfinished.add((function.name, each.place))
            if not is_known:
                self._surroundings.on_unfinished(function, invocation.request_id, each)
                lines.append(each.line(invocation.request_id, as_json=function.log_json))
        return lines

    def _tell_reaper(self, group: int, came: bool) -> None:
        pipe = self._reaper.stdin
        if pipe is None:
            return
        with self._lock_of_reaper, contextlib.suppress(OSError, ValueError):
            pipe.write(f"{'+' if came else '-'}{group}\n".encode())
            pipe.flush()
