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
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.access_logs import AccessLogs, admit_access_logs, check_access_logs
from constructs_lib.wiring.delivery import REACH, REACH_FIX, check_message_group, shortened
from constructs_lib.wiring.delivery_alarms import AlarmsOfDelivery, DeliveryAlarms
from constructs_lib.wiring.environments import check_same_environment, check_same_region
from constructs_lib.wiring.event_rule import EventRule
from constructs_lib.wiring.guarded import LOOP, guard
from constructs_lib.wiring.key_use import use_through
from constructs_lib.wiring.kinds import check_id, checks_kinds
from constructs_lib.wiring.object_access import (
    READ,
    READER_ACTIONS,
    WRITE,
    WRITER_ACTIONS,
    grant_objects,
    list_statement,
)
from constructs_lib.wiring.object_keys import ObjectKeys
from constructs_lib.wiring.receiver import Receiver, check_receiver, place_of
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.stated import retained
from constructs_lib.wiring.upload_loops import Use, loops_of, run_with, somebody
from constructs_lib.wiring.variables import check_takes_variable, set_variable
from constructs_lib.wiring.waiver import Waived, acknowledge, check_safeguards, record_waiver

ABANDONED_UPLOADS = cdk.Duration.days(7)
NONCURRENT_VERSIONS = cdk.Duration.days(30)


