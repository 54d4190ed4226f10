"""What a role needs to read or write some keys of a bucket, and no others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.identity import Identity
from constructs_lib.wiring.waiver import acknowledge

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from constructs_lib.wiring.object_keys import ObjectKeys

READ = "s3:GetObject"
# Creating, filling and completing an upload in parts are this action too. Aborting one is not, and nobody needs it:
# what is left behind goes after a week, by the lifecycle of the bucket.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
WRITE = "s3:PutObject"
LIST = "s3:ListBucket"

# Reading decrypts; writing makes a data key, and decrypts it again to complete an upload in parts.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
READER_ACTIONS = ("kms:Decrypt",)
WRITER_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")

KEYS_ARE_NAMED_BY_PREFIX = (
    "objects come after the policy does, so their keys are granted by prefix or suffix, with the wildcard that the ARN "
    "of an object has for this, https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html"
)


def grant_objects(
    scope: Construct, grantee: iam.IGrantable, action: str, bucket: s3.IBucket, keys: ObjectKeys
) -> iam.Grant:
    """Allow one action on these keys, and acknowledge their wildcard where it stands.

    Raises:
        PropError: The grant would be dropped.
    """
    resource = f"{bucket.bucket_arn}/{keys}"
    granted = grant_exactly(scope, grantee, [action], resource)
    identity = grantee.grant_principal
    if isinstance(identity, Identity) and identity.grants_policy is not None:
        finding = f"AwsSolutions-IAM5[Resource::{_flat(identity.grants_policy, resource)}]"
        acknowledge(identity.grants_policy, KEYS_ARE_NAMED_BY_PREFIX, finding)
    return granted


def list_statement(bucket: s3.IBucket, keys: ObjectKeys) -> iam.PolicyStatement:
    """Allow listing what begins with the prefix; without it, a key that does not exist is answered 403, not 404.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    conditions = {"StringLike": {"s3:prefix": [f"{keys.prefix}*"]}} if keys.prefix else None
    return iam.PolicyStatement(actions=[LIST], resources=[bucket.bucket_arn], conditions=conditions)


def _flat(scope: Construct, value: str) -> str:
    """A resource as cdk-nag names it in a finding: `<Bucket.Arn>/uploads/*`."""
    match cdk.Stack.of(scope).resolve(value):
        case {"Fn::Join": ["", list(parts)]}:
            return "".join(_flat_part(part) for part in parts)
        case resolved:
            return _flat_part(resolved)


def _flat_part(part: object) -> str:
    match part:
        case str():
            return part
        case {"Ref": str(name)}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case _:  # pragma: no cover - the ARN of a bucket is made of nothing else
            return json.dumps(part)
