"""A report for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from constructs_lib.guards.check import Report
    from constructs_lib.guards.finding import Finding, Subject


def json_of(report: Report) -> str:
    """Render a report; the same report is the same text."""
    return json.dumps(document_of(report), indent=2) + "\n"


def document_of(report: Report) -> dict[str, Any]:
    """Return a report as plain values.

    Keys: `findings`, `unknown`, `acknowledged` (findings with their `reason`), `failures` (rules that failed inside)
    and `stats`. A finding has a `verdict` if it is one of recursion, and an `id` where that says more than its `rule`.
    """
    return {
        "findings": [_finding(each) for each in report.findings],
        "unknown": [
            {"rule": each.rule, **_place(each.resource), "what": each.what, "reason": each.reason}
            for each in report.unknowns
        ],
        "acknowledged": [{**_finding(each.finding), "reason": each.by.reason} for each in report.acknowledged],
        "failures": [{"problem": each.what, "at": each.where, "fix": each.fix} for each in report.failures],
        "stats": report.stats,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        **({"id": finding.id} if finding.detail is not None else {}),
        "severity": finding.severity.value,
        **({"verdict": finding.verdict.value} if finding.verdict is not None else {}),
        **_place(finding.resource),
        "problem": finding.problem,
        "fix": finding.fix,
        "evidence": list(finding.evidence),
    }


def _place(subject: Subject) -> dict[str, str]:
    return {"stack": subject.stack.id, "resource": subject.logical_id, "path": subject.path}
