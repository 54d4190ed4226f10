"""A report for code scanning: SARIF 2.1.0, with the documentation of each rule and the line of each resource.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from constructs_lib.guards.finding import Finding, Severity, called
from constructs_lib.guards.rules import rule_ids, rule_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constructs_lib.guards.acknowledgement import Acknowledged
    from constructs_lib.guards.check import Report
    from constructs_lib.guards.finding import Subject

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
LINE = re.compile(r":(?P<line>[1-9][0-9]*)$")
ROOT = "%SRCROOT%"  # what the addresses of files are relative to, in the words of those who read these reports


def sarif_of(report: Report, *, version: str, root: Path | None = None) -> str:
    """Render a report; the same report is the same text.

    Args:
        report: What was found.
        version: The version of this library.
        root: The folder that files are named relative to. Default: they are named as they were given.
    """
    return json.dumps(document_of(report, version=version, root=root)) + "\n"  # without indentation: ten times as fast


def document_of(report: Report, *, version: str, root: Path | None = None) -> dict[str, Any]:
    """Return a report as plain values; the arguments are those of `sarif_of`."""
    everything = [*((each, None) for each in report.findings), *((each.finding, each) for each in report.acknowledged)]
    used = sorted({finding.rule for finding, _ in everything})
    index = {rule_id: number for number, rule_id in enumerate(used)}
    invocation: dict[str, Any] = {"executionSuccessful": not report.failures}
    if report.failures:
        invocation["toolExecutionNotifications"] = [
            {"level": "error", "message": {"text": str(each)}} for each in report.failures
        ]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "constructs-lib",
                "semanticVersion": version,
                "rules": [_rule(rule_id) for rule_id in used],
            }
        },
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, by, index[finding.rule], root) for finding, by in everything]
        + [_unknown(each.rule, each.resource, f"{each.what}: {each.reason}", root) for each in report.unknowns],
        "properties": {"stats": report.stats},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule_id: str) -> dict[str, Any]:
    if rule_id not in rule_ids():  # a rule of another tool, merged into ours
        return {"id": rule_id}
    rule = rule_of(rule_id)
    return {
        "id": rule_id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.sections.get("Why it matters", rule.summary)},
        "help": {"text": rule.documentation, "markdown": rule.markdown},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
    }


def _result(finding: Finding, acknowledged: Acknowledged | None, rule_index: int, root: Path | None) -> dict[str, Any]:
    lines = [finding.problem, f"fix: {finding.fix}", *finding.evidence]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": LEVELS[finding.severity],
        "kind": "fail",
        "message": {"text": "\n".join(lines)},
        "locations": [_location(finding.resource, finding.at, root)],
        "partialFingerprints": {
            "finding/v1": f"{finding.resource.stack.id}/{finding.resource.logical_id}/{finding.id}"
        },
    }
    if finding.severity is Severity.INFO:
        result["kind"], result["level"] = "informational", "none"
    if finding.through:
        result["relatedLocations"] = [_location(each, (), root) for each in finding.through]
    if finding.verdict is not None:
        result["properties"] = {"verdict": finding.verdict.value}
    if acknowledged is not None:
        result["suppressions"] = [
            {
                "kind": "inSource",
                "status": "accepted",
                "justification": acknowledged.by.reason,
                "location": {"logicalLocations": [{"fullyQualifiedName": acknowledged.by.where}]},
            }
        ]
    return result


def _unknown(rule_id: str, subject: Subject, text: str, root: Path | None) -> dict[str, Any]:
    """A result that says: this needs the eyes of a person."""
    return {
        "ruleId": rule_id,
        "level": "none",
        "kind": "open",
        "message": {"text": text},
        "locations": [_location(subject, (), root)],
    }


def _location(subject: Subject, at: Iterable[str], root: Path | None) -> dict[str, Any]:
    name = ".".join([f"{subject.stack.id}/{subject.path}" if subject.path == subject.logical_id else subject.path, *at])
    location: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": name, "name": subject.logical_id or name, "kind": "resource"}],
        "message": {"text": called(subject)},
    }
    source = getattr(subject, "source", None)
    line = LINE.search(source) if isinstance(source, str) else None
    file = Path(source[: line.start()]) if isinstance(source, str) and line else _template_of(subject)
    if file is not None:
        physical: dict[str, Any] = {"artifactLocation": _address(file, root)}
        if line is not None:
            physical["region"] = {"startLine": int(line["line"])}
        location["physicalLocation"] = physical
    return location


def _template_of(subject: Subject) -> Path | None:
    path = getattr(subject.stack, "template_path", None)
    return path if isinstance(path, Path) else None


def _address(file: Path, root: Path | None) -> dict[str, str]:
    if root is not None and file.absolute().is_relative_to(root.absolute()):
        return {"uri": quote(file.absolute().relative_to(root.absolute()).as_posix()), "uriBaseId": ROOT}
    return {"uri": file.as_uri() if file.is_absolute() else quote(file.as_posix())}
