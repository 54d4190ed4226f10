"""`constructs-lib check`: reads what was synthesized, runs the rules, writes one report, and says how it went."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from constructs_lib.assembly.json_document import AssemblyError
from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import NOBODY, check, line_of
from constructs_lib.guards.public_rules import public_rules
from constructs_lib.guards.report.as_text import printable, text_of
from constructs_lib.guards.rules import rule_ids, rule_of
from constructs_lib.guards.selection import selected, unheard_of
from constructs_lib.guards.version import own_version
from constructs_lib.problem import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs_lib.guards.check import Report

CLEAN, FOUND, UNUSABLE = 0, 1, 2
REPORT_IT = "this is an error of constructs-lib: report it with what you checked"

Format = Literal["text", "json", "sarif"]


@dataclass(frozen=True, slots=True)
class Request:
    """What to check, and how to say what was found.

    Args:
        paths: Folders that `cdk synth` wrote, and template files; together they are one app.
        form: How the report is written.
        only: The ids of the rules to run. Default: all.
        skip: The ids of rules to leave out.
        public: Whether the public template validator is asked, too.
    """

    paths: Sequence[Path]
    form: Format = "text"
    only: Sequence[str] = ()
    skip: Sequence[str] = ()
    public: bool = True


def run(request: Request) -> int:
    """Check, report, and return 0 when nothing is wrong, 1 for findings that are errors, 2 when it cannot be told."""
    try:
        report = _checked(request)
        text = _rendered(report, request.form)
    except ProblemError as error:
        _complain(*error.problems)
        return UNUSABLE
    except Exception as error:  # whatever a template makes of us, its author is owed three lines
        what = f"the check failed inside: {type(error).__name__}: {error}"
        _complain(Problem(what, line_of(error), REPORT_IT))
        return UNUSABLE
    if not _write(text):
        return UNUSABLE
    _complain(*report.failures)
    return FOUND if report.errors else UNUSABLE if report.failures else CLEAN


def explain(rule_id: str) -> int:
    """Write the documentation of one rule."""
    unknown = unheard_of(rule_id, "--explain")
    if unknown is not None:
        _complain(unknown)
        return UNUSABLE
    rule = rule_of(rule_id)
    return CLEAN if _write(f"{rule.id} ({rule.severity.value})\n\n{rule.documentation}\n") else UNUSABLE


def list_rules() -> int:
    """Write the name, severity and summary of every rule."""
    rules = [rule_of(rule_id) for rule_id in rule_ids()]
    width = max(len(rule.id) for rule in rules)
    lines = [f"{rule.id.ljust(width)}  {rule.severity.value.ljust(7)}  {rule.summary}\n" for rule in rules]
    return CLEAN if _write("".join(lines)) else UNUSABLE


def _checked(request: Request) -> Report:
    selected(request.only, request.skip)  # a mistyped name is told before anything is read
    if not request.paths:
        raise AssemblyError(
            Problem(
                what="there is nothing to check",
                where="constructs-lib check",
                fix="name the folder that `cdk synth` writes (cdk.out), or template files",
            )
        )
    assembly = Assembly.read(*request.paths)
    others = public_rules(assembly, request.only, request.skip) if request.public else NOBODY
    return check(assembly, only=request.only, skip=request.skip, others=others)


def _rendered(report: Report, form: Format) -> str:
    if form == "text":
        return text_of(report, colour=_is_terminal(sys.stdout))
    if form == "json":
        from constructs_lib.guards.report.as_json import json_of  # noqa: PLC0415 - only what is asked for is loaded

        return json_of(report)
    from constructs_lib.guards.report.as_sarif import sarif_of  # noqa: PLC0415 - likewise

    return sarif_of(report, version=own_version(), root=Path.cwd())


def _write(text: str) -> bool:
    """Write to standard output; a reader that has seen enough is no failure."""
    out: TextIO | None = sys.stdout
    if out is None:  # closed before we began
        return True
    if hasattr(out, "reconfigure"):
        out.reconfigure(errors="backslashreplace")
    try:
        out.write(text)
        out.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())  # or the interpreter complains when it ends
    except OSError as error:
        what = f"the report cannot be written: {error.strerror or error}"
        _complain(Problem(what, "standard output", "write it to a place that has room"))
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        return False
    return True


def _complain(*problems: Problem) -> None:
    if sys.stderr is not None:
        sys.stderr.writelines(f"{printable(line)}\n" for problem in problems for line in str(problem).splitlines())


def _is_terminal(out: TextIO | None) -> bool:
    return out is not None and out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
