"""What renewing one secret takes: four actions on it, and its key where it has one of its own.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from constructs_lib.wiring.key_use import use_through
from constructs_lib.wiring.secrets import full_arn_of

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager
    from constructs import Construct

ACTIONS = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


def rotation_statements(scope: Construct, secret: secretsmanager.ISecret) -> list[iam.PolicyStatement]:
    """What the four steps of a rotation call."""
    statements = [iam.PolicyStatement(actions=list(ACTIONS), resources=[full_arn_of(secret)])]
    if secret.encryption_key is not None:
        statements.append(use_through(scope, secret.encryption_key, "secretsmanager", *KEY_ACTIONS))
    return statements
