"""A denial says which kind of policy decided, in AWS's words.

Stock knows two kinds: an identity-based policy, and an explicit denial of the resource's own policy. What a permissions
boundary or a session policy does not allow, or denies, is told as the identity's, and so is what a resource's policy
would have had to allow.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

_EVALUATOR = "core.iam_evaluator"
IDENTITY = "identity-based policy"
BOUNDARY = "permissions boundary"
SESSION = "session policy"
RESOURCE = "resource-based policy"
_KINDS = frozenset({IDENTITY, BOUNDARY, SESSION, RESOURCE})


class _Boundary(list[Any]):
    """The statements of a permissions boundary."""


def reason_of(denied: Any, service: str, action: str, principal: str, resource: str) -> str:
    """Why a call is denied, as AWS says it.

    Args:
        denied: The result of the base's evaluation.
        service: The service, as the base names it.
        action: The action.
        principal: The ARN of the caller.
        resource: The ARN of what it acts on; `*` for nothing in particular.
    """
    explicit = denied.decision == "Deny"
    if explicit and denied.resource_policy_arn:
        text: str = base("core.iam_actions")._resource_policy_denial(
            service, action, principal, denied.resource_policy_arn
        )
        return text
    kind = denied.reason if denied.reason in _KINDS else IDENTITY
    spelt = _spelt(service, action)
    on = "" if resource == "*" else f' on resource: "{resource}"' if service == "s3" else f" on resource: {resource}"
    article = "an" if kind == IDENTITY else "a"
    why = f"with an explicit deny in {article} {kind}" if explicit else f"because no {kind} allows the {spelt} action"
    return f"User: {principal} is not authorized to perform: {spelt}{on} {why}"


def _spelt(service: str, action: str) -> str:
    """An action as the service spells it in its denials."""
    prefix, _, name = action.partition(":")
    if service == "sqs":
        return f"{prefix}:{name.lower()}"
    return f"SNS:{name}" if service == "sns" else action


def _wrap_boundary(stock: Any) -> Any:
    def permissions_boundary(store: Any, name: str, account_id: str) -> Any:
        return [_Boundary(layer) for layer in stock(store, name, account_id)]

    return permissions_boundary


def _wrap_evaluate(stock: Any) -> Any:
    def evaluate(ctx: Any, policies: Any, *limits: Any) -> Any:
        result = stock(ctx, policies, *limits)
        if result.decision != "Allow":
            result.reason = _kind(stock, ctx, policies, limits, result.decision)
        return result

    return evaluate


def _kind(stock: Any, ctx: Any, policies: Any, limits: Any, decision: str) -> str:
    """The kind of policy that decided: in the order of the base, which is that of AWS."""
    if stock(ctx, policies).decision == decision:
        return IDENTITY
    for layer in limits:
        if stock(ctx, layer).decision == decision:
            return BOUNDARY if isinstance(layer, _Boundary) else SESSION
    return IDENTITY


def _wrap_resource_policy(stock: Any) -> Any:
    def evaluate_resource_policy(
        doc: Any, ctx: Any, service: str | None = None, named_only: bool = False, direct_only: bool = False
    ) -> Any:
        result = stock(doc, ctx, service, named_only, direct_only)
        if result.decision != "Allow":
            result.reason = RESOURCE
        return result

    return evaluate_resource_policy


PATCHES = (
    Patch(_EVALUATOR, "_permissions_boundary", ("store", "name", "account_id"), _wrap_boundary),
    Patch(_EVALUATOR, "evaluate", ("ctx", "policies", "limits"), _wrap_evaluate),
    Patch(
        _EVALUATOR,
        "evaluate_resource_policy",
        ("doc", "ctx", "service", "named_only", "direct_only"),
        _wrap_resource_policy,
    ),
)
