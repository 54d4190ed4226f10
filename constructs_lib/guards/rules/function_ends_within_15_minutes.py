"""No function asks for more time than Lambda gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import own_functions
from constructs_lib.guards.amounts import count
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

LONGEST = 900  # seconds


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function has a timeout of 15 minutes at most.

    Why it matters: Lambda refuses more, and the deployment fails.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html

    Refuses: a `Timeout` above 900 seconds.

    Accepts: 900 and less.
    """
    for function in own_functions(assembly):
        timeout = function.number("Timeout")
        if timeout is not None and timeout > LONGEST:
            yield finding(
                function,
                problem=f"Timeout is {count(timeout)} s, and Lambda gives {LONGEST} s (15 minutes) at most",
                fix="split the work into steps of a Step Functions workflow, or run it as an ECS task",
                at=("Timeout",),
            )
