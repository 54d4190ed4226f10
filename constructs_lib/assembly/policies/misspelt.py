"""Actions of IAM that do not exist, and the ones that were meant."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

from constructs_lib.assembly.policies.resource_level import actions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOSE = 0.84  # of 1: `PutItems` and `PutItem` have 0.93
SAME = 2  # letters at the beginning
# Calls of AWS's APIs that no action is named after, and the actions that allow them.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
CALLS: Mapping[str, str] = {
    "dynamodb:executestatement": "dynamodb:PartiQLSelect",
    "dynamodb:transactgetitems": "dynamodb:GetItem",
    "dynamodb:transactwriteitems": "dynamodb:PutItem, dynamodb:UpdateItem or dynamodb:DeleteItem",
    "lambda:invoke": "lambda:InvokeFunction",
    "s3:completemultipartupload": "s3:PutObject",
    "s3:copyobject": "s3:GetObject and s3:PutObject",
    "s3:createmultipartupload": "s3:PutObject",
    "s3:deleteobjects": "s3:DeleteObject",
    "s3:headbucket": "s3:ListBucket",
    "s3:headobject": "s3:GetObject",
    "s3:listobjects": "s3:ListBucket",
    "s3:listobjectsv2": "s3:ListBucket",
    "s3:uploadpart": "s3:PutObject",
    "sns:publishbatch": "sns:Publish",
    "sqs:changemessagevisibilitybatch": "sqs:ChangeMessageVisibility",
    "sqs:deletemessagebatch": "sqs:DeleteMessage",
    "sqs:sendmessagebatch": "sqs:SendMessage",
}
# What services are called where they are not written in policies.
SERVICES: Mapping[str, str] = {
    "cloudwatchlogs": "logs", "cognito": "cognito-idp", "dynamo": "dynamodb", "elasticsearch": "es",
    "eventbridge": "events", "secretmanager": "secretsmanager", "secrets-manager": "secretsmanager", "sfn": "states",
    "step-functions": "states", "stepfunctions": "states",
}  # fmt: skip


@cache
def meant_by(action: str) -> str | None:
    """Return what to write instead of an action that does not exist; empty when it exists, none when nobody can tell.

    Args:
        action: The action in lower case.

    Example:
        >>> meant_by("dynamodb:putitems"), meant_by("dynamodb:putitem"), meant_by("new:action")
        ('dynamodb:PutItem', '', None)
    """
    service, colon, name = action.partition(":")
    if "$" in action or set(service) & set("*?"):
        return None  # it is known at deploy only, or of any service
    if not colon:
        return "its service and a colon before it"
    if service in SERVICES:
        return f"{SERVICES[service]}:..."
    known = {each.lower(): each for each in actions_of(service)}
    if not known:
        return None
    if "*" in name or "?" in name:
        return ""
    if name in known:
        return ""
    if action in CALLS:
        return CALLS[action]
    alike = [each for each in known if each[:SAME] == name[:SAME]]  # another verb is another action, perhaps a new one
    close = get_close_matches(name, alike, n=1, cutoff=CLOSE)
    return f"{service}:{known[close[0]]}" if close else None
