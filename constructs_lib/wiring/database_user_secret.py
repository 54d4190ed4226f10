"""The password of one database user: made up by Secrets Manager, rotated every month, read by the Data API alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib.wiring.rotation_rights import rotation_statements
from constructs_lib.wiring.secrets import read_statements

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from constructs_lib.wiring.identity import Identity

DAYS = 30
LENGTH = 40


class UserSecret(Construct):
    """Define the secret and its rotation.

    Args:
        user: The user.
        key: The key of the secret. Default: the account's key for Secrets Manager.
        rotates: The function that tells the database.
        identity: Who that function is.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        user: str,
        key: kms.IKey | None,
        rotates: lambda_.Function,
        identity: Identity,
    ) -> None:
        super().__init__(scope, id)
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            description=f"Password of {user} in {scope.node.path}",
            encryption_key=key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"username": user}),
                generate_string_key="password",
                exclude_punctuation=True,
                password_length=LENGTH,
            ),
            removal_policy=cdk.RemovalPolicy.DESTROY,  # a new one is made with its user
        )
        for statement in rotation_statements(self, self.secret):
            identity.add_to_principal_policy(statement)
        rotates.add_permission(
            f"Rotate-{user}",
            principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"),
            source_account=cdk.Stack.of(self).account,
            source_arn=self.secret.secret_arn,
        )
        rotation = secretsmanager.CfnRotationSchedule(
            self,
            "Rotation",
            secret_id=self.secret.secret_arn,
            rotation_lambda_arn=rotates.function_arn,
            rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                schedule_expression=f"rate({DAYS} days)"
            ),
            rotate_immediately_on_update=False,
        )
        rotation.node.add_dependency(*identity.grants_policies, rotates.node.find_child(f"Rotate-{user}"))

    def let_read(self, reader: Identity) -> None:
        """Let a function have the Data API read it."""
        for statement in read_statements(self, self.secret):
            reader.add_to_principal_policy(statement)
