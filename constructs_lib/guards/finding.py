"""What a rule says: a finding with its fix, or an unknown with its reason; never silence."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from constructs_lib.assembly.frozen import frozen
from constructs_lib.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable


UNFIT_FOR_IDS = re.compile(r"[\s\[\](){}\"'`]+")  # CDK pairs the brackets of an id and replaces its spaces


class Owner(Protocol):
    """A stack, as far as a finding needs it."""

    @property
    def id(self) -> str:
        """What tells it from the others: its name."""
        raise NotImplementedError


class Subject(Protocol):
    """What a finding is about: a `Resource`, or a `Place` where there is none."""

    @property
    def path(self) -> str:
        """How its author knows it: the construct path, or the logical id."""
        raise NotImplementedError

    @property
    def type(self) -> str:
        """What it is: `AWS::SQS::Queue`."""
        raise NotImplementedError

    @property
    def logical_id(self) -> str:
        """Its key in the template; empty for the stack itself."""
        raise NotImplementedError

    @property
    def stack(self) -> Owner:
        """The stack it stands in."""
        raise NotImplementedError


@frozen
class Place:
    """A part of a template that is no resource: a parameter, an output, the stack as a whole.

    Args:
        stack: The stack.
        type: What it is, in the template's own words: `Parameter`, `Output`, `Stack`.
        logical_id: Its key in the template; empty for the stack as a whole.

    Example:
        >>> finding(Place(stack, "Parameter", "Password"), problem=..., fix=...)  # doctest: +SKIP
    """

    stack: Owner
    type: str = "Stack"
    logical_id: str = ""

    @property
    def path(self) -> str:
        """The name of the stack, and the key."""
        return f"{self.stack.id}/{self.logical_id}" if self.logical_id else self.stack.id


class Severity(Enum):
    """How bad a finding is; in this order everywhere."""

    ERROR = "error"  # will hurt: fails synth, exits with 1
    WARNING = "warning"  # may hurt: is said, fails nothing
    INFO = "info"  # is as it should be, and worth knowing

    __hash__ = object.__hash__  # there is one object for each: Enum asks for its name, in Python


class Verdict(Enum):
    """How sure a recursion is."""

    LOOP = "LOOP"  # every permitted write triggers again
    RISK = "RISK"  # some permitted writes trigger again, or it cannot be told
    GUARDED = "GUARDED"  # proven disjoint


@frozen
class Finding:
    """Something that breaks a rule.

    Args:
        resource: What the user would change: a resource, or a `Place`.
        problem: What is wrong, with the value got and the value wanted; lower case, no final period.
        fix: What to do about it; never empty.
        at: The path of properties below the resource.
        evidence: Why this is so, one step a line: the path of a loop, a witness, the statement that allows it.
        verdict: How sure a recursion is; none for every other rule.
        detail: What tells this finding from others of the same rule at the same resource.
        through: Other resources that take part. Acknowledging the finding at one of them counts as well.
        stated_severity: The severity of this one finding. Default: that of its rule.
        rule: The id of its rule; the rule fills it in.
        rule_severity: The severity of its rule; the rule fills it in.
    """

    resource: Subject
    problem: str
    fix: str
    at: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    verdict: Verdict | None = None
    detail: str | None = None
    through: tuple[Subject, ...] = ()
    stated_severity: Severity | None = None
    rule: str = ""
    rule_severity: Severity = Severity.ERROR

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.rule_severity if self.stated_severity is None else self.stated_severity

    def of_rule(self, rule: str, severity: Severity) -> Finding:
        """Return the same as the finding of a rule: `replace` would take as long as the rule."""
        return Finding(
            self.resource,
            self.problem,
            self.fix,
            self.at,
            self.evidence,
            self.verdict,
            self.detail,
            self.through,
            self.stated_severity,
            rule,
            severity,
        )

    @property
    def id(self) -> str:
        """What an acknowledgement names: the rule, or `rule[detail]`."""
        return self.rule if self.detail is None else f"{self.rule}[{self.detail}]"

    @property
    def where(self) -> str:
        """The resource as its author knows it, its type, and the property."""
        return " ".join([called(self.resource), ".".join(self.at)]).rstrip()

    def __str__(self) -> str:
        """Render the three lines that every tool of this library prints."""
        return str(Problem(self.problem, self.where, self.fix))


@frozen
class Unknown:
    """Something a rule could not tell, so that it is not passed silently.

    Args:
        resource: The resource it could not judge.
        what: What could not be told; lower case, no final period.
        reason: Why: the value that could not be resolved.
        rule: The id of its rule; the rule fills it in.
    """

    resource: Subject
    what: str
    reason: str
    rule: str = ""

    def __str__(self) -> str:
        """Render what is unknown, and why."""
        return f"{self.what}\n  at:  {called(self.resource)}\n  why: {self.reason}"


def called(subject: Subject) -> str:
    """How the author knows it, and what it is; where there are no construct paths, with the stack before it."""
    path = f"{subject.stack.id}/{subject.path}" if subject.path == subject.logical_id else subject.path
    return f"{path} ({subject.type})"


def finding(
    resource: Subject,
    *,
    problem: str,
    fix: str,
    at: Iterable[str] = (),
    evidence: Iterable[str] = (),
    verdict: Verdict | None = None,
    severity: Severity | None = None,
    detail: str | None = None,
    through: Iterable[Subject] = (),
) -> Finding:
    """Return a finding; the rule it is yielded from adds its id and its severity.

    Args:
        resource: What the user would change: a resource, or a `Place`.
        problem: What is wrong, with the value got and the value wanted.
        fix: What to do about it.
        at: The path of properties below the resource.
        evidence: Why this is so, one step a line.
        verdict: How sure a recursion is.
        severity: The severity of this one finding. Default: that of its rule.
        detail: What tells it from others of the same rule at the same resource, when they are acknowledged one by one.
            It becomes part of an id: brackets and white space are replaced.
        through: Other resources that take part.
    """
    return Finding(
        resource=resource,
        problem=problem,
        fix=fix,
        at=tuple(at),
        evidence=tuple(evidence),
        verdict=verdict,
        detail=None if detail is None else UNFIT_FOR_IDS.sub("-", detail),
        through=tuple(through),
        stated_severity=severity,
    )


def unknown(resource: Subject, *, what: str, reason: str) -> Unknown:
    """Return something that could not be told; the rule it is yielded from adds its id.

    Args:
        resource: The resource that could not be judged.
        what: What could not be told.
        reason: Why: the value that could not be resolved.
    """
    return Unknown(resource=resource, what=what, reason=reason)
