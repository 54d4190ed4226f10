"""The policy of a bucket, queue, topic, key or secret says for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.policies.documents import APART, OWN
from constructs_lib.assembly.policies.statement import EVERYBODY, statements_at, statements_in
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.identity_statements import limiting_keys, lowered, spelled
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.policies.statement import Principal, Statement
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown

# Conditions on who asks, or for whom a service asks; all others say how or for what.
WHO = (
    "aws:calledvia", "aws:principal", "aws:source", "aws:userid", "aws:username", "cognito-identity",
    "kms:calleraccount", "kms:viaservice", "s3:accessgrants", "s3:dataaccesspoint", "sns:endpoint",
)  # fmt: skip
ONLY_HOW = frozenset({"aws:sourceip"})  # an address range is a who, but everybody's may be in it
# Services that write into what belongs to somebody else, for any account that asks them to.
DEPUTIES = ("events", "s3", "ses", "sns", "sqs", "cloudwatch", "budgets", "codestar-notifications", "scheduler")
SOURCES = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorg", "aws:principalorg")
BUS, LAYER = "AWS::Events::EventBusPolicy", "AWS::Lambda::LayerVersionPermission"
ENCRYPTS = "AWS::KMS::Key"
PLACES = (
    {kind: (document,) for kind, (_, _, document) in APART.items()}
    | dict(OWN)
    | {
        "AWS::ECR::Repository": ("RepositoryPolicyText",),
        "AWS::DynamoDB::GlobalTable": ("Replicas", "*", "ResourcePolicy", "PolicyDocument"),
        "AWS::Backup::BackupVault": ("AccessPolicy",),
        "AWS::Elasticsearch::Domain": ("AccessPolicies",),
        "AWS::OpenSearchService::Domain": ("AccessPolicies",),
    }
)


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The policy of a bucket, queue, topic, bus, table, key or secret names who may do what.

    Why it matters: `Principal: "*"` in an Allow is everybody in the world with an account of AWS, and for a bucket also
    everybody without one; a service of AWS as principal without a source acts for every account that asks it to.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html

    Refuses: an Allow for everybody, or for everybody but some (`NotPrincipal`), without a condition on who it is; that
    requests come by TLS is none, nor is one that any value meets (`*`), or all but some. The same for the versions of
    a layer. As a warning: an Allow that only an address range limits; one for a service that delivers for others
    (events, topics, mails) without `aws:SourceArn` or `aws:SourceAccount`.

    Accepts: accounts, roles and services with a source; `aws:PrincipalOrgID` and the like; any Deny; services in the
    policy of a key, which are limited by what is encrypted.
    """
    for layer in assembly.of_type(LAYER):
        if layer.text("Principal") == EVERYBODY and layer.lacks("OrganizationId"):
            yield _everybody(layer, ("Principal",), "lambda:GetLayerVersion")
    for bus in assembly.of_type(BUS):
        yield from _bus(bus)
    for kind, at in PLACES.items():
        for resource in assembly.of_type(kind):
            for statement in statements_at(resource, *at):
                yield from _judged(resource, statement)


def _bus(policy: Resource) -> Iterator[Finding | Unknown]:
    """The newer form of a bus's policy is a statement, the older one an action and an account."""
    if policy.lacks("Statement"):
        if policy.text("Principal") == EVERYBODY and policy.lacks("Condition"):
            yield _everybody(policy, ("Principal",), policy.text("Action") or "events:PutEvents")
        return
    for statement in statements_in(policy, ("Statement",), policy.value("Statement")):
        yield from _judged(policy, statement)


def _judged(resource: Resource, statement: Statement) -> Iterator[Finding | Unknown]:
    if statement.unknowns:
        yield unknown(resource, what="whom the policy allows something", reason=statement.unknowns[0].reason)
        return
    if not statement.allows:
        return
    keys = limiting_keys(statement)
    known = {key for key in keys if key.startswith(WHO)}
    actions = spelled(resource, statement.actions) or "everything"
    open_to_all = any(each.kind == EVERYBODY for each in statement.principals) or bool(statement.not_principals)
    if open_to_all and not known - ONLY_HOW:
        yield _everybody(resource, statement.at, actions, known, statement.not_principals)
    for principal in statement.principals:
        service = principal.name.literal or ""
        is_deputy = service.removesuffix(".amazonaws.com") in DEPUTIES and resource.type != ENCRYPTS
        if principal.kind == "Service" and is_deputy and not any(key.startswith(SOURCES) for key in keys):
            yield finding(
                resource,
                at=statement.at,
                detail=service,
                problem=f"{service} of any account is allowed {actions}: the statement names no source",
                fix="add a condition on aws:SourceArn or aws:SourceAccount",
                severity=lowered(resource, Severity.WARNING),
            )


def _everybody(
    resource: Resource,
    at: tuple[str, ...],
    actions: str,
    limits: Collection[str] = (),
    but: Sequence[Principal] = (),
) -> Finding:
    how = f"NotPrincipal {', '.join(str(each.name) for each in but)}" if but else "Principal *"
    limited = f", from the addresses of {', '.join(sorted(limits))}" if limits else ""
    return finding(
        resource,
        at=at,
        detail=f"everybody {actions}",
        problem=f"everybody in the world is allowed {actions} ({how}){limited}",
        fix="name accounts, roles or services in Principal, or add a condition on who it is",
        severity=lowered(resource, Severity.WARNING if limits else Severity.ERROR),
    )
