"""A bucket, whoever made it: what can be granted on its objects, and who hears of uploads."""

from __future__ import annotations

from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from constructs_lib.wiring.delivery import REACH, REACH_FIX, check_message_group, shortened
from constructs_lib.wiring.delivery_alarms import AlarmsOfDelivery, DeliveryAlarms
from constructs_lib.wiring.environments import check_same_environment
from constructs_lib.wiring.event_rule import EventRule
from constructs_lib.wiring.existing import check_existing
from constructs_lib.wiring.guarded import LOOP, guard
from constructs_lib.wiring.identity import Identity
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
from constructs_lib.wiring.upload_loops import Use, loops_of, run_with, somebody
from constructs_lib.wiring.variables import check_takes_variable, set_variable
from constructs_lib.wiring.waiver import Waived, acknowledge, check_safeguards, record_waiver


class KnownBucket(Construct):
    """Stand for a bucket: `UploadBucket` for one of ours, `ExistingBucket` for any other.

    Attributes:
        bucket: The L2.
    """

    bucket: s3.IBucket

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        guard(self)
        self._loops = loops_of(self)

    @property
    def _place(self) -> str:
        """What tells this bucket from others when loops are looked for."""
        return self.node.path

    def _waivers_at(self, _whoever: object) -> IConstruct:
        """Where the reason of a waiver is written down."""
        return self.bucket

    @property
    def bucket_name(self) -> str:
        """The name of the bucket."""
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
            self._loops.add_runners([Use(each, self._place, keys) for each in run_with(target)], refusals)
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
            self._loops.add_writer(Use(writer, self._place, keys), refusals)
        refusals.stop_if_any()
        granted = grant_objects(self, grantee, WRITE, self.bucket, keys)
        self._grant_key(grantee, *WRITER_ACTIONS)
        set_variable(grantee, env, self.bucket_name)
        return granted

    def _is_guarded(self, whoever: object, does: str, loop_guard: Literal[True] | Waived) -> bool:
        who = somebody(whoever)
        if isinstance(loop_guard, Waived) and who is not None:
            record_waiver(self._waivers_at(whoever), f"loop_guard: {who.name} {does}", loop_guard)
            acknowledge(whoever if isinstance(whoever, Construct) else self.bucket, loop_guard.reason, LOOP)
        return loop_guard is True

    def _grant_key(self, grantee: iam.IGrantable, *actions: str) -> None:
        if self.bucket.encryption_key is not None:
            grantee.grant_principal.add_to_principal_policy(
                use_through(self, self.bucket.encryption_key, "s3", *actions)
            )


class ExistingBucket(KnownBucket):
    """Stand for a bucket that was made elsewhere; see `UploadBucket.from_existing`.

    Args:
        bucket: The L2.

    Raises:
        PropError: It is in another account or region.
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        bucket: s3.IBucket,
    ) -> None:
        super().__init__(scope, id)
        check_existing("bucket", bucket, bucket.bucket_arn, self)
        self.bucket = bucket

    @property
    def _place(self) -> str:
        """The same for everything that stands for the same bucket."""
        owner = self.bucket.node.scope
        if isinstance(owner, KnownBucket):
            return owner._place
        name = self.bucket.bucket_name
        return self.bucket.node.path if cdk.Token.is_unresolved(name) else name

    def _waivers_at(self, whoever: object) -> IConstruct:
        """Its own template is somebody else's; the role is here."""
        bearer = getattr(whoever, "state_machine", whoever)
        principal = getattr(bearer, "grant_principal", None)
        if isinstance(principal, Identity):
            return principal.role
        return principal if isinstance(principal, Construct) else self.bucket
