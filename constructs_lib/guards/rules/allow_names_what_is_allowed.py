"""An Allow names what is allowed, not what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.identity_statements import allowing, spelled
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """An Allow names what it allows; it does not allow everything but something.

    Why it matters: `NotAction` in an Allow grants every other action of every service, those of IAM and those that AWS
    has yet to invent among them; `NotResource` does the same for resources.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html

    Refuses: `NotAction` or `NotResource` in an Allow of an identity policy.

    Accepts: both in a Deny, where they are the way to protect everything else; a permissions boundary.
    """
    for statement in allowing(assembly):
        for key, excepted in (("NotAction", statement.not_actions), ("NotResource", statement.not_resources)):
            if excepted:
                but = spelled(statement.source, [str(each).lower() for each in excepted])
                yield finding(
                    statement.source,
                    at=statement.at,
                    detail=key,
                    problem=f"{key} in an Allow allows everything but {but}",
                    fix=f"name what is allowed in {key.removeprefix('Not')}, or turn the statement into a Deny",
                )
