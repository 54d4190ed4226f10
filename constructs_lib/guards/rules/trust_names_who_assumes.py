"""A role says who may take it on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from constructs_lib.assembly.policies.statement import EVERYBODY, Principal, statements_at
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.identity_statements import ROLE, limiting_keys
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.policies.statement import Statement
    from constructs_lib.guards.finding import Finding, Unknown

# Conditions that say who it is, and not only how it asks.
WHO = ("aws:principalorg", "aws:principalarn", "aws:principalaccount", "aws:sourceaccount", "aws:sourcearn")
ACCOUNT = re.compile(r"(?:arn:[\w-]+:iam::)?(?P<account>\d{12})(?::root)?")
OIDC = ":oidc-provider/"  # GitHub and the like: one provider for everybody's repositories
FEDERATED = "a federation without a condition lets in everybody who can log in there"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A role may be assumed by those it names, and by nobody else.

    Why it matters: a trust policy is all that stands between a role and the rest of the world; with `*` any account of
    AWS may take it on, and a federation without a condition on whom lets in every user and repository there.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-user_externalid.html

    Refuses: a trust in everybody, or everybody but some, without a condition on who it is that not anybody meets; a
    federation (Cognito, GitHub, any OIDC or SAML) without one on its audience, or for an OIDC provider on its subject.
    As a warning, a trust in a whole other account without an external id.

    Accepts: services, roles, the account itself; `aws:PrincipalOrgID`, `sts:ExternalId` and the like.
    """
    for role in assembly.of_type(ROLE):
        for statement in statements_at(role, "AssumeRolePolicyDocument"):
            for told in statement.unknowns:
                yield unknown(role, what="who may assume the role", reason=told.reason)
            if not statement.allows:
                continue
            everybody_but = (Principal(EVERYBODY, each.name) for each in statement.not_principals[:1])
            for principal in (*statement.principals, *everybody_but):
                problem, severity = _problem(statement, principal, role.stack.account)
                if problem:
                    yield finding(
                        role,
                        at=statement.at,
                        detail=str(principal.name),
                        problem=problem,
                        fix="name who may assume it in Principal, or add a condition on who it is",
                        severity=severity,
                    )


def _problem(statement: Statement, principal: Principal, own_account: str | None) -> tuple[str, Severity]:
    keys = limiting_keys(statement)
    if principal.kind == EVERYBODY:
        how = f"NotPrincipal {principal.name}" if statement.not_principals else "Principal *"
        known = any(key.startswith(WHO) for key in keys)
        return ("" if known else f"everybody in the world may assume the role ({how})"), Severity.ERROR
    if principal.kind == "Federated":
        return ("" if _says_whom(statement, str(principal.name)) else f"{FEDERATED}: {principal.name}"), Severity.ERROR
    account = ACCOUNT.fullmatch(principal.name.literal or "")
    if principal.kind == "AWS" and account is not None and account["account"] != own_account:
        known = "sts:externalid" in keys or any(key.startswith(WHO) for key in keys)
        problem = f"every role and user of account {account['account']} may be allowed to assume the role"
        return ("" if known or own_account is None else problem), Severity.WARNING
    return "", Severity.ERROR


def _says_whom(statement: Statement, provider: str) -> bool:
    """Whether a condition says whom a federation lets in: for OIDC more than the audience, which all tokens share."""
    told = {key: values for wanted in statement.conditions.values() for key, values in wanted.items()}
    if OIDC not in provider:
        return bool(told)
    return any(
        not key.endswith(":aud") and any(str(value).strip("*:/").removeprefix("repo") for value in values)
        for key, values in told.items()
    )
