"""Which rules to run: all of them, but those that were asked for or left out by name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from constructs_lib.guards.rules import rule_ids
from constructs_lib.problem import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Collection


PUBLIC = "cfn:"  # before the ids of the rules of the public template validator, which nobody here can list


class RuleNameError(ProblemError, ValueError):
    """There is no rule of such a name."""


def selected(only: Collection[str] = (), skip: Collection[str] = ()) -> tuple[str, ...]:
    """Return the ids of the rules to run.

    Args:
        only: The rules to run. Default: all.
        skip: The rules to leave out.

    Raises:
        RuleNameError: There is no rule of such a name.
    """
    known = rule_ids()
    problems = [unheard_of(each, where) for where, names in (("only", only), ("skip", skip)) for each in names]
    told = [problem for problem in problems if problem is not None]
    if told:
        raise RuleNameError(*told)
    return tuple(each for each in known if is_wanted(each, only, skip))


def is_wanted(rule_id: str, only: Collection[str], skip: Collection[str]) -> bool:
    """Whether the findings of a rule are asked for."""
    return (not only or rule_id in only) and rule_id not in skip


def unheard_of(rule_id: str, where: str) -> Problem | None:
    """Return what to say of a name that is no rule's; none for the name of a rule, of ours or of others."""
    if rule_id in rule_ids() or rule_id.startswith(PUBLIC):
        return None
    nearest = get_close_matches(rule_id, rule_ids(), n=1)
    meant = f": did you mean {nearest[0]}?" if nearest else ""
    return Problem(f"there is no rule {rule_id!r}{meant}", where, "see all rules with `constructs-lib check --list`")
