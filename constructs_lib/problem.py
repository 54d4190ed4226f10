"""The one shape of everything that goes wrong: what, where, how to fix it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Args:
        what: The value got and the value wanted, lower case, no final period.
        where: The construct path, or file and line, that the user would open.
        fix: What to do about it; never empty.
    """

    what: str
    where: str
    fix: str

    def __str__(self) -> str:
        """Render the three lines that every tool of this library prints."""
        return f"{self.what}\n  at:  {self.where}\n  fix: {self.fix}"


class ProblemError(Exception):
    """Something this library refuses to do, as one or more problems.

    Every error that reaches a user of this library is one of these; its text is the three-line shape, once per problem.
    """

    def __init__(self, *problems: Problem) -> None:
        """Collect all problems found, so that they can be mended in one go."""
        if not problems:
            raise ValueError("an error without a problem")
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class PropError(ProblemError, ValueError):
    """A construct got a prop that would not work, or would hurt, once deployed."""


class BundlingError(ProblemError):
    """A handler cannot be bundled for Lambda."""


class LocalError(ProblemError):
    """The local run cannot do what was asked."""
