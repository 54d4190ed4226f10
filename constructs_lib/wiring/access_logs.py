"""Where a bucket logs who reads and writes it: a bucket of its own, or one that several share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.defaults import defaults_of

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals

SERVICE = "logging.s3.amazonaws.com"
RETENTION = cdk.Duration.days(365)
NONCURRENT = cdk.Duration.days(1)  # a version is only there when somebody overwrote or deleted a log


class AccessLogs(Construct):
    """Define a bucket for access logs: private, encrypted, TLS only; each log is kept a year.

    It is not logged itself: a log of writing logs would never end. Hardened, it keeps versions too.

    Args:
        retain: Whether it outlives its stack.
    """

    def __init__(self, scope: Construct, id: str, *, retain: bool = True) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        is_versioned = defaults_of(self).hardened
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,  # S3 delivers logs to no other
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True if is_versioned else None,
            removal_policy=cdk.RemovalPolicy.RETAIN if retain else cdk.RemovalPolicy.DESTROY,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="KeptAYear",
                    expiration=RETENTION,
                    noncurrent_version_expiration=NONCURRENT if is_versioned else None,
                )
            ],
        )


def check_access_logs(bucket: object, refusals: Refusals) -> None:
    """Note what no access log can be delivered to.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    if not hasattr(bucket, "bucket_arn") or isinstance(getattr(bucket, "bucket", None), s3.Bucket):
        refusals.refuse(
            f"access_logs is a {type(bucket).__name__}, wanted an s3.IBucket",
            fix="pass a bucket that is for logs, or leave access_logs out",
        )
    elif getattr(bucket, "encryption_key", None) is not None:
        refusals.refuse(
            "access_logs is encrypted under a KMS key, and S3 delivers access logs to no such bucket",
            fix="encrypt it with keys of S3: encryption=s3.BucketEncryption.S3_MANAGED",
        )


def admit_access_logs(logs: s3.IBucket, source: s3.Bucket, prefix: str) -> None:
    """Let S3 write the access logs of one bucket into another, below a prefix.

    Across stacks any bucket of the account may: with the ARN of this one, the two stacks would need each other.
    """
    conditions: dict[str, object] = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(source).account}}
    if cdk.Stack.of(logs).node.path == cdk.Stack.of(source).node.path:
        conditions["ArnLike"] = {"aws:SourceArn": source.bucket_arn}
    logs.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(SERVICE)],
            actions=["s3:PutObject"],
            resources=[f"{logs.bucket_arn}/{prefix}*"],
            conditions=conditions,
        )
    )
