"""Policies name actions that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.policies.documents import APART, OWN
from constructs_lib.assembly.policies.misspelt import CALLS, meant_by
from constructs_lib.assembly.policies.statement import statements_at
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.identity_statements import allowing, lowered, spelled
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.policies.statement import Statement
    from constructs_lib.guards.finding import Finding, Unknown


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A policy names actions that exist.

    Why it matters: IAM takes any name. What is misspelt allows nothing, and the code is denied what its author thinks
    it may; what is misspelt in a Deny denies nothing.
    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html

    Refuses: `dynamodb:PutItems`, which is close to an action that exists; calls of an API that no action is named
    after (`s3:ListObjects`, `sqs:SendMessageBatch`, `lambda:Invoke`); names of services that policies know by another
    (`stepfunctions:`).

    Accepts: every action that AWS had when this was released. What is not close to any of them may be new: nothing is
    said of it, nor of services that the table does not have. `sqs:DeleteMessageBatch` beside `sqs:DeleteMessage`, as
    in policies of SAM, does no harm.
    """
    for statement in _statements(assembly):
        for action in dict.fromkeys((*statement.actions, *statement.not_actions)):
            instead = meant_by(action)
            if not instead or (action in CALLS and instead.lower() in statement.actions):
                continue
            source = statement.source
            shown = spelled(source, [action])
            yield finding(
                source,
                at=statement.at,
                detail=shown,
                problem=f"there is no action {shown}: the statement {'allows' if statement.allows else 'denies'} "
                "nothing by it",
                fix=f"write {instead}",
                severity=lowered(source, Severity.WARNING),
            )


def _statements(assembly: Assembly) -> Iterator[Statement]:
    yield from allowing(assembly)
    for kind, at in ({kind: (document,) for kind, (_, _, document) in APART.items()} | dict(OWN)).items():
        for resource in assembly.of_type(kind):
            yield from statements_at(resource, *at)
