"""The `local permissions` command: granted, used and denied, of the run under way or the last one."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

from constructs_lib.local.json_lines import JsonLines
from constructs_lib.local.permission_fix import short
from constructs_lib.local.permissions import PermissionsReport
from constructs_lib.local.permissions_record import PermissionsRecord, keep_permissions
from constructs_lib.problem import LocalError, Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from constructs_lib.local.permissions import FunctionPermissions, Permission


MOST_LISTED = 10  # never used, at the end of a run
NEEDED = "needed"


def run(state: Path, form: str) -> int:
    """Write the report of the run that holds a state folder, or else of the last one that did.

    Args:
        state: The state folder.
        form: `text` or `json`.

    Raises:
        LocalError: No run has kept anything there.
    """
    _ask_running(state)
    report = report_of(state)
    if report is None:
        raise LocalError(
            Problem(
                what=f"no run has deployed anything with the state folder {state}",
                where=str(state.absolute()),
                fix="start one with constructs-lib local, or name its folder with --state",
            )
        )
    text = json.dumps(as_json(report), indent=2) if form == "json" else "\n".join(lines_of(report))
    sys.stdout.write(f"{text}\n")
    return 0


def report_of(state: Path) -> PermissionsReport | None:
    """Return what a state folder tells; nothing when no run has kept anything there."""
    record = PermissionsRecord.read(state)
    return None if record is None else PermissionsReport.of(record, JsonLines(state / "journal.jsonl").new())


def as_json(report: PermissionsReport) -> dict[str, object]:
    """Return the report for machines."""
    never_used = set(report.never_used)
    return {
        "functions": [
            {
                "path": each.path,
                "function": each.function,
                "ran": each.has_run,
                "granted": [
                    {
                        "action": permission.action,
                        "resource": permission.resource,
                        "used": permission.used,
                        "needed_by": list(permission.needed_by),
                        "never_used": (each.path, permission) in never_used,
                    }
                    for permission in each.permissions
                ],
            }
            for each in report.functions
        ],
        "denied": [
            {
                "caller": each.caller,
                "action": each.action,
                "resource": each.resource,
                "count": each.count,
                "passed": each.passed,
                "reason": each.reason,
                "fix": each.fix,
            }
            for each in report.denials
        ],
    }


def lines_of(report: PermissionsReport) -> Iterator[str]:
    """Yield the report for people."""
    for function in report.functions:
        yield function.path + ("" if function.has_run else "  (has not run)")
        yield from _granted(function, is_checked=report.is_checked)
    if report.denials:
        yield "denied"
        for each in report.denials:
            passed = ", passed" if each.passed else ""
            yield f"  {each.action} on {short(each.resource)}  ({_times(each.count)}{passed})"
            yield f"    at:  {each.caller}"
            yield f"    fix: {each.fix}"
    unused = len(report.never_used)
    if not report.is_checked:
        yield "no call was checked: nothing has run, or IAM was off"
        return
    yield f"{report.used} permissions used, {unused} never used by functions that ran, {len(report.denials)} denied"


def summary_of(report: PermissionsReport) -> list[str]:
    """Return what a run says of permissions at its end: nothing when nothing ran."""
    if report.is_empty:
        return []
    never = report.never_used
    lines = [f"{report.used} permissions used, {len(never)} never used, {len(report.denials)} denied"]
    lines += [
        f"  denied      {each.caller}  {each.action} on {short(each.resource)}  ({_times(each.count)})"
        for each in report.denials
    ]
    lines += [f"  never used  {path}  {each.action} on {short(each.resource)}" for path, each in never[:MOST_LISTED]]
    if len(never) > MOST_LISTED:
        lines.append(f"  and {len(never) - MOST_LISTED} more: constructs-lib local permissions")
    return lines


def _granted(function: FunctionPermissions, *, is_checked: bool) -> Iterator[str]:
    shown = [each for each in function.permissions if not each.is_excused]
    rows = [(_state(each, ran=function.has_run, is_checked=is_checked), each) for each in shown]
    width = max((len(state) for state, _ in rows), default=0)
    for state, each in rows:
        by = f"  (by {', '.join(each.needed_by)})" if state == NEEDED else ""
        yield f"  {state.ljust(width)}  {each.action} on {short(each.resource)}{by}"


def _state(permission: Permission, *, ran: bool, is_checked: bool) -> str:
    if permission.used:
        return f"used {_times(permission.used)}"
    if permission.needed_by:
        return NEEDED
    if not ran:
        return "not used yet"
    return "never used" if is_checked else "not checked"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _ask_running(state: Path) -> None:
    """Let a run that holds the folder write down how things stand now."""
    from constructs_lib.local.running import RunningAws  # noqa: PLC0415 (boto3 takes its time; often nothing runs)

    with contextlib.suppress(ProblemError):
        keep_permissions(RunningAws.find(state), state)