class UploadBucket(Construct):
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
        guard(self)
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

        self._encryption_key = encryption_key
        self._loops = loops_of(self)
        self.bucket = s3.Bucket(
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

    @property
    def bucket_name(self) -> str:
        """The name of the bucket, chosen by CloudFormation."""
        return self.bucket.bucket_name

    @property
    def bucket_arn(self) -> str:
        """The ARN of the bucket."""
        return self.bucket.bucket_arn

    @checks_kinds(except_for=("target",))
    def on_upload(
        self,
        target: Receiver,
        *,
        prefix: str = "",
        suffix: str = "",
        message_group: str | None = None,
        id: str | None = None,  # noqa: A002 - CDK's name
        loop_guard: Literal[True] | Waived = True,
        alarms: DeliveryAlarms | Waived | None = None,
    ) -> EventRule:
        """Tell one target of each object that is created, by EventBridge, at least once.

        The event has the key as it is, in `detail.object.key`: not encoded, as the bucket's own notifications would be.
        The rule belongs to the target, so that the target's stack depends on the bucket's and never the other way.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html

        Args:
            target: A `SecureFunction`, a `QueueWorker` or a `Workflow`.
            prefix: What the keys begin with. Default: any.
            suffix: What they end with. Default: any.
            message_group: The message group, for a FIFO queue.
            id: Name of the rule below the target; a second rule for the same target needs one. Default: the place of
                the bucket.
            loop_guard: `Waived(reason)` lets the target run on keys that it may write itself.
            alarms: Other thresholds than those of `DeliveryAlarms`, or `Waived(reason)` for one or all of them.

        Raises:
            PropError: The target cannot take events, could run on its own output, or has a rule of that name, or is
                deployed elsewhere.
        """
        refusals = Refusals(self)
        keys = ObjectKeys(prefix, suffix)
        keys.check(refusals)
        check_receiver("target", target, refusals)
        check_safeguards({"loop_guard": loop_guard}, refusals)
        check_message_group(target, message_group, refusals)
        AlarmsOfDelivery(alarms).check(refusals)
        refusals.stop_if_any()
        if not isinstance(target, Construct):  # pragma: no cover - what can be a target is a construct
            raise TypeError("a target outside the tree")
        name = place_of(self, seen_from=target) if id is None else id
        check_same_environment(self, target, refusals, why=REACH, fix=REACH_FIX)
        check_id(target, name, refusals, fix='name this rule: on_upload(..., id="Photos")')
        if self._is_guarded(target, f"runs on {keys}", loop_guard):
            self._loops.add_runners([Use(each, self.node.path, keys) for each in run_with(target)], refusals)
        refusals.stop_if_any()

        wanted: dict[str, object] = {"bucket": {"name": [self.bucket_name]}}
        if keys.pattern is not None:
            wanted["object"] = {"key": keys.pattern}
        return EventRule(
            target,
            name,
            pattern={"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": wanted},
            message_group=message_group,
            description=shortened(f"Uploads of {keys} to {self.node.path}"),
            alarms=alarms,
        )

    @checks_kinds()
    def grant_read(
        self,
        grantee: iam.IGrantable,
        *,
        prefix: str,
        suffix: str = "",
        listing: bool = False,
        env: str | None = None,
    ) -> iam.Grant:
        """Let somebody read the current version of some objects: exactly `s3:GetObject` on their keys.

        Args:
            grantee: A function, or anything else with a role.
            prefix: What the keys begin with; empty for the whole bucket.
            suffix: What they end with. Default: anything.
            listing: Also allow `s3:ListBucket` below the prefix; without it, a key that is not there is answered 403.
            env: Also set this variable of the function to the name of the bucket.

        Raises:
            PropError: The keys cannot be granted, the grantee takes no grants, or there is no function to set the
                variable on.
        """
        keys = ObjectKeys(prefix, suffix)
        refusals = Refusals(self)
        keys.check(refusals)
        check_takes_variable(grantee, env, refusals)
        refusals.stop_if_any()
        granted = grant_objects(self, grantee, READ, self.bucket, keys)
        if listing:
            grantee.grant_principal.add_to_principal_policy(list_statement(self.bucket, keys))
        self._grant_key(grantee, *READER_ACTIONS)
        set_variable(grantee, env, self.bucket_name)
        return granted

    @checks_kinds()
    def grant_write(
        self,
        grantee: iam.IGrantable,
        *,
        prefix: str,
        suffix: str = "",
        env: str | None = None,
        loop_guard: Literal[True] | Waived = True,
    ) -> iam.Grant:
        """Let somebody create and replace some objects, in parts too: exactly `s3:PutObject` on their keys.

        Args:
            grantee: A function, or anything else with a role.
            prefix: What the keys begin with; empty for the whole bucket.
            suffix: What they end with. Default: anything.
            env: Also set this variable of the function to the name of the bucket.
            loop_guard: `Waived(reason)` lets a function write keys whose uploads run it.

        Raises:
            PropError: The function could run on what it writes, the keys cannot be granted, the grantee takes no
                grants, or there is no function to set the variable on.
        """
        keys = ObjectKeys(prefix, suffix)
        refusals = Refusals(self)
        keys.check(refusals)
        check_takes_variable(grantee, env, refusals)
        check_safeguards({"loop_guard": loop_guard}, refusals)
        refusals.stop_if_any()
        writer = somebody(grantee)
        if writer is not None and self._is_guarded(grantee, f"writes {keys}", loop_guard):
            self._loops.add_writer(Use(writer, self.node.path, keys), refusals)
        refusals.stop_if_any()
        granted = grant_objects(self, grantee, WRITE, self.bucket, keys)
        self._grant_key(grantee, *WRITER_ACTIONS)
        set_variable(grantee, env, self.bucket_name)
        return granted

    def _is_guarded(self, whoever: object, does: str, loop_guard: Literal[True] | Waived) -> bool:
        who = somebody(whoever)
        if isinstance(loop_guard, Waived) and who is not None:
            record_waiver(self.bucket, f"loop_guard: {who.name} {does}", loop_guard)
            acknowledge(whoever if isinstance(whoever, Construct) else self.bucket, loop_guard.reason, LOOP)
        return loop_guard is True

    def _grant_key(self, grantee: iam.IGrantable, *actions: str) -> None:
        if self._encryption_key is not None:
            grantee.grant_principal.add_to_principal_policy(use_through(self, self._encryption_key, "s3", *actions))
