"""A report for people: three lines a finding, the worst first, and one line that sums up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Severity, called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.guards.acknowledgement import Acknowledged
    from constructs_lib.guards.check import Report
    from constructs_lib.guards.finding import Finding, Unknown

BOLD, DIM, RED, YELLOW, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
HEADINGS = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.INFO: "for your information"}
COLOURS = {Severity.ERROR: RED, Severity.WARNING: YELLOW, Severity.INFO: DIM}


def text_of(report: Report, *, colour: bool = False) -> str:
    """Render a report.

    Args:
        report: What was found.
        colour: Whether the reader is a terminal.
    """
    return "\n".join(_paragraphs(report, colour))


def summary_of(report: Report) -> str:
    """Render the line that sums up."""
    stats = report.stats
    found = [
        _count(len(report.errors), "error"),
        _count(len(report.of(Severity.WARNING)), "warning"),
        f"{len(report.unknowns)} unknown",
        f"{len(report.acknowledged)} acknowledged",
    ]
    looked_at = [_count(stats.get(each, 0), each.removesuffix("s")) for each in ("stacks", "resources", "rules")]
    return f"{', '.join(found)} in {', '.join(looked_at)}"


def lines_of(finding: Finding) -> list[str]:
    """Render one finding: the three lines, why it is so, and the name to acknowledge, skip or explain it by."""
    verdict = f" ({finding.verdict.value})" if finding.verdict is not None else ""
    source = getattr(finding.resource, "source", None)
    lines = [
        finding.problem,
        f"  at:  {finding.where}{f' in {source}' if source else ''}",
        f"  fix: {finding.fix}",
        *(f"  why: {each}" for each in finding.evidence),
        f"  id:  {finding.id}{verdict}",
    ]
    return [printable(line) for line in lines]


def printable(text: str) -> str:
    """A line that stays one, and gives no orders to a terminal: templates are written by others."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def _paragraphs(report: Report, colour: bool) -> Iterator[str]:
    for severity in Severity:
        found = report.of(severity)
        if found:
            yield _heading(HEADINGS[severity], COLOURS[severity], colour)
            for each in found:
                first, *rest = lines_of(each)
                yield _styled(first, BOLD, colour)
                yield from rest
                yield ""
    if report.unknowns:
        yield _heading("unknown", DIM, colour)
        for unknown in report.unknowns:
            yield from _unknown(unknown)
            yield ""
    if report.acknowledged:
        yield _heading("acknowledged", DIM, colour)
        for acknowledged in report.acknowledged:
            yield from _acknowledged(acknowledged)
            yield ""
    yield _styled(summary_of(report), BOLD, colour)
    yield ""


def _unknown(unknown: Unknown) -> list[str]:
    lines = [
        unknown.what,
        f"  at:  {called(unknown.resource)}",
        f"  why: {unknown.reason}",
        f"  id:  {unknown.rule}",
    ]
    return [printable(line) for line in lines]


def _acknowledged(acknowledged: Acknowledged) -> list[str]:
    finding, by = acknowledged.finding, acknowledged.by
    lines = [finding.problem, f"  at:  {finding.where}", f"  for: {by.reason}", f"  id:  {finding.id}"]
    return [printable(line) for line in lines]


def _heading(text: str, style: str, colour: bool) -> str:
    return f"{_styled(text.upper(), style, colour)}\n"


def _styled(text: str, style: str, colour: bool) -> str:
    return f"{style}{text}{PLAIN}" if colour else text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
