"""What CDK's validation plugins refused when an app was synthesized, read from the report that CDK leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.json_document import AssemblyError, JsonObject
from constructs_lib.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPORT = "validation-report.json"
REFUSED = frozenset({"error", "fatal"})


def refusals_in(folder: Path) -> list[Problem]:
    """Return what ended the synthesis that wrote into this folder, whichever plugin said so; nothing without a report.

    Args:
        folder: The assembly, as far as it was written.
    """
    try:
        reports = JsonObject.read(folder / REPORT).values.get("pluginReports")
    except AssemblyError:
        return []
    return [
        problem
        for report in _objects(reports)
        for violation in _objects(report.get("violations"))
        if violation.get("severity") in REFUSED
        for problem in _problems(str(report.get("pluginName", "")), violation)
    ]


def _problems(plugin: str, violation: dict[str, Any]) -> Iterator[Problem]:
    rule = str(violation.get("ruleName", ""))
    name = rule if "::" in rule.partition("[")[0] else f"{plugin.replace(' ', '-')}::{rule}"
    fix = violation.get("suggestedFix") or f"see what {name} asks for, or acknowledge it with a reason"
    for construct in _objects(violation.get("violatingConstructs")) or [{}]:
        path = str(construct.get("constructPath") or "the app").removesuffix("/Resource")
        yield Problem(what=str(violation.get("description", "")), where=f"{path} ({name})", fix=str(fix))


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
