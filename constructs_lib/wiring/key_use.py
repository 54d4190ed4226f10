"""What using a key of one's own takes: only through the service that stores the data, never by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

# What a sender needs: a data key for its message, and the right to check that key.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
SENDER_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


def use_through(scope: Construct, key: kms.IKey, service: str, *actions: str) -> iam.PolicyStatement:
    """Let the bearer of a policy use one key through one service.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    stack, region = cdk.Stack.of(scope), key.env.region
    if cdk.Token.is_unresolved(region):  # else it may be another region's: of a function that reads from afar
        region = stack.region
    return iam.PolicyStatement(
        actions=list(actions),
        resources=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"{service}.{region}.{stack.url_suffix}"}},
    )


def admit_to_key(key: kms.IKey, service: str, source: str) -> None:
    """Let an AWS service use a key to write to what the key encrypts, on behalf of one source.

    The policy of a key that was imported cannot be changed from here; its owner adds the same statement.

    Args:
        key: The key.
        service: The service, `sns.amazonaws.com`.
        source: The ARN it acts for; may end in a wildcard, where the full one would refer back to the key.
    """
    _admit(key, service, {"ArnLike": {"aws:SourceArn": source}})


def admit_account_to_key(key: kms.IKey, service: str, account: str) -> None:
    """Let an AWS service use a key on behalf of anything of one account, where the source cannot be named.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    _admit(key, service, {"StringEquals": {"aws:SourceAccount": account}})


def _admit(key: kms.IKey, service: str, conditions: dict[str, dict[str, str]]) -> None:
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(service)],
            actions=list(SENDER_ACTIONS),
            resources=["*"],  # in the policy of a key this is the key itself
            conditions=conditions,
        )
    )
