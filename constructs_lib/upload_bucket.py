"""A bucket that takes uploads, tells functions about them, and does not let them run on their own output.

The numbers, and why:

- 30 days for versions that were overwritten or deleted: long enough to notice, and versions are paid for like objects.
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
- 7 days for uploads in parts that nobody completed: their parts are paid for, and no listing shows them.
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html
- One year of access logs: who read what is often asked months later.
"""

from __future__ import annotations

from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.access_logs import AccessLogs, admit_access_logs, check_access_logs
from constructs_lib.wiring.environments import check_same_region
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.known_bucket import ExistingBucket, KnownBucket
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.stack_key import keep_with_data
from constructs_lib.wiring.stated import retained
from constructs_lib.wiring.waiver import Waived, check_safeguards, record_waiver

ABANDONED_UPLOADS = cdk.Duration.days(7)
NONCURRENT_VERSIONS = cdk.Duration.days(30)


class UploadBucket(KnownBucket):
    """Define a bucket: private, encrypted, TLS only, versioned, access-logged, retained.

    Nobody may read or write until you say so with `grant_read` and `grant_write`, and nobody hears of an upload before
    `on_upload`. A function that could run on what it writes itself is refused, in whatever order that is said: whether
    the upload calls it, a worker's queue or a workflow does, or another function that `grant_send`, `grant_invoke`,
    `grant_call`, `grant_start` or `grant_publish` lets call it, and whether one bucket is written or several in turn.
    Not seen here is what goes by way of a filter, a bus, a stream or a message that a workflow sends, and what L2s
    grant (`bucket.bucket.grant_put(...)`): `constructs-lib check` reads the whole template for that.

    Args:
        encryption_key: A key of your own. Default: that of the `Defaults`, or else keys of S3, at no cost.
        access_logs: Where accesses are logged: a bucket encrypted with keys of S3, for it takes no other. One that was
            imported must admit the service by itself. Default: a bucket of its own, kept for a year.
            https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
        versioned: `Waived(reason)` keeps no versions: what is overwritten is gone.
        retain: `Waived(reason)` deletes the bucket with the stack, which fails unless it is empty.
            Default: it stays, unless the `Defaults` say otherwise, of it and of its logs.

    Raises:
        PropError: The bucket for logs could not take them, or a safeguard is waived without a reason.

    Example:
        >>> uploads = UploadBucket(stack, "Uploads")
        >>> _ = uploads.on_upload(greet, prefix="uploads/", suffix=".png")
        >>> _ = uploads.grant_read(greet, prefix="uploads/")
        >>> _ = uploads.grant_write(greet, prefix="thumbnails/", env="THUMBNAILS_BUCKET")
    """

    @checks_kinds(except_for=("access_logs",))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        encryption_key: kms.IKey | None = None,
        access_logs: s3.IBucket | None = None,
        versioned: Literal[True] | Waived = True,
        retain: Literal[True] | Waived | None = None,
    ) -> None:
        super().__init__(scope, id)
        settings = defaults_of(self)
        encryption_key = settings.encryption_key if encryption_key is None else encryption_key
        retain = retained(retain, settings)
        refusals = Refusals(self)
        safeguards: dict[str, Literal[True] | Waived] = {"versioned": versioned, "retain": retain}
        check_safeguards(safeguards, refusals)
        if access_logs is not None:
            check_access_logs(access_logs, refusals)
            check_same_region("access_logs", access_logs, self, refusals)
        check_same_region("encryption_key", encryption_key, self, refusals)
        refusals.stop_if_any()

        if retain is True:
            keep_with_data(encryption_key)
        self.bucket: s3.Bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=versioned is True,
            encryption=s3.BucketEncryption.S3_MANAGED if encryption_key is None else s3.BucketEncryption.KMS,
            encryption_key=encryption_key,
            bucket_key_enabled=None if encryption_key is None else True,  # one call to KMS for many objects
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            removal_policy=cdk.RemovalPolicy.RETAIN if retain is True else cdk.RemovalPolicy.DESTROY,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="NothingLingers",
                    abort_incomplete_multipart_upload_after=ABANDONED_UPLOADS,
                    noncurrent_version_expiration=NONCURRENT_VERSIONS if versioned is True else None,
                    expired_object_delete_marker=True if versioned is True else None,
                )
            ],
        )
        for safeguard, value in safeguards.items():
            if isinstance(value, Waived):
                record_waiver(self.bucket, safeguard, value)

        self.access_logs: s3.IBucket = (
            AccessLogs(self, "AccessLogs", retain=settings.removal_policy is not cdk.RemovalPolicy.DESTROY).bucket
            if access_logs is None
            else access_logs
        )
        log_prefix = f"{self.node.path}/"
        admit_access_logs(self.access_logs, self.bucket, log_prefix)
        cfn = resource_of(self.bucket, s3.CfnBucket)
        # Both by hand: the L2 would open the log bucket with an ACL where a flag is unset, and switch the events on by
        # a custom resource.
        cfn.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=self.access_logs.bucket_name, log_file_prefix=log_prefix
        )
        cfn.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )

    @classmethod
    def from_existing(
        cls,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        bucket: s3.IBucket,
    ) -> ExistingBucket:
        """Stand for a bucket that was made elsewhere, to grant on it as on one of this library.

        `on_upload` hears of uploads if the bucket sends its events to EventBridge, which its owner switches on:
        `aws s3api put-bucket-notification-configuration --bucket NAME
        --notification-configuration '{"EventBridgeConfiguration": {}}'`, beside what is configured already.

        Args:
            scope: The stack, or a construct in it.
            id: Its id there.
            bucket: The L2: `Bucket.from_bucket_name(...)`, or `from_bucket_attributes`, which also takes its key.

        Raises:
            PropError: It is in another account or region.
        """
        return ExistingBucket(scope, id, bucket=bucket)
