"""Whether the role of a function may do what Lambda itself does on its behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.local.overlay.authority import Role
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
    return not Role(function.role, function.name).denial(action, resource, region=function.region)
