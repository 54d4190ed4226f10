"""The orders app from outside: what is asked over HTTP, what the tables say afterwards."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from constructs_lib.local import LocalAws
from tests.end_to_end.deployed_queue import DeployedQueue, eventually
from tests.end_to_end.hostile_bodies import HOSTILE_BODIES
from tests.end_to_end.order_books import Books, Row

INTAKE = "Orders-IntakeQueue"


@pytest.fixture
def books(local: LocalAws) -> Books:
    return Books(local)


def an_order(**changes: object) -> Row:
    return {
        "id": f"order-{uuid.uuid4()}",
        "items": [{"sku": "teapot", "quantity": 1}, {"sku": "teacup", "quantity": 2}],
        "email": "ada@example.com",
        "card": "tok_visa",
        **changes,
    }


def place(local: LocalAws, order: Row) -> str:
    answer = local.call("POST", "/orders", json=order, signed=True)
    assert answer.status == 202, answer.body
    return str(answer.json()["id"])


def workflow_of(local: LocalAws) -> str:
    machines = local.client("stepfunctions").list_state_machines()["stateMachines"]
    [arn] = [each["stateMachineArn"] for each in machines if "Fulfilment" in each["name"]]
    return str(arn)


def execution_of(local: LocalAws, order: str) -> Row:
    arn = workflow_of(local).replace(":stateMachine:", ":execution:") + f":{order}"
    found: Row = local.client("stepfunctions").describe_execution(executionArn=arn)
    return found


def states_entered(local: LocalAws, order: str) -> list[str]:
    client = local.client("stepfunctions")
    history = client.get_execution_history(executionArn=execution_of(local, order)["executionArn"], maxResults=1000)
    details = [event.get("stateEnteredEventDetails") for event in history["events"]]
    return [each["name"] for each in details if each]


def body_of(order: Row) -> str:
    """What POST /orders sends on."""
    return json.dumps({**order, "amount_cents": 5_300, "placed_at": "2026-11-23T08:00:00.000Z"})


class TestFulfilled:
    def test_an_order_is_paid_packed_mailed_and_counted(self, local: LocalAws, books: Books) -> None:
        order = an_order()
        answer = local.call("POST", "/orders", json=order, signed=True)
        assert answer.status == 202
        assert answer.json() == {"id": order["id"], "status": "received"}
        assert dict(answer.headers)["location"] == f"/orders/{order['id']}"

        settled = books.settled(order["id"])
        del settled["placed_at"]
        shown = {name: order[name] for name in ("id", "items", "email")}
        assert settled == {**shown, "amount_cents": 5_300, "status": "fulfilled"}
        books.agree()
        payment = books.row("Payments", order["id"])
        assert payment is not None
        assert (payment["amount_cents"], payment["status"]) == (5_300, "charged")

    @pytest.mark.parametrize("card", ["tok_declined_twice", "tok_unreachable_once"])
    def test_a_payment_that_fails_at_first_is_tried_again(self, local: LocalAws, books: Books, card: str) -> None:
        order = place(local, an_order(card=card))
        assert books.settled(order)["status"] == "fulfilled"
        books.agree()

    def test_the_card_stands_in_no_table_and_no_log(self, local: LocalAws, books: Books) -> None:
        order = place(local, an_order(card="tok_of_ada"))
        assert books.settled(order)["status"] == "fulfilled"
        tables = json.dumps([books.rows(name) for name in ("Orders", "Payments", "Outbox")], default=str)
        logs = [
            line for path in local.function_paths().values() if path.startswith("Orders/") for line in local.logs(path)
        ]
        assert "tok_of_ada" not in tables
        assert not any("tok_of_ada" in line or "ada@example.com" in line for line in logs)


class TestUndone:
    def test_a_declined_card_is_tried_three_times_and_leaves_nothing(self, local: LocalAws, books: Books) -> None:
        before = declined_calls(local)
        order = place(local, an_order(card="tok_declined"))
        settled = books.settled(order)
        assert (settled["status"], settled["reason"]) == ("declined", "the card was declined: insufficient funds")
        assert eventually(lambda: declined_calls(local) - before, lambda calls: calls >= 3) == 3
        assert books.mentions(order) == {"Orders"}
        books.agree()

    def test_what_is_out_of_stock_is_refunded(self, local: LocalAws, books: Books) -> None:
        order = place(local, an_order(items=[{"sku": "teapot", "quantity": 1}, {"sku": "samovar", "quantity": 1}]))
        settled = books.settled(order)
        assert (settled["status"], settled["reason"]) == ("refunded", "out of stock")
        payment = books.row("Payments", order)
        assert payment is not None
        assert (payment["amount_cents"], payment["status"]) == (27_500, "refunded")
        assert books.mentions(order) == {"Orders", "Payments"}
        books.agree()

    def test_a_failure_at_the_end_takes_everything_back_in_reverse(self, local: LocalAws, books: Books) -> None:
        order = place(local, an_order(email="ada@nowhere.invalid"))
        assert books.settled(order)["status"] == "cancelled"
        execution = eventually(lambda: execution_of(local, order), lambda found: found["status"] != "RUNNING")
        assert (execution["status"], execution["error"]) == ("FAILED", "AddressRefused")
        undone = [name for name in states_entered(local, order) if name.startswith("Undo") or name == "Mark cancelled"]
        assert undone == ["Undo Update inventory", "Undo Process payment", "Mark cancelled"]
        payment = books.row("Payments", order)
        assert payment is not None
        assert payment["status"] == "refunded"
        assert books.mentions(order) == {"Orders", "Payments"}
        books.agree()

    def test_the_last_pieces_are_sold_once(self, local: LocalAws, books: Books) -> None:
        dynamodb = local.client("dynamodb")
        key = {"sku": {"S": "samovar"}}
        dynamodb.put_item(TableName=books.table("Stock"), Item={**key, "pieces": {"N": "2"}})
        try:
            orders = [an_order(items=[{"sku": "samovar", "quantity": 1}]) for _ in range(5)]
            with ThreadPoolExecutor(len(orders)) as pool:
                ids = list(pool.map(lambda order: place(local, order), orders))
            assert sorted(books.settled(each)["status"] for each in ids) == ["fulfilled"] * 2 + ["refunded"] * 3
            assert [row["pieces"] for row in books.rows("Stock") if row["sku"] == "samovar"] == [0]
            books.agree()
        finally:
            dynamodb.delete_item(TableName=books.table("Stock"), Key=key)


class TestDuplicates:
    def test_an_order_placed_many_times_has_one_effect(self, local: LocalAws, books: Books) -> None:
        order = an_order()
        intake = DeployedQueue(local, INTAKE)
        assert books.settled(place(local, an_order()))["status"] == "fulfilled"  # what follows meets no cold start
        with intake.impatient():  # one of two that are handled at the same moment comes back
            with ThreadPoolExecutor(5) as pool:
                assert set(pool.map(lambda _: place(local, order), range(5))) == {order["id"]}
            assert books.settled(order["id"])["status"] == "fulfilled"
            place(local, order)  # once more, after the fact
            assert intake.is_drained()
        executions = local.client("stepfunctions").list_executions(stateMachineArn=workflow_of(local))["executions"]
        assert [each["name"] for each in executions].count(order["id"]) == 1
        books.agree()

    def test_another_order_under_the_same_id_is_refused(self, local: LocalAws, books: Books) -> None:
        order = an_order()
        place(local, order)
        other = {**order, "items": [{"sku": "teapot", "quantity": 100}]}
        assert local.call("POST", "/orders", json=other, signed=True).status == 409
        assert books.settled(order["id"])["items"] == order["items"]

    def test_an_event_delivered_again_is_counted_and_packed_once(self, local: LocalAws, books: Books) -> None:
        order = an_order()
        place(local, order)
        settled = books.settled(order["id"])
        books.agree()
        detail = {name: settled[name] for name in ("id", "items", "amount_cents", "placed_at")}
        [bus] = [
            each["Name"]
            for each in local.client("events").list_event_buses()["EventBuses"]
            if "OrdersShop" in each["Name"]
        ]
        again = {
            "EventBusName": bus,
            "Source": "shop.orders",
            "DetailType": "OrderPlaced",
            "Detail": json.dumps(detail),
        }
        assert local.client("events").put_events(Entries=[again, again])["FailedEntryCount"] == 0
        # Another order's event comes behind them: when that is counted and the queue is empty, they have been handled.
        assert books.settled(place(local, an_order()))["status"] == "fulfilled"
        books.agree()
        assert DeployedQueue(local, "Orders-CountSalesQueue").is_drained()
        books.agree()


class TestPoison:
    def test_poison_is_buried_and_its_batch_mates_succeed_once(self, local: LocalAws, books: Books) -> None:
        orders = [an_order() for _ in range(3)]
        poison = ["not JSON", body_of({**an_order(), "items": []})]
        intake = DeployedQueue(local, INTAKE)
        assert books.settled(place(local, an_order()))["status"] == "fulfilled"  # what follows meets no cold start
        with intake.impatient():
            with intake.held_back():
                for order in orders:
                    place(local, order)
                intake.send(*poison)
            assert [books.settled(order["id"])["status"] for order in orders] == ["fulfilled"] * 3
            assert sorted(DeployedQueue(local, "Orders-IntakeDeadLetters").take(len(poison))) == sorted(poison)
            assert intake.is_drained()
        books.agree()


class TestRefusals:
    @pytest.mark.parametrize("kind", HOSTILE_BODIES)
    def test_a_hostile_body_is_the_callers_fault_never_ours(self, local: LocalAws, kind: str) -> None:
        headers = {"content-type": "application/json"}
        assert local.call("POST", "/orders", body=HOSTILE_BODIES[kind], headers=headers, signed=True).status == 400

    @pytest.mark.parametrize(("method", "path"), [("POST", "/orders"), ("GET", "/orders/order-1")])
    def test_a_request_without_a_signature(self, local: LocalAws, method: str, path: str) -> None:
        answer = local.call(method, path, json=an_order() if method == "POST" else None)
        assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})

    def test_an_order_that_nobody_placed(self, local: LocalAws) -> None:
        assert local.call("GET", f"/orders/{uuid.uuid4()}", signed=True).status == 404


class TestLeastPrivilege:
    @pytest.mark.parametrize(
        ("function", "may"),
        [
            ("PlaceOrder", {"Orders put_item"}),
            ("ReadOrder", {"Orders get_item"}),
            ("ChargeCard", {"Payments put_item"}),
            ("RefundCard", {"Payments update_item"}),
            ("TakeStock", {"Orders update_item", "Stock update_item"}),
            ("PutBackStock", {"Orders update_item", "Stock update_item"}),
            ("SendEmail", {"Outbox put_item"}),
            ("PackingSlip", {"Outbox put_item"}),
            ("CountSales/Function", {"Sales update_item"}),
            ("Intake/Function", set()),
        ],
    )
    def test_each_function_may_do_its_own_thing_to_its_own_table(
        self, local: LocalAws, books: Books, function: str, may: set[str]
    ) -> None:
        client = local.client_of(f"Orders/{function}", "dynamodb")
        probe = {"S": f"probe-{uuid.uuid4()}"}
        allowed = set()
        for table in ("Orders", "Payments", "Stock", "Outbox", "Sales"):
            key = {{"Stock": "sku", "Sales": "day"}.get(table, "id"): probe}
            calls: dict[str, dict[str, Any]] = {
                "put_item": {"Item": key, "ConditionExpression": "attribute_exists(never)"},
                "update_item": {"Key": key, "ConditionExpression": "attribute_exists(never)"},
                "get_item": {"Key": key},
                "delete_item": {"Key": key},
                "scan": {"Limit": 1},
            }
            for call, arguments in calls.items():
                try:
                    getattr(client, call)(TableName=books.table(table), **arguments)
                    allowed.add(f"{table} {call}")
                except ClientError as error:
                    code = error.response["Error"]["Code"]
                    if code == "ConditionalCheckFailedException":  # it was let in, and changed nothing
                        allowed.add(f"{table} {call}")
                    else:
                        assert code == "AccessDeniedException"
        assert allowed == may


def declined_calls(local: LocalAws) -> int:
    lines = local.logs("Orders/ChargeCard")
    return sum('"errorType":"CardDeclined"' in line for line in lines)
