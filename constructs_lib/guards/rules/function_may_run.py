"""A function may run at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

AT = ("ReservedConcurrentExecutions",)


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function may run: the concurrency reserved for it is not 0.

    Why it matters: a reserve of 0 is the switch that stops a function in an emergency. Left in a template, every
    deployment stops it again: callers are refused, messages become dead letters.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html

    Refuses: `ReservedConcurrentExecutions: 0`.

    Accepts: any other number, and none.
    """
    for function in assembly.of_type("AWS::Lambda::Function"):
        if function.number(*AT) == 0:
            yield finding(
                function,
                problem="ReservedConcurrentExecutions is 0: every invocation is refused",
                fix="leave it out, or reserve what the function needs",
                at=AT,
            )
