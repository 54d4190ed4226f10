"""A stack has room left to grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Place, Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

MOST = 500  # resources of one stack
MANY = 400


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A stack has fewer than 400 of the 500 resources it may have.

    Why it matters: the deployment that crosses the limit fails, and moving resources to another stack replaces them.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html

    Refuses: 400 resources and more; as an error, more than 500.

    Accepts: fewer. A nested stack counts by itself.
    """
    for stack in assembly.stacks:
        number = len(stack.template["Resources"])
        if number >= MANY:
            yield finding(
                Place(stack),
                problem=f"the stack has {number} of {MOST} resources",
                fix="split it: what holds data into one stack, what changes often into another",
                severity=Severity.ERROR if number > MOST else None,
            )
