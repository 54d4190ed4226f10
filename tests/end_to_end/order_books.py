"""What the tables of the orders app say, and whether they agree with each other."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from constructs_lib.local import LocalAws
from tests.end_to_end.deployed_queue import eventually

UNSETTLED = {"received", "in progress"}
FIRST_DELIVERY = 1_000_000

Row = dict[str, Any]


@dataclass(frozen=True)
class Books:
    """The tables of the orders app."""

    aws: LocalAws

    def table(self, name: str) -> str:
        """The physical name of a table, by its construct id."""
        [found] = [each for each in self._names() if each.startswith(f"Orders-{name}Table")]
        return found

    def rows(self, name: str) -> list[Row]:
        """Everything in a table, as plain values."""
        read = TypeDeserializer().deserialize
        pages = self.aws.client("dynamodb").get_paginator("scan").paginate(TableName=self.table(name))
        return [{key: read(value) for key, value in item.items()} for page in pages for item in page["Items"]]

    def row(self, name: str, key: str) -> Row | None:
        """One row of a table whose key is `id`."""
        return next((row for row in self.rows(name) if row["id"] == key), None)

    def settled(self, order: str) -> Row:
        """What GET /orders/{id} answers once the order is through."""

        def look() -> Row:
            answer = self.aws.call("GET", f"/orders/{order}", signed=True)
            assert answer.status == 200
            found: Row = answer.json()
            return found

        return eventually(look, lambda found: found["status"] not in UNSETTLED)

    def mentions(self, order: str) -> set[str]:
        """The tables in which an order's id stands anywhere."""
        tables = ("Orders", "Payments", "Stock", "Outbox", "Sales")
        return {name for name in tables if f'"{order}' in json.dumps(self.rows(name), default=str)}

    def agree(self) -> None:
        """Assert that money, stock, mails and sales are exactly those of the fulfilled orders."""
        assert eventually(self._kept, lambda kept: kept == self._expected()) == self._expected()

    def _kept(self) -> Row:
        pieces = {row["sku"]: FIRST_DELIVERY - row["pieces"] for row in self.rows("Stock")}
        return {
            "payments": {row["id"] for row in self.rows("Payments") if row["status"] == "charged"},
            "mails": {row["id"] for row in self.rows("Outbox")},
            "taken": {sku: pieces.get(sku, 0) for sku in ("teapot", "teacup")},
            "sales": sum(row["orders"] for row in self.rows("Sales")),
            "income": sum(row["amount_cents"] for row in self.rows("Sales")),
        }

    def _expected(self) -> Row:
        fulfilled = [row for row in self.rows("Orders") if row["status"] == "fulfilled"]
        taken: Counter[str] = Counter()
        for row in fulfilled:
            taken.update({line["sku"]: line["quantity"] for line in row["items"]})
        return {
            "payments": {row["id"] for row in fulfilled},
            "mails": {f"{row['id']}#{kind}" for row in fulfilled for kind in ("confirmation", "packing-slip")},
            "taken": {sku: taken[sku] for sku in ("teapot", "teacup")},
            "sales": len(fulfilled),
            "income": sum(row["amount_cents"] for row in fulfilled),
        }

    def _names(self) -> list[str]:
        names: list[str] = self.aws.client("dynamodb").list_tables()["TableNames"]
        return names
