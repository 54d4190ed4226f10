"""Whether the actions of a statement include one.

Names are compared without regard to case; `*` and `?` are wildcards.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from constructs_lib.assembly.patterns.glob import iam_glob

if TYPE_CHECKING:
    from constructs_lib.assembly.policies.statement import Statement


def includes(pattern: str, action: str) -> bool:
    """Whether a pattern, in lower case, means an action."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == action
    return iam_glob(pattern).matches(action)


def mentions(statement: Statement, action: str) -> bool:
    """Whether a statement is about an action."""
    if statement.actions:
        return any_includes(statement.actions, action)
    return bool(statement.not_actions) and not any_includes(statement.not_actions, action)


@lru_cache(maxsize=4096)
def any_includes(patterns: tuple[str, ...], action: str) -> bool:
    """Whether any of some patterns means an action."""
    return any(includes(each, action) for each in patterns)


@lru_cache(maxsize=4096)
def meant(patterns: tuple[str, ...], of: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of some actions that patterns mean."""
    if all("*" not in each and "?" not in each for each in patterns):
        return tuple(each for each in of if each in patterns)
    return tuple(each for each in of if any_includes(patterns, each))
