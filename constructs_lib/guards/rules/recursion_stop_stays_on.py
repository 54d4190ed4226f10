"""Lambda may stop a loop that got past everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import FUNCTION
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule
from constructs_lib.guards.waivers import is_waived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function leaves Lambda's own detection of recursive loops on.

    Why it matters: Lambda stops a loop over SQS, SNS and S3 after about 16 rounds. `RecursiveLoop` Allow takes away the
    last thing between a mistake and a bill without end.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html

    Refuses: `RecursiveLoop` set to Allow.

    Accepts: Terminate, which is the default; `recursion_stop=Waived("why")` of the constructs.
    """
    for function in assembly.of_type(FUNCTION):
        if function.text("RecursiveLoop") == "Allow" and not is_waived(function, "recursion_stop"):
            yield finding(
                function,
                problem="RecursiveLoop is Allow: Lambda lets a loop through this function run for ever",
                fix="set RecursiveLoop to Terminate; or acknowledge this, and say what ends the loop",
                at=("RecursiveLoop",),
            )
