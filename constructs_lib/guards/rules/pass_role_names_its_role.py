"""Who may hand a role to a service may hand over that role, not any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.arn import Arn
from constructs_lib.assembly.policies.actions import any_includes
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.identity_statements import allowing, is_of_the_cdk
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.value import Text
    from constructs_lib.guards.finding import Finding, Unknown

ACTION = "iam:passrole"
TO_WHOM = "iam:passedtoservice"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """`iam:PassRole` names the roles that may be passed.

    Why it matters: who may pass any role to a service that runs code has the permissions of every role of the account,
    the administrators' among them.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html

    Refuses: `iam:PassRole` on `*` or on `role/*`; as a warning, when `iam:PassedToService` limits to whom.

    Accepts: the ARN of a role, also with a wildcard behind the first letters of its name.
    """
    for statement in allowing(assembly):
        named = [each for each in statement.actions if each not in {"*", "iam:*"}]
        if not any_includes(tuple(named), ACTION):
            continue
        for resource in statement.resources:
            if _is_every_role(resource):
                to_whom = any(TO_WHOM in wanted for wanted in statement.conditions.values())
                limited = to_whom or is_of_the_cdk(statement.source)
                yield finding(
                    statement.source,
                    at=statement.at,
                    detail=str(resource),
                    problem=f"iam:PassRole is allowed on every role ({resource}), and with it what any of them may do",
                    fix="name the ARN of the role that is passed, and to which service with iam:PassedToService",
                    severity=Severity.WARNING if limited else Severity.ERROR,
                )


def _is_every_role(resource: Text) -> bool:
    if resource.literal == "*":
        return True
    arn = Arn.parse(resource)
    told = None if arn is None else arn.resource.literal
    return told is not None and not told.removeprefix("role").strip("/*")
