"""Log groups as everything of ours has them: kept as long as the Defaults say, under the key they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.environments import check_same_region
from constructs_lib.wiring.refusals import Refusals

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
LOG_ACTIONS = ("kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")


def log_group(
    scope: Construct,
    id: str,  # noqa: A002 - CDK's name
    *,
    retention: logs.RetentionDays | None,
    name: str | None = None,
) -> logs.LogGroup:
    """Define a log group; it outlives its construct where data does, until its last entry is as old as it may get.

    One with a name of its own goes in any case: it would be in the way of the next of that name.

    Args:
        scope: Whose logs they are.
        id: Its name there.
        retention: How long logs are kept. Default: what the Defaults say.
        name: Its physical name. Default: one that CloudFormation chooses.
    """
    settings = defaults_of(scope)
    if settings.encryption_key is not None:
        refusals = Refusals(scope)
        check_same_region("encryption_key of the Defaults", settings.encryption_key, scope, refusals)
        refusals.stop_if_any()
        admit_logs(settings.encryption_key, scope)
    is_kept = name is None and settings.removal_policy is not cdk.RemovalPolicy.DESTROY
    return logs.LogGroup(
        scope,
        id,
        log_group_name=name,
        retention=settings.log_retention if retention is None else retention,
        encryption_key=settings.encryption_key,
        removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if is_kept else cdk.RemovalPolicy.DESTROY,
    )


def admit_logs(key: kms.IKey, scope: Construct) -> None:
    """Let CloudWatch Logs use a key for the log groups of the account: naming one of them would close a cycle.

    The policy of a key that was imported cannot be changed from here; its owner adds the same statement.
    """
    stack = cdk.Stack.of(scope)
    every = stack.format_arn(
        service="logs", resource="log-group", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.{stack.url_suffix}")],
            actions=list(LOG_ACTIONS),
            resources=["*"],  # in the policy of a key this is the key itself
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": every}},
        )
    )
