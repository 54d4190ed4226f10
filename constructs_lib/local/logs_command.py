"""The `local logs` command: what the functions of a run have logged, and go on logging."""

from __future__ import annotations

import re
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from constructs_lib.local.deployed_names import FUNCTION, named
from constructs_lib.local.function_logs import FunctionLogs, LogLine, raw_text, readable_text
from constructs_lib.local.running import RunningAws
from constructs_lib.local.terminal import Terminal
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from pathlib import Path

LOOK_SECONDS = 0.1
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
AGO = re.compile(r"(?P<number>\d{1,6})(?P<unit>[smhd])")


def run(state: Path, function: str | None, *, since: str | None, follow: bool) -> int:
    """Print the lines."""
    begin = "" if since is None else _moment(since, datetime.now(UTC))
    aws = RunningAws.find(state)
    only = None if function is None else named(aws.stacks, FUNCTION, function).name
    names, logs, terminal = aws.function_paths(), FunctionLogs(aws.paths.function_log), Terminal(sys.stdout)

    def show(line: LogLine) -> None:
        path = names.get(line.function, line.function)
        text = readable_text(line, path) if terminal.is_rich else raw_text(line, path)
        if text is not None and line.time >= begin and only in {None, line.function}:
            terminal.line(text)

    while True:
        is_up = follow and aws.paths.is_held()  # asked first, so that its last lines are not missed
        for line in logs.new_lines():
            show(line)
        if not is_up:
            return 0
        time.sleep(LOOK_SECONDS)


def _moment(told: str, now: datetime) -> str:
    """The moment that is meant, as the lines write theirs."""
    ago = AGO.fullmatch(told)
    try:
        if ago is not None:
            moment = now - timedelta(seconds=int(ago["number"]) * UNITS[ago["unit"]])
        else:
            moment = datetime.fromisoformat(told).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        problem = Problem(
            what=f"{told!r} is no time", where="--since", fix="write 30s, 5m, 2h, or a time such as 2026-11-23T12:00"
        )
        raise LocalError(problem) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
