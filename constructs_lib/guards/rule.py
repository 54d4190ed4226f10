"""A rule: a pure function of an assembly, named after its file, documented by its docstring alone."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Finding, Severity, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from constructs_lib.assembly.model import Assembly

    Check = Callable[[Assembly], Iterable[Finding | Unknown]]

SECTIONS = ("Why it matters", "Refuses", "Accepts")
_SECTION = re.compile(rf"^({'|'.join(SECTIONS)}):[ \n]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that must hold in every assembly.

    Args:
        id: Its name for ever: `queue-visibility-covers-timeout`.
        severity: How bad its findings are, unless one says otherwise.
        check: Yields what breaks it, and what it cannot tell.
    """

    id: str
    severity: Severity
    check: Check

    def __call__(self, assembly: Assembly) -> Iterator[Finding | Unknown]:
        """Yield what breaks this rule in an assembly, and what cannot be told."""
        for found in self.check(assembly):
            if isinstance(found, Finding):
                yield found.of_rule(self.id, self.severity)
            else:
                yield replace(found, rule=self.id)

    @property
    def documentation(self) -> str:
        """The whole docstring, without its indentation."""
        return inspect.getdoc(self.check) or ""

    @property
    def summary(self) -> str:
        """The first sentence of the docstring, on one line."""
        return " ".join(self.documentation.partition("\n\n")[0].split())

    @property
    def sections(self) -> dict[str, str]:
        """The parts of the docstring by their headings: why it matters, what it refuses, what it accepts."""
        parts = _SECTION.split(self.documentation)[1:]
        return {heading: text.strip() for heading, text in zip(parts[::2], parts[1::2], strict=True)}

    @property
    def markdown(self) -> str:
        """The docstring with its headings in bold, a paragraph each."""
        paragraphs = [f"**{heading}:** {' '.join(text.split())}" for heading, text in self.sections.items()]
        return "\n\n".join([self.summary, *paragraphs])


def rule(*, severity: Severity) -> Callable[[Check], Rule]:
    """Make a function a rule whose id is the name of its file, with dashes.

    Args:
        severity: How bad its findings are, unless one says otherwise.

    Example:
        >>> from constructs_lib.guards.rule import rule
        >>> from constructs_lib.guards.finding import Severity
        >>> @rule(severity=Severity.ERROR)
        ... def check(assembly):
        ...     "A queue keeps messages for as long as its author thinks."
        ...     yield from ()
        >>> check.summary
        'A queue keeps messages for as long as its author thinks.'
    """

    def decorate(check: Check) -> Rule:
        return Rule(id=id_of(check.__module__), severity=severity, check=check)

    return decorate


def id_of(module: str) -> str:
    """The id of the rule that a module holds."""
    return module.rpartition(".")[2].replace("_", "-")
