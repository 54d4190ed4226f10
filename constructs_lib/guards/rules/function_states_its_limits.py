"""How long a function may take and how much memory it gets is chosen, not left over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import own_functions
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

DEFAULTS = {"Timeout": "3 s", "MemorySize": "128 MiB, with a fourteenth of a processor"}


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function says how long it may take and how much memory it needs.

    Why it matters: the defaults fit no function in particular: 3 seconds are gone with one cold start and a slow call,
    and 128 MiB come with so little of a processor that more memory is often faster and no dearer.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html

    Refuses: a function without a `Timeout`; as an information, one without a `MemorySize`.

    Accepts: both, whatever they are.
    """
    for function in own_functions(assembly):
        for name, default in DEFAULTS.items():
            if function.lacks(name):
                yield finding(
                    function,
                    problem=f"{name} is not set: the function gets {default}",
                    fix=f"set {name} to what it needs, as its REPORT lines tell",
                    at=(name,),
                    detail=name,
                    severity=Severity.WARNING if name == "Timeout" else Severity.INFO,
                )
