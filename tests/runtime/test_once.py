"""Each key is handled once, and what is guaranteed when the function dies at the worst moment."""

from __future__ import annotations

from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from botocore.exceptions import ClientError, EndpointConnectionError

from benchmarks.exactly_once.memory_table import MemoryTable
from constructs_lib.runtime import ClaimLost, NoTable, Record, queue_worker
from constructs_lib.runtime.once import key_digest
from tests.runtime.batches import Context, batch, failed, message
from tests.runtime.conftest import Lines

pytestmark = pytest.mark.usefixtures("has_table")


class Crash(BaseException):
    """The environment is gone: nothing of it runs any more."""


def rows(table: MemoryTable) -> list[tuple[str, str]]:
    return [(name, item["status"]["S"]) for (name, _), item in table.items.items() if "status" in item]


def order_item(record: Record[Any]) -> Any:
    """The effect of a record, as part of a transaction."""
    return {"Put": {"TableName": "orders", "Item": {"id": {"S": record.body["order"]}, "by": {"S": record.id}}}}


def lapse(table: MemoryTable) -> None:
    """Let every claim run out, as time does."""
    for item in table.items.values():
        if "in_progress_expiration" in item:
            item["in_progress_expiration"] = {"N": "1"}


class TestOnce:
    def test_a_message_delivered_again_is_acknowledged_and_not_handled(self, table: MemoryTable) -> None:
        seen: list[str] = []
        handler = queue_worker(dynamodb=table)(lambda record: seen.append(record.id))
        for _ in range(3):
            assert failed(handler(batch(message("m0")), Context())) == []
        assert seen == ["m0"]
        assert rows(table) == [("handled", "COMPLETED")]

    def test_without_a_table_it_is_handled_each_time(self, table: MemoryTable, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("IDEMPOTENCY_TABLE")
        seen: list[str] = []
        handler = queue_worker(dynamodb=table)(lambda record: seen.append(record.id))
        for _ in range(3):
            handler(batch(message("m0")), Context())
        assert seen == ["m0"] * 3
        assert table.calls == []

    def test_two_messages_with_one_business_key_are_handled_once(self, table: MemoryTable) -> None:
        seen: list[str] = []
        handler = queue_worker(key=lambda record: record.body["order"], dynamodb=table)(
            lambda record: seen.append(record.id)
        )
        assert failed(handler(batch(message("m0", {"order": "o1"}), message("m1", {"order": "o1"})), Context())) == []
        assert seen == ["m0"]

    def test_two_environments_at_one_key_the_second_gives_its_message_back(self, table: MemoryTable) -> None:
        inner: list[str] = []
        second = queue_worker(dynamodb=table)(lambda _: pytest.fail("handled twice"))

        @queue_worker(dynamodb=table)
        def first(_: Record[Any]) -> None:
            inner.extend(failed(second(batch(message("m0")), Context())))

        assert failed(first(batch(message("m0")), Context())) == []
        assert inner == ["m0"]

    def test_a_failed_message_is_handled_again_at_once(self, table: MemoryTable) -> None:
        outcomes: list[Exception | None] = [ValueError(), None]

        @queue_worker(dynamodb=table)
        def handler(_: Record[Any]) -> None:
            if (error := outcomes.pop(0)) is not None:
                raise error

        assert failed(handler(batch(message("m0")), Context())) == ["m0"]
        assert failed(handler(batch(message("m0")), Context())) == []
        assert outcomes == []

    @pytest.mark.parametrize("key", [None, "", True, 1.5, {"order": 1}, "x" * 1025])
    def test_a_message_without_a_usable_key_fails_unhandled(self, table: MemoryTable, key: Any) -> None:
        handler = queue_worker(key=lambda _: key, dynamodb=table)(lambda _: pytest.fail("handled"))
        assert failed(handler(batch(message("m0")), Context())) == ["m0"]
        assert table.calls == []

    def test_an_unreadable_message_leaves_no_trace_in_the_table(self, table: MemoryTable) -> None:
        handler = queue_worker(dynamodb=table)(lambda _: None)
        assert failed(handler(batch(message("m0", text="{")), Context())) == ["m0"]
        assert table.calls == []

    def test_a_table_that_cannot_be_reached_fails_the_message_unhandled(self, lines: Lines) -> None:
        def unreachable(_: str) -> None:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")

        handler = queue_worker(dynamodb=MemoryTable(before=unreachable), logger=lines.logger)(
            lambda _: pytest.fail("handled")
        )
        assert failed(handler(batch(message("m0")), Context())) == ["m0"]
        assert "Could not connect to the endpoint" in lines.all()[0]["reason"]

    def test_the_key_is_the_same_text_in_both_languages(self) -> None:
        assert key_digest("order-1") == "f90270e8a2138bf920bab082c2c9f12f7f888a4c24b407d069e652a8237094f9"
        assert key_digest(7) == key_digest("7")

    def test_a_key_is_kept_apart_from_the_same_key_of_another_function(self, monkeypatch: pytest.MonkeyPatch) -> None:
        here = key_digest("order-1")
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "emails")
        assert key_digest("order-1") != here


