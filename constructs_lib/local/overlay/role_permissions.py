"""Whether the role of a function may do what Lambda itself does on its behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.local.overlay.base import base

if TYPE_CHECKING:
    from constructs_lib.local.executor.function import Function


def role_credentials(function: Function) -> dict[str, str]:
    """The credentials of the function's role, as the variables Lambda sets."""
    found: dict[str, str] = base("core.lambda_runtime").execution_credentials(
        {"FunctionArn": function.arn, "Role": function.role, "FunctionName": function.name}
    )
    return found


def role_may(function: Function, action: str, resource: str) -> bool:
    """Whether the policies of the function's role allow the action; always where IAM is off."""
    if not base("app").AUTH:
        return True
    evaluator = base("core.iam_evaluator")
    account = function.arn.split(":")[4]
    principal = evaluator.resolve_principal(role_credentials(function)["AWS_ACCESS_KEY_ID"], account)
    if isinstance(principal, evaluator.AuthError):
        return False
    context = evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=function.region,
        source_ip="127.0.0.1",
        secure_transport=True,
        principal_keys=principal.keys,
    )
    return bool(evaluator.evaluate(context, principal.policies, *principal.limits).decision == "Allow")
