"""A table, whoever made it: what can be granted on it, one action at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.wiring.dynamo_actions import AUTHORIZED_AS, INDEX_ACTIONS, TABLE_ACTIONS, TableAction
from constructs_lib.wiring.existing import check_existing
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.refusals import Refusals, did_you_mean
from constructs_lib.wiring.secrets import via_service_decrypt
from constructs_lib.wiring.variables import check_takes_variable, set_variable

# More are throttled. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.Lambda.BestPracticesWithDynamoDB.html
MOST_STREAM_READERS = 2


class KnownTable(Construct):
    """Stand for a table: `DynamoTable` for one of ours, `ExistingTable` for any other.

    Attributes:
        table: The L2.
        stream: What its change stream carries; none where that is not known.
        public_name: What refusals call it.
    """

    public_name: ClassVar[str] = "DynamoTable"
    table: dynamodb.ITable
    stream: dynamodb.StreamViewType | None = None

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        guard(self)
        self._stream_readers: list[str] = []

    @property
    def table_name(self) -> str:
        """The name of the table."""
        return self.table.table_name

    @property
    def table_arn(self) -> str:
        """The ARN of the table."""
        return self.table.table_arn

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
        key = self.table.encryption_key
        if key is not None:
            # DynamoDB decrypts the table key on the caller's behalf.
            # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
            grantee.grant_principal.add_to_principal_policy(via_service_decrypt(self, key, "dynamodb"))
        set_variable(grantee, env, self.table_name)
        self.watch_actions(actions)
        return granted

    def watch_actions(self, actions: Iterable[str]) -> None:
        """Be told what is called, for whoever watches it."""

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
        """The names of all indexes."""
        return frozenset()

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


class ExistingTable(KnownTable):
    """Stand for a table that was made elsewhere; see `DynamoTable.from_existing`.

    Args:
        table: The L2.
        indexes: Names of its indexes.

    Raises:
        PropError: It is in another account or region.
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        table: dynamodb.ITable,
        indexes: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, id)
        check_existing("table", table, table.table_arn, self)
        self.table = table
        self._indexes = frozenset(indexes)

    def _index_names(self) -> frozenset[str]:
        return self._indexes
