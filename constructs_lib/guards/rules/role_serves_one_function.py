"""Each function has a role of its own."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import own_functions
from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.identity_statements import ROLE
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.guards.finding import Finding, Unknown

MOST_SHOWN = 4


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A role serves one function.

    Why it matters: functions that share a role may each do what any of them needs, so that the one that shows pictures
    can delete orders, and nobody can tell what it would take to narrow the role.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html

    Refuses: two functions with one role, also one that is given from outside.

    Accepts: a role for each function; what the CDK brings along for custom resources.
    """
    functions: dict[Node, list[Resource]] = defaultdict(list)
    for function in own_functions(assembly):
        role = assembly.target(function.value("Role"), ROLE)
        if role is not None:
            functions[role].append(function)
    for role, served in functions.items():
        if len(served) > 1:
            names = ", ".join(str(each) for each in served[:MOST_SHOWN])
            more = f" and {len(served) - MOST_SHOWN} more" if len(served) > MOST_SHOWN else ""
            yield finding(
                role if isinstance(role, Resource) else served[0],
                at=() if isinstance(role, Resource) else ("Role",),
                problem=f"{len(served)} functions share role {role}: {names}{more}",
                fix="give each function a role of its own, with what it alone needs",
                through=served,
            )
