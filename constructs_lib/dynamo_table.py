"""A DynamoDB table that is hard to lose and grants one action at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.environments import check_same_region
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.known_table import ExistingTable, KnownTable
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.stack_key import keep_with_data
from constructs_lib.wiring.stated import protected, retained
from constructs_lib.wiring.table_alarms import AlarmsOfTable, TableAlarms
from constructs_lib.wiring.waiver import Waived, check_safeguards, record_waiver

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
INDEX_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
ATTRIBUTE_NAME_BYTES = 255

# What cdk-nag says when a safeguard is gone.
FINDINGS = {"point_in_time_recovery": ("AwsSolutions-DDB3",)}


class DynamoTable(KnownTable):
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

        if retain is True:
            keep_with_data(encryption_key)
        self.stream = stream
        self.table: dynamodb.Table = dynamodb.Table(
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

    @classmethod
    def from_existing(
        cls,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        table: dynamodb.ITable,
        *,
        indexes: Sequence[str] = (),
    ) -> ExistingTable:
        """Stand for a table that was made elsewhere, to grant on it as on one of this library.

        Args:
            scope: The stack, or a construct in it.
            id: Its id there.
            table: The L2: `Table.from_table_name(...)`, `from_table_arn`, or `from_table_attributes`, which also takes
                its key and its stream.
            indexes: Names of its indexes, for `grant(..., index=...)`.

        Raises:
            PropError: It is in another account or region.
        """
        return ExistingTable(scope, id, table=table, indexes=indexes)

    @property
    def alarms(self) -> Sequence[cloudwatch.IAlarm]:
        """The alarms of this table, none where they are waived or turned off."""
        return self._watched.raised

    @checks_kinds()
    def add_index(
        self,
        name: str,
        *,
        partition_key: str | dynamodb.Attribute,
        sort_key: str | dynamodb.Attribute | None = None,
        only: Sequence[str] | None = None,
    ) -> str:
        """Add a global secondary index, with alarms on what it turns away.

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
        self._watched.raise_for_index(name)
        return name

    def watch_actions(self, actions: Iterable[str]) -> None:
        """Have failures of DynamoDB in these actions raise the alarm, too; `grant` and the steps of workflows do."""
        self._watched.watch(actions)

    def _index_names(self) -> frozenset[str]:
        """The names of all indexes, those added to the L2 among them."""
        cfn = resource_of(self.table, dynamodb.CfnTable)
        stack = cdk.Stack.of(self)
        found = [
            *(stack.resolve(cfn.global_secondary_indexes) or []),
            *(stack.resolve(cfn.local_secondary_indexes) or []),
        ]
        return frozenset(index["indexName"] for index in found)


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
