"""The rules of others: what AWS's public template validator says, as findings beside ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.public_findings import public_findings
from constructs_lib.guards.check import Others
from constructs_lib.guards.finding import Finding, Place, Severity, Unknown
from constructs_lib.guards.selection import PUBLIC, is_wanted

if TYPE_CHECKING:
    from collections.abc import Collection

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.public_findings import PublicFinding
    from constructs_lib.assembly.stack import Stack


def public_rules(assembly: Assembly, only: Collection[str], skip: Collection[str]) -> Others:
    """Ask the public validator, and return what it says under the ids of its rules with `cfn:` before them.

    Args:
        assembly: The templates to ask about.
        only: The ids of the rules to run. Default: all.
        skip: The ids of rules to leave out.
    """
    if only and not any(each.startswith(PUBLIC) for each in only):
        return Others()
    said: list[Finding | Unknown] = []
    skipped: set[str] = set()
    for stack in assembly.stacks:
        asked = public_findings(
            stack.template, stack_name=stack.name, account=stack.account, region=stack.region, generated=stack.generated
        )
        if asked.skipped is not None and asked.skipped not in skipped:
            skipped.add(asked.skipped)
            what = "what the public template validator finds"
            said.append(Unknown(Place(stack), what, asked.skipped, PUBLIC.rstrip(":")))
        wanted = (each for each in asked.findings if is_wanted(f"{PUBLIC}{each.rule}", only, skip))
        said += [_finding(stack, each) for each in wanted]
    return Others(
        tuple(said), answers_for=lambda each: not skipped and each.startswith(PUBLIC) and is_wanted(each, only, skip)
    )


def _finding(stack: Stack, found: PublicFinding) -> Finding:
    resource = stack.resources.get(found.logical_id) if found.kind == "Resource" else None
    return Finding(
        resource=Place(stack, found.kind, found.logical_id) if resource is None else resource,
        problem=found.problem,
        fix=found.fix,
        at=found.at,
        rule=f"{PUBLIC}{found.rule}",
        rule_severity=Severity(found.severity),
    )
