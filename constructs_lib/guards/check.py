"""Runs the rules over an assembly: every finding, everything unknown, and what was acknowledged and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from constructs_lib.assembly.garbage import kept_until_the_end
from constructs_lib.guards.acknowledgement import Acknowledgements
from constructs_lib.guards.finding import Finding, Place, Severity, Unknown
from constructs_lib.guards.rules import rule_of
from constructs_lib.guards.selection import selected
from constructs_lib.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.acknowledgement import Acknowledged
    from constructs_lib.guards.recorded import Acknowledgement
    from constructs_lib.guards.rule import Rule

UNREAD = "assembly"  # the rule of what could not be read
ORDER = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Report:
    """What the rules say of an assembly.

    Args:
        findings: What breaks a rule and has not been acknowledged; the worst first, then by stack and path.
        acknowledged: What breaks a rule and has been acknowledged, with the reason.
        unknowns: What could not be told.
        failures: Rules that failed inside, which is an error of this library; their findings so far are kept.
        stats: How many there are of what.
    """

    findings: tuple[Finding, ...]
    acknowledged: tuple[Acknowledged, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    failures: tuple[Problem, ...] = ()
    stats: dict[str, int] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that must not reach deploy."""
        return self.of(Severity.ERROR)

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of one severity."""
        return tuple(found for found in self.findings if found.severity is severity)


@dataclass(frozen=True, slots=True)
class Others:
    """What another tool says of the same assembly.

    Args:
        said: Its findings, and what it could not tell.
        answers_for: Whether it was asked by a rule of this id: an acknowledgement of one it did not find is not needed.
    """

    said: tuple[Finding | Unknown, ...] = ()
    answers_for: Callable[[str], bool] = field(default=lambda _: False)


@dataclass(slots=True)
class _Said:
    findings: dict[tuple[object, ...], Finding] = field(default_factory=dict)
    unknowns: dict[tuple[object, ...], Unknown] = field(default_factory=dict)
    failures: list[Problem] = field(default_factory=list)

    def note(self, found: Finding | Unknown) -> None:
        """Keep what a rule says, once."""
        at = found.resource
        place = (found.rule, at.stack.id, at.logical_id, at.path)
        if isinstance(found, Unknown):
            self.unknowns.setdefault((place, found.what, found.reason), found)
        else:
            self.findings.setdefault((place, found.detail, found.at, found.problem), found)

    def note_others(self, others: Iterable[Finding | Unknown]) -> None:
        """Keep what another tool says, but where a rule of ours says as much of the same property."""
        others = list(others)
        ours: dict[tuple[str, str], list[Finding]] = defaultdict(list)
        for found in self.findings.values() if others else ():
            if found.at:
                ours[found.resource.stack.id, found.resource.logical_id].append(found)
        for other in others:
            same = ours.get((other.resource.stack.id, other.resource.logical_id), ())
            if isinstance(other, Unknown) or not any(_says_as_much(each, other) for each in same):
                self.note(other)


NOBODY = Others()


def check(
    assembly: Assembly,
    *,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    others: Others = NOBODY,
    acknowledgements: Iterable[Acknowledgement] | None = None,
) -> Report:
    """Run the rules over an assembly.

    Args:
        assembly: What was synthesized, or any templates.
        only: The ids of the rules to run. Default: all.
        skip: The ids of rules to leave out.
        others: What another tool says, to be acknowledged and reported with ours; where ours says as much, it is left
            out.
        acknowledgements: Those above the stacks, which stand in no template. Default: those that the report tells which
            CDK leaves behind; while CDK synthesizes, that is still the report of the last time.

    Raises:
        RuleNameError: There is no rule of such a name.

    Example:
        >>> report = check(Assembly.read("cdk.out"))  # doctest: +SKIP
        >>> [str(found) for found in report.errors]  # doctest: +SKIP
        []
    """
    rules: list[Rule] = []
    failures: list[Problem] = []
    for rule_id in selected(only, skip):
        try:
            rules.append(rule_of(rule_id))
        except Exception as error:  # a rule that does not load must not keep the others from being heard
            failures.append(_failure(rule_id, error))
    return run(rules, assembly, others=others, acknowledgements=acknowledgements, failures=failures)


def run(
    rules: Iterable[Rule],
    assembly: Assembly,
    *,
    others: Others = NOBODY,
    acknowledgements: Iterable[Acknowledgement] | None = None,
    failures: Iterable[Problem] = (),
) -> Report:
    """Run exactly these rules; the arguments are those of `check`, and `failures` what went wrong before."""
    said = _Said(failures=list(failures))
    for unread in _unread(assembly):
        said.note(unread)
    judged = set()
    rules = list(rules)
    with kept_until_the_end():
        for each in rules:
            if _runs(each, assembly, said):
                judged.add(each.id)
    said.note_others(others.said)
    words = Acknowledgements(assembly, acknowledgements)
    open_findings, acknowledged = words.sort(
        said.findings.values(), lambda rule_id: rule_id in judged or others.answers_for(rule_id)
    )
    ordered = tuple(sorted(open_findings, key=_place))
    severities = Counter(found.severity for found in ordered)
    stats = {
        "stacks": len(assembly.stacks),
        "resources": len(assembly.resources),
        "rules": len(rules),
        **{f"{severity.value}s": severities[severity] for severity in Severity},
        "acknowledged": len(acknowledged),
        "unknown": len(said.unknowns),
    }
    return Report(
        findings=ordered,
        acknowledged=tuple(sorted(acknowledged, key=lambda each: _place(each.finding))),
        unknowns=tuple(sorted(said.unknowns.values(), key=_unknown_place)),
        failures=tuple(said.failures),
        stats=stats,
    )


def _runs(rule: Rule, assembly: Assembly, said: _Said) -> bool:
    """Whether a rule came to its end. What it found before it failed is kept: one bad rule must not hide the others."""
    try:
        for found in rule(assembly):
            said.note(found)
    except Exception as error:  # whatever it is
        said.failures.append(_failure(rule.id, error))
        return False
    return True


def _failure(rule_id: str, error: Exception) -> Problem:
    what = f"the rule failed inside: {type(error).__name__}: {error}"
    fix = f"this is an error of constructs-lib: report it, and go on with --skip {rule_id}"
    return Problem(what, f"{rule_id} ({line_of(error)})", fix)


def _says_as_much(ours: Finding, other: Finding) -> bool:
    """Whether a finding of ours is about the same property, or one above or below it, and no less bad."""
    length = min(len(ours.at), len(other.at))
    return length > 0 and ours.at[:length] == other.at[:length] and ORDER[ours.severity] <= ORDER[other.severity]


def _unread(assembly: Assembly) -> Iterator[Unknown]:
    """What no rule has seen, because it could not be read."""
    for problem in assembly.problems:
        stacks = [each for each in assembly.stacks if problem.where in {each.id, str(each.template_path)}]
        for stack in (stacks or assembly.stacks)[:1]:
            yield Unknown(Place(stack), problem.what, f"{problem.where}: {problem.fix}", UNREAD)


def line_of(error: BaseException) -> str:
    """Where an error was raised: module and line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "nowhere"
    module = trace.tb_frame.f_globals.get("__name__", "?")
    return f"{module}:{trace.tb_lineno}"


def _place(found: Finding) -> tuple[object, ...]:
    subject = found.resource
    return (ORDER[found.severity], subject.stack.id, subject.path, found.rule, found.at, found.detail or "")


def _unknown_place(found: Unknown) -> tuple[object, ...]:
    return (found.resource.stack.id, found.resource.path, found.rule, found.what)
