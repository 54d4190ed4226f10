"""Powertools' DynamoDB store, where only the attempt that holds a claim may complete or release it.

The stock store completes and deletes without a condition: an attempt that was given up and taken over can then
overwrite, or delete, what its successor recorded. Here the moment a claim runs out, which the stock store writes with
it, tells attempts apart: a successor may only take over after that moment, so its own is always later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import STATUS_CONSTANTS, DataRecord
from botocore.exceptions import ClientError

from constructs_lib.runtime.refusals import ClaimLost, NoTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

HELD = "#status = :in_progress AND #until = :until"
MOST_ITEMS = 99  # DynamoDB takes 100 in a transaction, and one completes the claim


@dataclass
class Claim:
    """One attempt's right to handle a key.

    Args:
        until: When it runs out, in milliseconds since 1970.
        committed: Whether the effect and the completion are written.
        abandoned: Whether the attempt was given up with work possibly going on: the claim then runs out by itself.
    """

    until: int
    committed: bool = False
    abandoned: bool = False


class FencedTable(DynamoDBPersistenceLayer):
    """Where claims and completions are kept."""

    def __init__(self, table_name: str, client: Any = None) -> None:
        """Keep them in a table whose partition key is `id`."""
        super().__init__(table_name=table_name, boto3_client=client)
        self._claims: dict[str, Claim] = {}

    def commit(self, key: str, items: Sequence[TransactWriteItemTypeDef]) -> None:
        """Write `items` and complete the claim on `key`: all of it, or none.

        Raises:
            ClaimLost: The claim has run out and somebody else has taken over: nothing was written.
            NoTable: There is no claim to complete.
        """
        row = self._get_hashed_idempotency_key(data=key)  # type: ignore[arg-type] # Powertools hashes any JSON value
        claim = self._claims.get(row or "")
        if row is None or claim is None:
            raise NoTable("idempotency is switched off: there is no claim to commit with the effect")
        if claim.committed:
            raise ValueError("this record is committed already")
        if len(items) > MOST_ITEMS:
            raise ValueError(f"{len(items)} items to commit, at most {MOST_ITEMS} fit beside the claim")
        completion: TransactWriteItemTypeDef = {"Update": self._completion(row, claim, "null")}  # type: ignore[typeddict-item] # one dict for both calls
        try:
            self.client.transact_write_items(TransactItems=[*items, completion])
        except ClientError as error:
            reasons = error.response.get("CancellationReasons") or [{}]
            if reasons[-1].get("Code") == "ConditionalCheckFailed":
                raise ClaimLost("taken over by another environment: nothing was committed") from error
            raise
        claim.committed = True

    def abandon(self, key: str) -> None:
        """Leave the claim on `key` to run out: work under it may be going on."""
        row = self._get_hashed_idempotency_key(data=key)  # type: ignore[arg-type] # as above
        if row in self._claims:
            self._claims[row].abandoned = True

    def _put_record(self, data_record: DataRecord) -> None:
        super()._put_record(data_record)
        self._claims[data_record.idempotency_key] = Claim(data_record.in_progress_expiry_timestamp or 0)

    def _update_record(self, data_record: DataRecord) -> None:
        claim = self._claims.pop(data_record.idempotency_key)
        if claim.committed:
            return
        try:
            self.client.update_item(**self._completion(data_record.idempotency_key, claim, data_record.response_data))
        except self.client.exceptions.ConditionalCheckFailedException as error:
            raise ClaimLost("taken over by another environment before it was done") from error

    def _delete_record(self, data_record: DataRecord) -> None:
        claim = self._claims.pop(data_record.idempotency_key)
        if claim.committed or claim.abandoned:
            return
        try:
            self.client.delete_item(
                TableName=self.table_name,
                Key=self._get_key(data_record.idempotency_key),
                ConditionExpression=HELD,
                ExpressionAttributeNames=self._names(),
                ExpressionAttributeValues=self._held_by(claim),
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return  # somebody else's by now, or completed by a commit whose answer was lost

    def _completion(self, row: str, claim: Claim, response: str) -> dict[str, Any]:
        return {
            "TableName": self.table_name,
            "Key": self._get_key(row),
            "UpdateExpression": "SET #status = :completed, #expiry = :expiry, #data = :data",
            "ConditionExpression": HELD,
            "ExpressionAttributeNames": {**self._names(), "#expiry": self.expiry_attr, "#data": self.data_attr},
            "ExpressionAttributeValues": {
                **self._held_by(claim),
                ":completed": {"S": STATUS_CONSTANTS["COMPLETED"]},
                ":expiry": {"N": str(self._get_expiry_timestamp())},
                ":data": {"S": response},
            },
        }

    def _names(self) -> dict[str, str]:
        return {"#status": self.status_attr, "#until": self.in_progress_expiry_attr}

    def _held_by(self, claim: Claim) -> dict[str, Any]:
        return {":in_progress": {"S": STATUS_CONSTANTS["INPROGRESS"]}, ":until": {"N": str(claim.until)}}
