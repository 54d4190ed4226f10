"""DynamoDB in memory, as far as idempotency asks it: conditional writes, transactions, and a log of who called what."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, dict[str, str]]
_TOKEN = re.compile(r"\(|\)|,|<|=|AND|OR|[#:]?\w+")


class ConditionalCheckFailedException(ClientError):  # noqa: N818 - DynamoDB's name
    def __init__(self, item: Item | None) -> None:
        error: Any = {"Error": {"Code": "ConditionalCheckFailedException", "Message": "The conditional request failed"}}
        if item is not None:
            error["Item"] = item
        super().__init__(error, "PutItem")


class TransactionCanceled(ClientError):  # noqa: N818 - DynamoDB's name
    def __init__(self, reasons: list[dict[str, str]]) -> None:
        error: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"},
            "CancellationReasons": reasons,
        }
        super().__init__(error, "TransactWriteItems")


class MemoryTable:
    """All tables of one account; the part of boto3's client that writes items one by one or all together.

    Args:
        before: Called before each request with its name; may raise, as a lost connection does.
        after: Called once its writes are done; may raise, as a lost answer does.
    """

    exceptions: Any = type("exceptions", (), {"ConditionalCheckFailedException": ConditionalCheckFailedException})

    def __init__(
        self, before: Callable[[str], None] = lambda _: None, after: Callable[[str], None] = lambda _: None
    ) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.calls: list[str] = []
        self._before = before
        self._after = after

    def put_item(self, **request: Any) -> dict[str, Any]:
        return self._call("PutItem", lambda: self._write("Put", request))

    def update_item(self, **request: Any) -> dict[str, Any]:
        return self._call("UpdateItem", lambda: self._write("Update", request))

    def delete_item(self, **request: Any) -> dict[str, Any]:
        return self._call("DeleteItem", lambda: self._write("Delete", request))

    def get_item(self, **request: Any) -> dict[str, Any]:
        item = self.items.get((request["TableName"], request["Key"]["id"]["S"]))
        self._call("GetItem", lambda: None)
        return {} if item is None else {"Item": dict(item)}

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        writes = [next(iter(each.items())) for each in request["TransactItems"]]

        def all_or_none() -> None:
            reasons = [{"Code": "None" if self._allows(write) else "ConditionalCheckFailed"} for _, write in writes]
            if any(reason["Code"] != "None" for reason in reasons):
                raise TransactionCanceled(reasons)
            for kind, write in writes:
                self._write(kind, write)

        return self._call("TransactWriteItems", all_or_none)

    def _call(self, name: str, work: Callable[[], None]) -> dict[str, Any]:
        self.calls.append(name)
        self._before(name)
        work()
        self._after(name)
        return {}

    def _write(self, kind: str, request: dict[str, Any]) -> None:
        if not self._allows(request):
            wanted = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise ConditionalCheckFailedException(self.items.get(_place(request)) if wanted else None)
        place = _place(request)
        if kind == "Put":
            self.items[place] = dict(request["Item"])
        elif kind == "Delete":
            self.items.pop(place, None)
        else:
            names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
            changed = dict(self.items.get(place, request["Key"]))
            for assignment in request["UpdateExpression"].removeprefix("SET ").split(", "):
                name, value = assignment.split(" = ")
                changed[names[name]] = values[value]
            self.items[place] = changed

    def _allows(self, request: dict[str, Any]) -> bool:
        condition = request.get("ConditionExpression")
        return condition is None or _Condition(condition, request, self.items.get(_place(request), {})).holds()


def _place(request: dict[str, Any]) -> tuple[str, str]:
    key: Item = request["Key"] if "Key" in request else request["Item"]
    return request["TableName"], key["id"]["S"]


class _Condition:
    """A condition expression of AND, OR, parentheses, =, < and the two exists functions, on one item."""

    def __init__(self, text: str, request: dict[str, Any], item: Item) -> None:
        self._left = _TOKEN.findall(text)
        self._names = request.get("ExpressionAttributeNames", {})
        self._values = request.get("ExpressionAttributeValues", {})
        self._item = item

    def holds(self) -> bool:
        result = self._any()
        assert not self._left, self._left
        return result

    def _any(self) -> bool:
        results = [self._all()]
        while self._left[:1] == ["OR"]:
            del self._left[0]
            results.append(self._all())
        return any(results)

    def _all(self) -> bool:
        results = [self._one()]
        while self._left[:1] == ["AND"]:
            del self._left[0]
            results.append(self._one())
        return all(results)

    def _one(self) -> bool:
        token = self._left.pop(0)
        if token == "(":
            result = self._any()
            del self._left[0]
            return result
        if token in {"attribute_exists", "attribute_not_exists"}:
            name = self._left[1]
            del self._left[:3]
            return (self._names.get(name, name) in self._item) is (token == "attribute_exists")
        operator, value = self._left.pop(0), self._values[self._left.pop(0)]
        stored = self._item.get(self._names.get(token, token))
        if stored is None or stored.keys() != value.keys():
            return False
        [(kind, left)], [right] = stored.items(), value.values()
        ordered = (float(left), float(right)) if kind == "N" else (left, right)
        return ordered[0] == ordered[1] if operator == "=" else bool(ordered[0] < ordered[1])  # type: ignore[operator] # the same kind
