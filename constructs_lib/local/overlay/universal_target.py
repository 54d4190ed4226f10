"""The universal targets of schedules: any call of an API, with the role of the target.

Stock knows none, and says so in its log alone.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

from __future__ import annotations

import json

from constructs_lib.local.overlay.authority import Role, here
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.delivery import DeliveryError
from constructs_lib.local.overlay.workflow_role import sdk_need

PREFIX = "arn:aws:scheduler:::aws-sdk:"


def is_universal(arn: str) -> bool:
    """Whether a target is a call."""
    return arn.startswith(PREFIX)


def call(role: Role, arn: str, text: str) -> None:
    """Make the call.

    Args:
        role: Who calls.
        arn: The target: `arn:aws:scheduler:::aws-sdk:sqs:sendMessage`.
        text: The arguments, as JSON.

    Raises:
        DeliveryError: The role may not, or the service refused.
    """
    account, region = here()
    operation = arn.removeprefix(PREFIX)
    try:
        arguments = json.loads(text or "{}")
    except ValueError as error:
        raise DeliveryError("InvalidRequest", f"the input of {arn} is no JSON") from error
    need = sdk_need(operation, arguments, region, account)
    if need.resource:
        denial = role.denial(need.action, need.resource, region=region, keys=need.keys)
    else:
        denial = role.denial_anywhere(need.action, region=region)
    if denial:
        raise DeliveryError("AccessDeniedException", denial)
    workflows = base("services.stepfunctions")  # whose tasks make such calls, too
    try:
        workflows._invoke_aws_sdk_integration(f"arn:aws:states:::aws-sdk:{operation}", arguments)
    except workflows._ExecutionError as error:
        raise DeliveryError(error.error, error.cause) from error
