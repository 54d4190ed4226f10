"""The `local status` command: what runs, and where it answers."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from constructs_lib.local.deployed_names import FUNCTION, all_named
from constructs_lib.local.running import RunningAws, record_of
from constructs_lib.local.state_folder import StatePaths
from constructs_lib.local.terminal import Terminal, complain
from constructs_lib.problem import LocalError

if TYPE_CHECKING:
    from pathlib import Path

    from constructs_lib.local.run_record import RunRecord

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def run(state: Path, form: Literal["text", "json"]) -> int:
    """Say what runs; returns 1 when nothing does."""
    try:
        record = record_of(state)
    except LocalError as error:
        if form == "json":
            sys.stdout.write(json.dumps({"running": False, "state": str(state.absolute())}) + "\n")
        else:
            complain(str(error))
        return 1
    aws = RunningAws(record, StatePaths(state.absolute()))
    if form == "json":
        sys.stdout.write(json.dumps(_described(aws), indent=2) + "\n")
    else:
        _print(aws, Terminal(sys.stdout))
    return 0


def _described(aws: RunningAws) -> dict[str, Any]:
    """Everything but the key, which is nobody's to see."""
    record = aws.record
    return {
        "running": True,
        "ready": record.is_ready,
        "watching": record.is_watching,
        "state": str(aws.paths.path),
        "pid": record.pid,
        "started": datetime.fromtimestamp(record.started, UTC).isoformat(timespec="seconds"),
        "endpoint": record.endpoint,
        "url": record.app_url,
        "page": record.page_url,
        "region": record.region,
        "iam": record.iam,
        "assembly": record.assembly,
        "stacks": [{"name": name, "region": region} for name, region in record.stacks],
        "functions": [
            {"path": each.path, "name": each.name, "region": each.region} for each in all_named(aws.stacks, FUNCTION)
        ],
    }


def _print(aws: RunningAws, terminal: Terminal) -> None:
    record = aws.record
    terminal.step("run", f"{_readiness(record)}, process {record.pid}, for {_duration(time.time() - record.started)}")
    terminal.step("apis", record.app_url)
    terminal.step("aws", f"{record.endpoint}  (region {record.region}, root key test/test, iam {record.iam})")
    if record.page_url:
        terminal.step("page", record.page_url)
    terminal.step("state", str(aws.paths.path))
    for name, region in record.stacks:
        terminal.step("stack", name if region == record.region else f"{name}  ({region})")
    functions = list(all_named(aws.stacks, FUNCTION))
    width = max((len(each.path) for each in functions), default=0)
    for each in functions:
        terminal.step("function", f"{each.path.ljust(width)}  {each.name}")


def _readiness(record: RunRecord) -> str:
    if not record.is_ready:
        return "starting"
    return "ready, takes up what is saved" if record.is_watching else "ready"


def _duration(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"
