"""A denied call names the ARN it was denied on and the kind of policy that decided, as AWS does.

Stock leaves "on resource: ..." out of the message for DynamoDB, Secrets Manager and most other services, so that a log
does not tell which grant is missing.
"""

from __future__ import annotations

import json
from typing import Any

from constructs_lib.local.overlay.decisions import last_reason
from constructs_lib.local.overlay.patching import Patch

CAPITALISED = {"ssm", "logs"}  # they write "Message" where others write "message", and stock puts its own words there


def _capitalised(answered: Any, message: str) -> Any:
    status, headers, body = answered
    told = {**json.loads(body), "Message": message}
    return status, headers, json.dumps(told).encode()


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
        if not message and not error_code:
            message = last_reason(action, principal_arn)
        answered = stock(
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
        return _capitalised(answered, message) if service in CAPITALISED and not error_code and message else answered

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
