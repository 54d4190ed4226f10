"""Handles each key once: Powertools idempotency, with claims that cannot be completed by whoever lost them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from constructs_lib.runtime.refusals import InProgressElsewhere, KeyMissing, LostWork, NoTable, OutOfTime

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

TABLE_VARIABLE = "IDEMPOTENCY_TABLE"  # set by QueueWorker(idempotent=True)
LONGEST_KEY = 1024  # characters


class Attempts(Protocol):
    """How a record's handler is run, for a key."""

    def run(self, key: str, work: Callable[[], None], context: Any) -> None:
        """Run `work`, unless the key has been handled."""

    def commit(self, key: str, items: Sequence[TransactWriteItemTypeDef]) -> None:
        """Write `items` and complete the key, all or none."""


def scope() -> str:
    """Return what sets the keys of this function apart from those of others."""
    return os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")


def key_digest(key: object) -> str:
    """Return the key as 64 hexadecimal digits: the same in both languages, and accepted by all of AWS as a token.

    Raises:
        KeyMissing: The key is neither a text nor a whole number.
    """
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise KeyMissing(f"its key is of type {type(key).__name__}, wanted a text or a whole number")
    text = str(key)
    if not 1 <= len(text) <= LONGEST_KEY:
        raise KeyMissing(f"its key has {len(text)} characters, wanted 1 to {LONGEST_KEY}")
    return hashlib.sha256(f"{scope()}#{text}".encode("utf-8", "surrogatepass")).hexdigest()


def attempts(remember: timedelta, client: Any) -> Attempts:
    """Return how this function runs its handler: once for each key if it has a table, plainly if it has none."""
    table = os.environ.get(TABLE_VARIABLE, "")
    return OncePerKey(table, remember, client) if table else EveryTime()


class EveryTime:
    """Runs the handler as often as its record comes."""

    def run(self, _key: str, work: Callable[[], None], _context: Any) -> None:
        """Run `work`."""
        work()

    def commit(self, _key: str, _items: Sequence[TransactWriteItemTypeDef]) -> None:
        """Refuse: without a table there is nothing to commit with the effect.

        Raises:
            NoTable: Always.
        """
        raise NoTable(f"commit needs the table that QueueWorker(idempotent=True) names in {TABLE_VARIABLE}")


class OncePerKey:
    """Runs the handler for each key until it has succeeded once."""

    def __init__(self, table: str, remember: timedelta, client: Any) -> None:
        """Keep claims and completions in `table`."""
        # Imported here: it brings boto3, which a function without a table need not load.
        from aws_lambda_powertools.utilities.idempotency import (  # noqa: PLC0415 - see above
            IdempotencyConfig,
            idempotent_function,
        )
        from aws_lambda_powertools.utilities.idempotency.exceptions import (  # noqa: PLC0415 - see above
            IdempotencyAlreadyInProgressError,
        )

        from constructs_lib.runtime.fenced_table import FencedTable  # noqa: PLC0415 - see above

        self._table = FencedTable(table, client)
        self._config = IdempotencyConfig(
            expires_after_seconds=int(remember.total_seconds()),
            hash_function="sha256",
            raise_on_no_idempotency_key=True,
        )
        self._in_progress = IdempotencyAlreadyInProgressError
        self._once = idempotent_function(
            self._attempt,
            data_keyword_argument="key",
            persistence_store=self._table,
            config=self._config,
            key_prefix=scope() or "local",
        )

    def run(self, key: str, work: Callable[[], None], context: Any) -> None:
        """Run `work`, unless the key has been handled.

        Raises:
            InProgressElsewhere: Another environment is at it, or died at it less than one timeout ago.
        """
        self._config.register_lambda_context(context)
        try:
            self._once(key=key, work=work)
        except self._in_progress as error:
            raise InProgressElsewhere("its key is being handled by another environment") from error

    def commit(self, key: str, items: Sequence[TransactWriteItemTypeDef]) -> None:
        """Write `items` and complete the key, all or none."""
        self._table.commit(key, items)

    def _attempt(self, *, key: str, work: Callable[[], None]) -> None:
        try:
            work()
        except (OutOfTime, LostWork):
            self._table.abandon(key)
            raise
