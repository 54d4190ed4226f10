"""Policies name the actions they allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.identity_statements import allowing, lowered, spelled
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

# Families that AWS's own documentation grants by a wildcard: all do one thing, in the ways a caller may ask for it.
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
FAMILIES = frozenset({"kms:generatedatakey*", "kms:reencrypt*"})
FIX = "name the actions that the code calls; `constructs-lib proof` lists them"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A policy names each action it allows, not all actions of a service.

    Why it matters: whoever takes over a function has every action of its role, and those that AWS adds later; a role
    that may do everything to a table may delete it.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege

    Refuses: `*` and `dynamodb:*` in an Allow of an identity policy. As a warning, a wildcard for a part of a service
    (`s3:Get*`, which the grants of the CDK's own constructs write), and what the CDK brings along itself.

    Accepts: names; `kms:GenerateDataKey*` and `kms:ReEncrypt*`, which AWS documents so; a Deny; a permissions boundary.
    """
    for statement in allowing(assembly):
        source = statement.source
        for told in statement.unknowns:
            yield unknown(source, what="which actions and resources a statement allows", reason=told.reason)
        for action in dict.fromkeys(statement.actions):
            service, _, name = action.partition(":")
            written = name or service
            if ("*" not in written and "?" not in written) or action in FAMILIES:
                continue
            is_whole = not written.strip("*?") or "*" in service
            extent = f"every action of {service}" if name and is_whole else "every action" if is_whole else "actions"
            shown = spelled(source, [action])
            yield finding(
                source,
                at=statement.at,
                detail=shown,
                problem=f"{shown} allows {extent} by a wildcard, wanted are the names of actions",
                fix=FIX,
                severity=lowered(source, Severity.ERROR if is_whole else Severity.WARNING),
            )
