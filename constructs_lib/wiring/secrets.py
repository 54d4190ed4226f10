"""Secrets of a function: the ARN in a variable, the right to read it, the value nowhere but in memory.

The handler reads the value at run time, cached, e.g. with Powertools: `get_secret(os.environ["STRIPE_KEY"])` in Python,
`await getSecret(process.env.STRIPE_KEY)` in Node, `get_parameter` and `getParameter` for parameters.
https://docs.aws.amazon.com/powertools/python/latest/utilities/parameters/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

if TYPE_CHECKING:
    from constructs import Construct

    from constructs_lib.wiring.refusals import Refusals

SecretSource: TypeAlias = secretsmanager.ISecret | ssm.IParameter


def check_secret(name: str, source: object, refusals: Refusals) -> None:
    """Note a secret that is not a secret or a parameter, most often its value."""
    if not (hasattr(source, "secret_arn") or hasattr(source, "parameter_arn")):
        refusals.refuse(
            f"secret {name} is a {type(source).__name__}, wanted a Secrets Manager secret or an SSM parameter",
            fix=f'pass the construct, never its value: secrets={{"{name}": Secret.from_secret_name_v2(...)}}',
        )


def arn_of(source: SecretSource) -> str:
    """The ARN the handler reads by; both GetSecretValue and GetParameter take one."""
    return source.parameter_arn if hasattr(source, "parameter_arn") else source.secret_arn


def read_statements(scope: Construct, source: SecretSource) -> list[iam.PolicyStatement]:
    """What reading one secret takes: one action on it, and decryption where it has a key of its own."""
    if hasattr(source, "parameter_arn"):
        # A SecureString under the account's own key needs no more: that key's policy admits who may use the parameter.
        # https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
        # A key of one's own is not to be had from the construct: `key.grant_decrypt(function)` adds it.
        return [iam.PolicyStatement(actions=["ssm:GetParameter"], resources=[source.parameter_arn])]
    # An ARN imported by name lacks the six random characters that end every secret's ARN.
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
    arn = source.secret_full_arn if source.secret_full_arn is not None else f"{source.secret_arn}-??????"
    statements = [iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[arn])]
    if source.encryption_key is not None:
        statements.append(via_service_decrypt(scope, source.encryption_key, "secretsmanager"))
    return statements


def via_service_decrypt(scope: Construct, key: kms.IKey, service: str) -> iam.PolicyStatement:
    """Decryption with one key, only through the service that stores the data.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    stack = cdk.Stack.of(scope)
    return iam.PolicyStatement(
        actions=["kms:Decrypt"],
        resources=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"{service}.{stack.region}.{stack.url_suffix}"}},
    )
