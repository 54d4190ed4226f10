"""A DynamoDB table that is hard to lose and grants one action at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.dynamo_actions import AUTHORIZED_AS, INDEX_ACTIONS, TABLE_ACTIONS, TableAction
from constructs_lib.wiring.environments import check_same_region
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.refusals import Refusals, did_you_mean
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.secrets import via_service_decrypt
from constructs_lib.wiring.stated import protected, retained
from constructs_lib.wiring.table_alarms import AlarmsOfTable, TableAlarms
from constructs_lib.wiring.variables import check_takes_variable, set_variable
from constructs_lib.wiring.waiver import Waived, check_safeguards, record_waiver

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
INDEX_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
ATTRIBUTE_NAME_BYTES = 255
# More are throttled. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.Lambda.BestPracticesWithDynamoDB.html
MOST_STREAM_READERS = 2

# What cdk-nag says when a safeguard is gone.
FINDINGS = {"point_in_time_recovery": ("AwsSolutions-DDB3",)}


class DynamoTable(Construct):
    """Define a table: on demand, encrypted, recoverable to any second of 35 days, protected from deletion, retained.

    Nobody may touch it until you say so with `grant`.

    Args:
        partition_key: Name of the partition key, a string; an `Attribute` for a number or binary.
        sort_key: Name of the sort key, likewise. Default: none.
        time_to_live_attribute: The attribute that holds the second, since 1970, after which an item may be removed.
        stream: What the change stream carries. Default: no stream.
        encryption_key: A key of your own. Default: that of the `Defaults`, or else the AWS-managed key of the account,
            `aws/dynamodb`.
        point_in_time_recovery: `Waived(reason)` turns continuous backups off.
        deletion_protection: `Waived(reason)` lets the table be deleted. Default: it cannot, unless the `Defaults` say
            so.
        retain: `Waived(reason)` deletes the table, and its items, with the stack. Default: it stays, unless the
            `Defaults` say otherwise.
        alarms: Other thresholds than those of `TableAlarms`, or `Waived(reason)` for one or all of them.

    Raises:
        PropError: Keys collide, or a safeguard is waived without a reason.

    Example:
        >>> users = DynamoTable(stack, "Users", partition_key="id")
        >>> _ = users.grant(greet, "PutItem", env="USERS_TABLE")
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        partition_key: str | dynamodb.Attribute,
        sort_key: str | dynamodb.Attribute | None = None,
        time_to_live_attribute: str | None = None,
        stream: dynamodb.StreamViewType | None = None,
        encryption_key: kms.IKey | None = None,
        point_in_time_recovery: Literal[True] | Waived = True,
        deletion_protection: Literal[True] | Waived | None = None,
        retain: Literal[True] | Waived | None = None,
        alarms: TableAlarms | Waived | None = None,
    ) -> None:
        super().__init__(scope, id)
        guard(self)
        settings = defaults_of(self)
        encryption_key = settings.encryption_key if encryption_key is None else encryption_key
        retain = retained(retain, settings, is_protected=deletion_protection)
        deletion_protection = protected(deletion_protection, settings)
        refusals = Refusals(self)
        keys = [_attribute(key) for key in (partition_key, sort_key) if key is not None]
        _check_keys(keys, time_to_live_attribute, refusals)
        safeguards: dict[str, Literal[True] | Waived] = {
            "point_in_time_recovery": point_in_time_recovery,
            "deletion_protection": deletion_protection,
            "retain": retain,
        }
        check_safeguards(safeguards, refusals)
        check_same_region("encryption_key", encryption_key, self, refusals)
        self._watched = AlarmsOfTable(alarms)
        self._watched.check(refusals)
        if isinstance(retain, Waived) and deletion_protection is True:
            refusals.refuse(
                "retain is waived but deletion_protection is not: removing the stack would fail",
                fix="waive deletion_protection with it, or neither",
            )
        refusals.stop_if_any()

        self._encryption_key = encryption_key
        self.stream = stream
        self._stream_readers: list[str] = []
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=keys[0],
            sort_key=keys[1] if len(keys) > 1 else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED
            if encryption_key is None
            else dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=encryption_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=point_in_time_recovery is True
            ),
            deletion_protection=deletion_protection is True,
            removal_policy=cdk.RemovalPolicy.RETAIN if retain is True else cdk.RemovalPolicy.DESTROY,
            time_to_live_attribute=time_to_live_attribute,
            stream=stream,
        )
        for safeguard, value in safeguards.items():
            if isinstance(value, Waived):
                record_waiver(self.table, safeguard, value, *FINDINGS.get(safeguard, ()))
        self._watched.raise_for(self, self.table)

    @property
    def table_name(self) -> str:
        """The name of the table, chosen by CloudFormation."""
        return self.table.table_name

    @property
    def alarms(self) -> Sequence[cloudwatch.IAlarm]:
        """The alarms of this table, none where they are waived or turned off."""
        return self._watched.raised

    @property
    def table_arn(self) -> str:
        """The ARN of the table."""
        return self.table.table_arn

    @checks_kinds()
    def add_index(
        self,
        name: str,
        *,
        partition_key: str | dynamodb.Attribute,
        sort_key: str | dynamodb.Attribute | None = None,
        only: Sequence[str] | None = None,
    ) -> str:
        """Add a global secondary index.

        Args:
            name: 3 to 255 letters, digits, dots, dashes and underscores.
            partition_key: Name of the index's partition key, a string; an `Attribute` for a number or binary.
            sort_key: Name of its sort key, likewise. Default: none.
            only: Attributes copied into the index beside the keys; empty for the keys alone. Default: all attributes.

        Returns:
            The name, to grant with: `table.grant(function, "Query", index=by_email)`.

        Raises:
            PropError: The name is malformed or taken, or the keys collide.
        """
        refusals = Refusals(self)
        if not INDEX_NAME.fullmatch(name):
            refusals.refuse(f"index name {name!r} is not one DynamoDB takes", fix="use 3 to 255 of A-Z a-z 0-9 _ . -")
        if name in self._index_names():
            refusals.refuse(f"index {name} exists already", fix="choose another name")
        keys = [_attribute(key) for key in (partition_key, sort_key) if key is not None]
        _check_keys(keys, None, refusals)
        refusals.stop_if_any()
        projection = dynamodb.ProjectionType.ALL
        if only is not None:
            projection = dynamodb.ProjectionType.INCLUDE if only else dynamodb.ProjectionType.KEYS_ONLY
        self.table.add_global_secondary_index(
            index_name=name,
            partition_key=keys[0],
            sort_key=keys[1] if len(keys) > 1 else None,
            projection_type=projection,
            non_key_attributes=list(only) if only else None,
        )
        return name

    @checks_kinds()
    def grant(
        self, grantee: iam.IGrantable, *actions: TableAction, index: str | None = None, env: str | None = None
    ) -> iam.Grant:
        """Allow exactly these actions, on this table or on one index of it.

        Args:
            grantee: A function, or anything else with a role.
            actions: Names of DynamoDB's actions without their prefix: `"GetItem", "PutItem"`.
            index: Name of an index: the actions are allowed on it and not on the table.
            env: Also set this variable of the function to the table's name.

        Returns:
            The grant, to depend on.

        Raises:
            PropError: An action is unknown, or does not act on an index; the index does not exist; the grantee has no
                policy that the grant could be written to.
        """
        refusals = Refusals(self)
        self._check_actions(actions, index, refusals)
        check_takes_variable(grantee, env, refusals)
        indexes = self._index_names() if index is not None else frozenset()
        if index is not None and index not in indexes:
            listed = ", ".join(sorted(indexes)) or "none"
            refusals.refuse(
                f"index {index!r} does not exist, the table has {listed}{did_you_mean(index, indexes)}",
                fix=f'add it first: add_index("{index}", partition_key=...)',
            )
        refusals.stop_if_any()

        resource = self.table_arn if index is None else f"{self.table_arn}/index/{index}"
        granted = grant_exactly(self, grantee, sorted({f"dynamodb:{action}" for action in actions}), resource)
        if self._encryption_key is not None:
            # DynamoDB decrypts the table key on the caller's behalf.
            # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
            grantee.grant_principal.add_to_principal_policy(via_service_decrypt(self, self._encryption_key, "dynamodb"))
        set_variable(grantee, env, self.table_name)
        self.watch_actions(actions)
        return granted

    def watch_actions(self, actions: Iterable[str]) -> None:
        """Have failures of DynamoDB in these actions raise the alarm, too; `grant` and the steps of workflows do."""
        self._watched.watch(actions)

    def claim_stream(self, reader: Construct, refusals: Refusals) -> str:
        """Take one of the places at the change stream, and note why it cannot be had.

        Args:
            reader: Who will read it.
            refusals: Where problems are noted.

        Returns:
            The ARN of the stream; empty if there is none.
        """
        if self.table.table_stream_arn is None:
            refusals.refuse(
                f"{self.node.path} has no stream",
                fix="give the table one: stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES",
            )
            return ""
        if len(self._stream_readers) == MOST_STREAM_READERS:
            refusals.refuse(
                f"{self.node.path} has {MOST_STREAM_READERS} readers already: {', '.join(self._stream_readers)}",
                fix="let one of them put what the others need on an EventBus",
            )
        elif refusals.are_none:  # who is refused for something else takes no place
            self._stream_readers.append(reader.node.path)
        return self.table.table_stream_arn

    def _index_names(self) -> frozenset[str]:
        """The names of all indexes, those added to the L2 among them."""
        cfn = resource_of(self.table, dynamodb.CfnTable)
        stack = cdk.Stack.of(self)
        found = [
            *(stack.resolve(cfn.global_secondary_indexes) or []),
            *(stack.resolve(cfn.local_secondary_indexes) or []),
        ]
        return frozenset(index["indexName"] for index in found)

    def _check_actions(self, actions: Sequence[str], index: str | None, refusals: Refusals) -> None:
        if not actions:
            refusals.refuse("no action is granted", fix='name what the function calls: grant(function, "GetItem")')
        for action in actions:
            if not isinstance(action, str):
                refusals.refuse(
                    f"an action is a {type(action).__name__}, wanted a string",
                    fix='name each by itself: grant(function, "GetItem", "PutItem")',
                )
            elif action in AUTHORIZED_AS:
                refusals.refuse(
                    f"{action} is a call, not an action of IAM",
                    fix=f"grant what it is authorized as, of {AUTHORIZED_AS[action]}",
                )
            elif action not in TABLE_ACTIONS:
                bare = action.removeprefix("dynamodb:")
                refusals.refuse(
                    f"{action!r} is not an action on the items of a table{did_you_mean(bare, TABLE_ACTIONS)}",
                    fix=f"grant one of {', '.join(sorted(TABLE_ACTIONS))}",
                )
            elif index is not None and action not in INDEX_ACTIONS:
                refusals.refuse(
                    f"{action} does not act on an index",
                    fix=f"grant it on the table; an index takes {', '.join(sorted(INDEX_ACTIONS))}",
                )


def _attribute(key: str | dynamodb.Attribute) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=key, type=dynamodb.AttributeType.STRING) if isinstance(key, str) else key


def _check_keys(keys: Sequence[dynamodb.Attribute], time_to_live: str | None, refusals: Refusals) -> None:
    names = [key.name for key in keys]
    if len(set(names)) < len(names):
        refusals.refuse(f"partition_key and sort_key are both {names[0]!r}", fix="choose another sort key, or none")
    if time_to_live == "":
        refusals.refuse("time_to_live_attribute is empty", fix="name the attribute, or leave it out")
    if time_to_live is not None and time_to_live in names:
        refusals.refuse(
            f"time_to_live_attribute {time_to_live!r} is a key of the table",
            fix="keep the expiry in an attribute of its own",
        )
    for name in names:
        if not name or len(name.encode()) > ATTRIBUTE_NAME_BYTES:
            fix = "shorten it" if name else "name an attribute"
            refusals.refuse(f"key name {name!r} has {len(name.encode())} bytes, wanted 1 to 255", fix=fix)
