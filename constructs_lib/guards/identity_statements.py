"""What identity policies allow, statement by statement, and how a user wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import PROVIDER
from constructs_lib.assembly.policies.statement import statements_at
from constructs_lib.assembly.remembered import remembered
from constructs_lib.guards.finding import Severity
from constructs_lib.guards.literals import strings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.policies.statement import Statement
    from constructs_lib.assembly.resource import Resource

ROLE, USER, GROUP = "AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"
MANAGED = "AWS::IAM::ManagedPolicy"
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy", MANAGED)
MOST_ACTIONS_SHOWN = 6


def limiting_keys(statement: Statement) -> set[str]:
    """Return the keys of the conditions that leave somebody out.

    One that any value meets (`*`) leaves out nobody, nor does one for all but some, or one that a key be there.
    """
    return {
        key
        for operator, wanted in statement.conditions.items()
        for key, values in wanted.items()
        if "Not" not in operator and not operator.endswith("Null") and any(str(each).strip("*") for each in values)
    }


@remembered
def allowing(assembly: Assembly) -> tuple[Statement, ...]:
    """Return every statement by which an identity policy allows something; a permissions boundary allows nothing."""
    return tuple(_all(assembly))


def _all(assembly: Assembly) -> Iterator[Statement]:
    for holder in assembly.of_type(ROLE, USER, GROUP):
        yield from _allowing(statements_at(holder, "Policies", "*", "PolicyDocument"))
    boundaries = {
        assembly.target(holder.value("PermissionsBoundary"), MANAGED)
        for holder in assembly.of_type(ROLE, USER)
        if not holder.lacks("PermissionsBoundary")
    }
    for policy in assembly.of_type(*POLICIES):
        if policy not in boundaries:
            yield from _allowing(statements_at(policy, "PolicyDocument"))


def _allowing(statements: Iterable[Statement]) -> Iterator[Statement]:
    return (each for each in statements if each.allows)


def spelled(source: Resource, actions: Iterable[str]) -> str:
    """Write actions as their author did, for a message: the first of many."""
    told = {each.lower(): each for each in strings_of(source.raw)}
    names = sorted({told.get(action, action) for action in actions})
    more = len(names) - MOST_ACTIONS_SHOWN
    return ", ".join(names[:MOST_ACTIONS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def is_of_the_cdk(resource: Resource) -> bool:
    """Whether this stands for something that the CDK brings along, and nobody who uses the CDK has written."""
    return PROVIDER.search(resource.logical_id) is not None


def lowered(resource: Resource, severity: Severity) -> Severity:
    """Return how bad a finding is at this resource: less where its user cannot mend it, since the CDK wrote it."""
    if not is_of_the_cdk(resource):
        return severity
    return Severity.WARNING if severity is Severity.ERROR else Severity.INFO
