"""A denied call names the ARN it was denied on, as AWS does.

Stock leaves "on resource: ..." out of the message for DynamoDB, Secrets Manager and most other services, so that a log
does not tell which grant is missing.
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch


def _wrap(stock: Any) -> Any:
    def access_denied_response(
        service: str,
        action: str,
        principal_arn: str,
        request_id: str,
        *,
        error_code: str = "",
        message: str = "",
        headers: Any = None,
        resource_arn: str = "*",
        explicit_deny: bool = False,
        resource_policy_arn: str = "",
    ) -> Any:
        by_resource_policy = explicit_deny and resource_policy_arn
        if not message and not error_code and not by_resource_policy and resource_arn != "*":
            actions = base("core.iam_actions")
            message = actions.identity_denial_message(action, principal_arn, resource_arn, explicit_deny)
        return stock(
            service,
            action,
            principal_arn,
            request_id,
            error_code=error_code,
            message=message,
            headers=headers,
            resource_arn=resource_arn,
            explicit_deny=explicit_deny,
            resource_policy_arn=resource_policy_arn,
        )

    return access_denied_response


PATCHES = (
    Patch(
        "core.iam_actions",
        "access_denied_response",
        (
            "service",
            "action",
            "principal_arn",
            "request_id",
            "error_code",
            "message",
            "headers",
            "resource_arn",
            "explicit_deny",
            "resource_policy_arn",
        ),
        _wrap,
    ),
)
