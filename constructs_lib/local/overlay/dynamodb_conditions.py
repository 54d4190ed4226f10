"""`dynamodb:LeadingKeys`, and `dynamodb:Attributes` of writes and conditions, are known to policies.

Stock knows the attributes of a projection alone, so that a policy that lets a caller see only items of his own lets him
see and change all of them.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
)
# what of an expression is no attribute
WORDS = frozenset({
    "set", "remove", "add", "delete", "and", "or", "not", "between", "in", "attribute_exists", "attribute_not_exists",
    "attribute_type", "begins_with", "contains", "size", "if_not_exists", "list_append",
})  # fmt: skip
_TOKEN = re.compile(r"[#:]?[A-Za-z_][\w-]*(?:\[\d+\])*(?:\.[#\w\[\]-]+)*")
_MEMBERS = ("Put", "Update", "Delete", "Get", "ConditionCheck", "PutRequest", "DeleteRequest")


def _wrap(stock: Any) -> Any:
    def dynamodb_service_context(body: bytes) -> Any:
        found = stock(body)
        try:
            told = json.loads(body or b"{}")
        except ValueError:
            return found
        if not isinstance(told, dict):
            return found
        requests = list(_requests(told))
        leading = list(dict.fromkeys(value for each in requests for value in _leading(each)))
        names = dict.fromkeys(name for each in requests for name in _attributes(each))
        attributes = list(dict.fromkeys([*found.get("dynamodb:Attributes", ()), *names]))
        if leading:
            found = {**found, "dynamodb:LeadingKeys": leading}
        if names and attributes:
            found = {**found, "dynamodb:Attributes": attributes}
        return found

    return dynamodb_service_context


def _requests(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What one call asks of single tables, each with its `TableName`."""
    if isinstance(told.get("TableName"), str):
        yield told
    items = told.get("RequestItems")
    for table, asked in items.items() if isinstance(items, dict) else ():
        for each in asked if isinstance(asked, list) else [asked]:
            if isinstance(each, dict):
                member = next((each[name] for name in _MEMBERS if isinstance(each.get(name), dict)), each)
                yield {**member, "TableName": table}
    transaction = told.get("TransactItems")
    for each in transaction if isinstance(transaction, list) else ():
        if isinstance(each, dict):
            yield from (each[name] for name in _MEMBERS if isinstance(each.get(name), dict))


def _leading(request: Mapping[str, Any]) -> Iterator[str]:
    """The values of the partition key a request names."""
    name = _partition_key(str(request.get("TableName", "")), request.get("IndexName"))
    keys = request.get("Keys")
    for item in (request.get("Key"), request.get("Item"), *(keys if isinstance(keys, list) else ())):
        if isinstance(item, dict) and isinstance(item.get(name), dict):
            yield from (str(value) for value in item[name].values())
    yield from _queried(request, name)


def _queried(request: Mapping[str, Any], name: str) -> Iterator[str]:
    values = request.get("ExpressionAttributeValues") or {}
    condition = request.get("KeyConditionExpression")
    names = [name, *(key for key, each in _names(request).items() if each == name)]
    for each in names if isinstance(condition, str) else ():
        for found in re.finditer(rf"(?<![\w#]){re.escape(each)}\s*=\s*(:\w+)", str(condition)):
            value = values.get(found[1])
            if isinstance(value, dict):
                yield from (str(text) for text in value.values())
    legacy = (request.get("KeyConditions") or {}).get(name) or {}
    for value in legacy.get("AttributeValueList") or ():
        yield from (str(text) for text in value.values())


def _partition_key(table: str, index: Any) -> str:
    found = base("services.dynamodb")._tables.get(table.rpartition("table/")[2]) or {}
    schema = found.get("KeySchema") or ()
    for each in (*(found.get("GlobalSecondaryIndexes") or ()), *(found.get("LocalSecondaryIndexes") or ())):
        if index and each.get("IndexName") == index:
            schema = each.get("KeySchema") or ()
    return str(next((each["AttributeName"] for each in schema if each.get("KeyType") == "HASH"), ""))


def _attributes(request: Mapping[str, Any]) -> Iterator[str]:
    """The attributes at the top of an item that a request names."""
    for item in (request.get("Item"), request.get("AttributeUpdates"), request.get("Expected")):
        yield from item if isinstance(item, dict) else ()
    names = _names(request)
    expressions = [request[each] for each in EXPRESSIONS if isinstance(request.get(each), str)]
    for expression in expressions:
        for token in _TOKEN.findall(expression):
            head = re.split(r"[.\[]", token, maxsplit=1)[0]
            if not head.startswith(":") and head.lower() not in WORDS:
                yield names.get(head, head)
    key = request.get("Key")
    if expressions and isinstance(key, dict):
        yield from key


def _names(request: Mapping[str, Any]) -> dict[str, str]:
    names = request.get("ExpressionAttributeNames")
    return names if isinstance(names, dict) else {}


PATCHES = (Patch("core.iam_actions", "dynamodb_service_context", ("body",), _wrap),)
