"""Policies of resources: those of event buses count, and `NotPrincipal` means everybody else.

Stock asks no event bus for its policy when somebody puts events, and passes over every statement with `NotPrincipal`,
so that a bucket that denies everybody but one role denies nobody. A whole policy in `PutPermission` allows everybody.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
"""

from __future__ import annotations

import json
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

_EVALUATOR = "core.iam_evaluator"


def _wrap_lookup(stock: Any) -> Any:
    def resource_policy(service: str, resource_arn: str) -> Any:
        if service != "events" or ":event-bus/" not in resource_arn:
            return stock(service, resource_arn)
        region, account = resource_arn.split(":")[3:5]
        name = resource_arn.rpartition("/")[2]
        policy = base("services.eventbridge")._event_bus_policies.get_scoped(account, region, name)
        return ("" if policy is None else json.dumps(policy)), account

    return resource_policy


def _wrap_policy(stock: Any) -> Any:
    def evaluate_resource_policy(
        doc: Any, ctx: Any, service: str | None = None, named_only: bool = False, direct_only: bool = False
    ) -> Any:
        if isinstance(doc, str) and '"NotPrincipal"' in doc:
            doc = json.loads(doc)
        if isinstance(doc, dict) and not (named_only or direct_only):
            doc = _resolved(doc, ctx.principal_arn, service)
        return stock(doc, ctx, service, named_only, direct_only)

    return evaluate_resource_policy


def _resolved(document: dict[str, Any], principal_arn: str, service: str | None) -> dict[str, Any]:
    """A document whose statements name everybody, or are gone, where they named whom they do not mean."""
    statements = document.get("Statement") or []
    statements = [statements] if isinstance(statements, dict) else statements
    if not any(isinstance(each, dict) and "NotPrincipal" in each for each in statements):
        return document
    meant = [each for each in statements if "NotPrincipal" not in each]
    others = [each for each in statements if "NotPrincipal" in each]
    meant += [{**each, "Principal": "*"} for each in others if not _names(each["NotPrincipal"], principal_arn, service)]
    return {**document, "Statement": meant}


def _names(principal: Any, principal_arn: str, service: str | None) -> bool:
    """Whether a caller is one of those named; the account alone does not name its roles here."""
    evaluator = base(_EVALUATOR)
    if service is not None:
        return bool(evaluator._service_principal_matches(principal, service))
    return bool(principal == "*" or evaluator._names_caller(principal, principal_arn))


def _wrap_put_permission(stock: Any) -> Any:
    def put_permission(data: Any) -> Any:
        given = data.get("Policy")
        if not given:
            return stock(data)
        policy = json.loads(given) if isinstance(given, str) else given
        base("services.eventbridge")._event_bus_policies[data.get("EventBusName") or "default"] = policy
        return base("core.responses").json_response({})

    return put_permission


PATCHES = (
    Patch("services.eventbridge", "_put_permission", ("data",), _wrap_put_permission),
    Patch(_EVALUATOR, "_resource_policy", ("service", "resource_arn"), _wrap_lookup),
    Patch(
        _EVALUATOR,
        "evaluate_resource_policy",
        ("doc", "ctx", "service", "named_only", "direct_only"),
        _wrap_policy,
    ),
)
