"""A function's log: its own lines and the platform's, to CloudWatch Logs and to the file the parent streams.

The formats are AWS's: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

from __future__ import annotations

import functools
import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from constructs_lib.local.executor.failure import Failure
    from constructs_lib.local.executor.function import Function

TAIL_BYTES = 4096  # what LogType=Tail returns
BATCH_LINES = 500

# Puts events into the function's log group and answers why it cannot, if it cannot.
Store = Callable[["Function", str, list[tuple[int, str]]], str]


def now_text(seconds: float | None = None) -> str:
    """The time as log lines carry it, to the millisecond, in UTC."""
    milliseconds = int((time.time() if seconds is None else seconds) * 1000)
    return f"{_second_text(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@functools.lru_cache(maxsize=8)
def _second_text(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


@dataclass(frozen=True, slots=True)
class Report:
    """How one invocation went.

    Args:
        seconds: How long it took.
        peak_kib: The most memory the environment has used so far.
        init_seconds: How long the environment took to load the handler, if this is its first invocation.
        failure: Why the environment failed, if it did.
        trace: The trace header of the invocation.
    """

    seconds: float
    peak_kib: int
    init_seconds: float | None
    failure: Failure | None
    trace: str | None

    @property
    def billed_ms(self) -> int:
        """Whole milliseconds; Lambda bills the init too."""
        return math.ceil((self.seconds + (self.init_seconds or 0)) * 1000)


class LogFile:
    """One file with the lines of all functions, one JSON object a line.

    Args:
        path: Where it is; None writes nothing.
    """

    def __init__(self, path: Path | None) -> None:
        """Open the file for appending."""
        self._lock = threading.Lock()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._file = None if path is None else path.open("a", encoding="utf-8")
        self._unwritten: list[tuple[float, str, str, tuple[str, ...]]] = []

    def write(self, seconds: float, function: str, request_id: str, *lines: str, is_soon: bool = False) -> None:
        """Append lines at once, so that a reader sees them now; or with the next ones, or at a flush."""
        if self._file is None:
            return
        with self._lock:
            self._unwritten.append((seconds, function, request_id, lines))
        if not is_soon:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            if self._file is None or not self._unwritten:
                return
            told = ""
            for seconds, function, request_id, lines in self._unwritten:
                head = json.dumps({"time": now_text(seconds), "function": function, "request_id": request_id})[:-1]
                told += "".join([f'{head}, "line": {json.dumps(line)}}}\n' for line in lines])
            self._unwritten.clear()
            self._file.write(told)
            self._file.flush()


class FunctionLog:
    """The log stream of one environment.

    Args:
        function: Whose log it is.
        stream: The name of the log stream.
        store: Puts events into the function's log group.
        file: The file of all functions.
        initialization: How the environment was initialised, as the platform tells it.
    """

    def __init__(
        self, function: Function, stream: str, store: Store, file: LogFile, initialization: str = "on-demand"
    ) -> None:
        """Begin an empty log."""
        self._initialization = initialization
        self.function = function
        self.stream = stream
        self.request_id = ""
        self.is_written_soon = False  # rather than at once, to the file of all functions
        self._store = store
        self._file = file
        self._pending: list[tuple[int, str]] = []
        self._tail = bytearray()
        self._is_refused = False

    def line(self, *texts: str) -> None:
        """Take one line, or several at once."""
        now = time.time()
        self._file.write(now, self.function.name, self.request_id, *texts, is_soon=self.is_written_soon)
        for text in texts:
            self._pending.append((int(now * 1000), text))
            self._tail += text.encode("utf-8", "replace") + b"\n"
        if len(self._tail) > 2 * TAIL_BYTES:
            del self._tail[:-TAIL_BYTES]
        if len(self._pending) >= BATCH_LINES:
            self.flush()

    def flush(self) -> None:
        """Hand everything over to the log group."""
        if self._pending:
            batch, self._pending = self._pending, []
            refusal = self._store(self.function, self.stream, batch)
            if refusal and not self._is_refused:
                self._is_refused = True
                self._file.write(time.time(), self.function.name, self.request_id, refusal)

    def take_tail(self) -> str:
        """The last lines since the last time, at most what LogType=Tail returns."""
        tail, self._tail = bytes(self._tail[-TAIL_BYTES:]), bytearray()
        return tail.decode("utf-8", "replace")

    def init_start(self) -> None:
        """The platform starts an environment."""
        version = self.function.runtime
        if self.function.log_json:
            record = {"initializationType": self._initialization, "phase": "init", "runtimeVersion": version}
            self._platform("platform.initStart", {**record, "functionName": self.function.name})
        else:
            self.line(f"INIT_START Runtime Version: {version}")

    def start(self, request_id: str) -> None:
        """The platform starts an invocation."""
        self.request_id = request_id
        if self.function.log_json:
            self._platform("platform.start", {"requestId": request_id, "version": self.function.version})
        else:
            self.line(f"START RequestId: {request_id} Version: {self.function.version}")

    def report(self, report: Report) -> None:
        """The platform closes an invocation."""
        memory = min(self.function.memory_mib, max(1, round(report.peak_kib / 1024)))
        if self.function.log_json:
            self._report_json(report, memory)
        else:
            self._report_text(report, memory)
        self.flush()

    def _report_json(self, report: Report, memory: int) -> None:
        metrics = {
            "durationMs": round(report.seconds * 1000, 3),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": self.function.memory_mib,
            "maxMemoryUsedMB": memory,
        }
        if report.init_seconds is not None:
            metrics["initDurationMs"] = round(report.init_seconds * 1000, 3)
        failure = report.failure
        record: dict[str, Any] = {"requestId": self.request_id, "metrics": metrics}
        record["status"] = "success" if failure is None else failure.status
        if failure is not None:
            record["errorType"] = failure.report_type or failure.error_type
        if report.trace is not None and self.function.is_traced:
            record["tracing"] = {"type": "X-Amzn-Trace-Id", "value": report.trace}
        self._platform("platform.report", record, is_quiet=failure is None)

    def _report_text(self, report: Report, memory: int) -> None:
        failure = report.failure
        if failure is not None and failure.status == "timeout":
            told = failure.message.partition(" Error: ")[2]
            self.line(f"{now_text()} {self.request_id} {told}\n")
        elif failure is not None:
            self.line(f"{failure.message}\n{failure.error_type}")
        parts = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {report.seconds * 1000:.2f} ms",
            f"Billed Duration: {report.billed_ms} ms",
            f"Memory Size: {self.function.memory_mib} MB",
            f"Max Memory Used: {memory} MB",
        ]
        if report.init_seconds is not None:
            parts.append(f"Init Duration: {report.init_seconds * 1000:.2f} ms")
        if failure is not None:
            parts.append(f"Status: {failure.status}")
            if failure.status != "timeout":
                parts.append(f"Error Type: {failure.report_type or failure.error_type}")
        text = "\t".join(parts) + "\t"
        if report.trace is not None and self.function.is_traced:
            root = report.trace.partition("Root=")[2].partition(";")[0]
            parent = report.trace.partition("Parent=")[2].partition(";")[0]
            text += f"\nXRAY TraceId: {root}\tSegmentId: {parent}\tSampled: true\t"
        self.line(f"END RequestId: {self.request_id}", text)

    def _platform(self, kind: str, record: dict[str, Any], *, is_quiet: bool = True) -> None:
        """Write a record of the platform, unless the function asked for less."""
        if is_quiet and self.function.system_log_level == "WARN":
            return
        self.line(json.dumps({"time": now_text(), "type": kind, "record": record}))
