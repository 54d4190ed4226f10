"""What a record handler is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

Body = TypeVar("Body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Generic[Body]):
    """One record of a batch.

    Args:
        id: The message's id, or the sequence number in its stream.
        body: The parsed body.
        delivery: How often the message has been delivered, this time included; 1 for streams, which do not say.
        group: The message group or partition key within which order is kept.
        attributes: The message's own attributes, by name, as text.
        raw: The record as Powertools reads it.
    """

    id: str
    body: Body
    delivery: int
    group: str | None
    attributes: Mapping[str, str]
    raw: Any
    _idempotency_key: Callable[[], str] = field(repr=False)
    _commit: Callable[[Sequence[TransactWriteItemTypeDef]], None] = field(repr=False)
    _left_ms: Callable[[], int] = field(repr=False)

    @property
    def idempotency_key(self) -> str:
        """The same 64 hexadecimal digits at every delivery: give it to whatever takes an idempotency key."""
        return self._idempotency_key()

    def commit(self, *items: TransactWriteItemTypeDef) -> None:
        """Write these items of a DynamoDB transaction, and that the record is handled: all of it, or none.

        Whatever happens afterwards, a crash included, the record has had its effect once and has it no more.

        Raises:
            ClaimLost: The record was given up and somebody else has it: nothing was written.
            NoTable: The function has no idempotency table.
        """
        self._commit(items)

    def left_ms(self) -> int:
        """Return the milliseconds until the record is interrupted at the latest."""
        return self._left_ms()