class TestCommit:
    def test_writes_the_effect_and_the_completion_in_one_transaction(self, table: MemoryTable) -> None:
        handler = queue_worker(dynamodb=table)(lambda record: record.commit(order_item(record)))
        assert failed(handler(batch(message("m0")), Context())) == []
        assert table.calls == ["PutItem", "TransactWriteItems"]
        assert rows(table) == [("handled", "COMPLETED")]
        assert ("orders", "m0") in table.items

    def test_a_crash_right_after_it_has_one_effect(self, table: MemoryTable) -> None:
        crashes = [True]

        @queue_worker(key=lambda record: record.body["order"], dynamodb=table)
        def handler(record: Record[Any]) -> None:
            record.commit(order_item(record))
            if crashes.pop():
                raise Crash

        with pytest.raises(Crash):
            handler(batch(message("m0", {"order": "o1"})), Context())
        lapse(table)
        crashes.append(False)
        assert failed(handler(batch(message("m1", {"order": "o1"})), Context())) == []
        assert crashes == [False]
        assert table.items["orders", "o1"]["by"] == {"S": "m0"}

    def test_without_it_a_crash_right_after_the_effect_has_two(self, table: MemoryTable) -> None:
        """The twin, and the reason for commit: an effect beside the record of it cannot be told from none."""
        effects: list[str] = []

        @queue_worker(dynamodb=table)
        def handler(record: Record[Any]) -> None:
            effects.append(record.id)
            if len(effects) == 1:
                raise Crash

        with pytest.raises(Crash):
            handler(batch(message("m0")), Context())
        lapse(table)
        handler(batch(message("m0")), Context())
        assert effects == ["m0", "m0"]

    def test_an_effect_that_takes_the_key_has_one_after_a_crash_too(self, table: MemoryTable) -> None:
        charges: dict[str, int] = {}

        @queue_worker(dynamodb=table)
        def handler(record: Record[Any]) -> None:
            crashes = record.idempotency_key not in charges
            charges.setdefault(record.idempotency_key, 100)
            if crashes:
                raise Crash

        with pytest.raises(Crash):
            handler(batch(message("m0")), Context())
        lapse(table)
        assert failed(handler(batch(message("m0")), Context())) == []
        assert len(charges) == 1

    def test_an_error_after_it_brings_the_message_back_but_not_its_effect(self, table: MemoryTable) -> None:
        handled: list[str] = []

        @queue_worker(dynamodb=table)
        def handler(record: Record[Any]) -> None:
            handled.append(record.id)
            record.commit(order_item(record))
            raise ValueError("too late")

        assert failed(handler(batch(message("m0")), Context())) == ["m0"]
        assert failed(handler(batch(message("m0")), Context())) == []
        assert handled == ["m0"]

    def test_an_attempt_that_was_given_up_cannot_commit(self, table: MemoryTable) -> None:
        errors: list[BaseException] = []
        successor = queue_worker(dynamodb=table)(lambda record: record.commit(order_item(record)))

        @queue_worker(dynamodb=table)
        def slow(record: Record[Any]) -> None:
            lapse(table)
            assert failed(successor(batch(message("m0")), Context())) == []
            with pytest.raises(ClaimLost, match="nothing was committed") as caught:
                record.commit({"Put": {"TableName": "orders", "Item": {"id": {"S": "twice"}}}})
            errors.append(caught.value)
            raise caught.value

        assert failed(slow(batch(message("m0")), Context())) == ["m0"]
        assert len(errors) == 1
        assert ("orders", "twice") not in table.items
        assert rows(table) == [("handled", "COMPLETED")]

    def test_a_refused_condition_of_the_effect_is_the_handlers_to_see(self, table: MemoryTable) -> None:
        table.items["orders", "m0"] = {"id": {"S": "m0"}}

        @queue_worker(dynamodb=table)
        def handler(record: Record[Any]) -> None:
            item = order_item(record)
            item["Put"]["ConditionExpression"] = "attribute_not_exists(id)"
            with pytest.raises(ClientError, match="TransactionCanceledException"):
                record.commit(item)

        assert failed(handler(batch(message("m0")), Context())) == []

    def test_a_lost_answer_to_it_does_not_double_the_effect(self) -> None:
        def lose(name: str) -> None:
            if name == "TransactWriteItems":
                raise EndpointConnectionError(endpoint_url="https://dynamodb")

        table, handled = MemoryTable(after=lose), []

        @queue_worker(dynamodb=table)
        def handler(record: Record[Any]) -> None:
            handled.append(record.id)
            record.commit(order_item(record))

        assert failed(handler(batch(message("m0")), Context())) == ["m0"]
        assert failed(handler(batch(message("m0")), Context())) == []
        assert handled == ["m0"]

    def test_is_refused_twice_and_beyond_what_a_transaction_holds(self, table: MemoryTable) -> None:
        @queue_worker(dynamodb=table)
        def handler(record: Record[Any]) -> None:
            with pytest.raises(ValueError, match="100 items to commit, at most 99"):
                record.commit(*[order_item(record)] * 100)
            record.commit()
            with pytest.raises(ValueError, match="committed already"):
                record.commit()

        assert failed(handler(batch(message("m0")), Context())) == []

    def test_needs_a_table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("IDEMPOTENCY_TABLE")

        @queue_worker
        def handler(record: Record[Any]) -> None:
            with pytest.raises(NoTable, match="idempotent=True"):
                record.commit(order_item(record))

        assert failed(handler(batch(message("m0")), Context())) == []

    def test_needs_idempotency_switched_on(self, table: MemoryTable, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POWERTOOLS_IDEMPOTENCY_DISABLED", "true")

        @queue_worker(dynamodb=table)
        def handler(record: Record[Any]) -> None:
            with pytest.raises(NoTable, match="switched off"):
                record.commit(order_item(record))

        with pytest.warns(UserWarning, match="Disabling idempotency"):
            assert failed(handler(batch(message("m0")), Context())) == []


class TestFence:
    """An attempt that was given up must not touch what its successor recorded."""

    @pytest.mark.parametrize("ends_well", [True, False])
    def test_a_late_attempt_leaves_its_successors_completion_alone(self, table: MemoryTable, ends_well: bool) -> None:
        handled: list[str] = []
        successor = queue_worker(dynamodb=table)(lambda _: handled.append("successor"))

        @queue_worker(dynamodb=table)
        def slow(_: Record[Any]) -> None:
            lapse(table)
            successor(batch(message("m0")), Context())
            if not ends_well:
                raise ValueError

        assert failed(slow(batch(message("m0")), Context())) == ["m0"]
        assert failed(successor(batch(message("m0")), Context())) == []
        assert handled == ["successor"]

    def test_the_stock_table_lets_it_delete_that_completion(self, table: MemoryTable) -> None:
        """The twin, on Powertools alone."""
        handled: list[str] = []
        context: Any = Context()

        def stock(work: Any) -> Any:
            layer = DynamoDBPersistenceLayer(table_name="handled", boto3_client=table)  # type: ignore[arg-type] # a fake
            config = IdempotencyConfig(lambda_context=context)
            return idempotent_function(
                work, data_keyword_argument="key", persistence_store=layer, config=config, key_prefix="orders"
            )

        def note(key: str) -> None:
            handled.append(key)

        def slow(key: str) -> None:
            lapse(table)
            stock(note)(key=key)
            raise ValueError

        with pytest.raises(ValueError, match=r"^$"):
            stock(slow)(key="m0")
        stock(note)(key="m0")
        assert handled == ["m0", "m0"]

    def test_a_record_interrupted_at_its_deadline_keeps_its_claim_until_it_lapses(self, table: MemoryTable) -> None:
        outcomes = ["hang", "return"]

        @queue_worker(dynamodb=table, margin_ms=100)
        def handler(_: Record[Any]) -> None:
            if outcomes[0] == "hang":
                import time  # noqa: PLC0415 - only here

                time.sleep(10)

        assert failed(handler(batch(message("m0")), Context(remaining_ms=300))) == ["m0"]
        outcomes.pop(0)
        assert rows(table) == [("handled", "INPROGRESS")]
        lapse(table)
        assert failed(handler(batch(message("m0")), Context())) == []
        assert rows(table) == [("handled", "COMPLETED")]
