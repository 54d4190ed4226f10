"""Every single message there can be, as far as short patterns can tell two apart, and which of them fit a pattern."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.guards.recursion.random_system import ARNS

LONGEST = 6  # letters of a key that is tried
KEYS = tuple("".join(each) for size in range(1, LONGEST + 1) for each in itertools.product("ab/", repeat=size))
PUT = "ObjectCreated:Put"
KINDS = {PUT: "PutObject", "ObjectCreated:Copy": "CopyObject", "ObjectCreated:Post": "POST Object"}
KINDS["ObjectCreated:CompleteMultipartUpload"] = "CompleteMultipartUpload"
SOURCES = (*("".join(each) for size in (1, 2) for each in itertools.product("abc/", repeat=size)), "acb", "bca", "ccc")
SHORT = tuple("".join(each) for size in (1, 2) for each in itertools.product("ab/", repeat=size))
EVERYTHING = -1  # all bits
LIST = "[]"  # behind a field that may be a list, too
# What somebody may make up, by the last key of a field: as much of it as a pattern can tell apart. None is absent.
SENT: dict[str, tuple[Any, ...]] = {
    "k": (None, 7, "c", "cc", *SHORT),
    "key": (None, "c", "cc", *SHORT),
    "eventName": (None, "c", *KINDS, "ObjectRemoved:Delete"),
    "source": (None, "c", "aws.s3", *SHORT),
    "detail-type": (None, "t", "u", "Object Created"),
    "reason": (None, "PutObject", "CopyObject", "DeleteObject", "c"),
    "name": (None, "ab", "ba", "c"),
}
OWN: dict[str, tuple[Any, ...]] = {
    "source": SOURCES,
    "detail-type": ("t", "u", "Object Created"),
}  # on a bus, but not in the name of AWS
WRAPPED = {"Type": "Notification", "MessageId": "1", "Message": "..."}


@cache
def matching_of(pattern: str, at: str, form: str, kind: str, bucket: str) -> int:
    told = json.loads(pattern)
    if form == "wrapped":  # all alike, however many there are
        return EVERYTHING if _matches(told, {"body": WRAPPED}) else 0
    return bits(_matches(told, each) for each in _documents(at, form, kind, bucket))


def _documents(at: str, form: str, kind: str, bucket: str) -> Iterator[Any]:
    for attributes, body in messages_of(form, kind, bucket):
        yield attributes if at == "attributes" else {"body": body} if at == "body" else body


@cache
def messages_of(form: str, kind: str, bucket: str) -> tuple[tuple[Any, Any], ...]:
    """Every message of a form: its attributes and its body."""
    if form == "records":
        return tuple(({}, _records(kind, key)) for key in KEYS)
    if form == "event":
        return tuple(({}, _event(bucket, KINDS[kind], key)) for key in KEYS)
    fields = kind.split()
    every = itertools.product(*(_domain(form, field) for field in fields))
    paths = [field.removesuffix(LIST).split(".") for field in fields]
    return tuple(_made_up(paths, values) for values in every)


def _made_up(paths: list[list[str]], values: tuple[Any, ...]) -> tuple[Any, Any]:
    told: dict[str, Any] = {"attributes": {}, "body": {}}
    for path, value in zip(paths, values, strict=True):
        if value is not None:
            _put(told, path, value)
    return told["attributes"], told["body"]


def _domain(form: str, field: str) -> tuple[Any, ...]:
    """What somebody may put into a field; an event has no others than those of events."""
    key = field.removesuffix(LIST).rpartition(".")[2]
    if form == "own" and not field.startswith(("body.source", "body.detail")):
        return (None,)
    if form == "own" and key in OWN:
        return OWN[key]
    several = [each for each in SENT[key] if each is not None] if field.endswith(LIST) else []
    return (*SENT[key], *map(list, itertools.combinations(several, 2)))


def _put(told: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        told = told.setdefault(key, {})
    told[path[-1]] = value


def _records(name: str, key: str) -> Any:
    return {"Records": [{"eventName": name, "s3": {"object": {"key": key}}}]}


def _event(bucket: str, reason: str, key: str) -> Any:
    detail = {"bucket": {"name": bucket}, "reason": reason, "object": {"key": key}}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def _matches(pattern: Any, document: Any) -> bool:
    """Whether a document fits a pattern; a list fits when one of its items does."""
    if isinstance(document, list):
        return any(_matches(pattern, each) for each in document)
    if isinstance(pattern, dict):
        return isinstance(document, dict) and all(
            _matches(inside, document.get(key)) for key, inside in pattern.items()
        )
    return document is not None and not isinstance(document, dict) and any(_fulfils(each, document) for each in pattern)


def _fulfils(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, dict):
        return bool(wanted == value)
    [(operator, operand)] = wanted.items()
    match operator:
        case "prefix":
            return isinstance(value, str) and value.startswith(operand)
        case "suffix":
            return isinstance(value, str) and value.endswith(operand)
        case "wildcard":
            return isinstance(value, str) and fits(operand, value)
    if isinstance(operand, dict):
        return not (isinstance(value, str) and value.startswith(operand["prefix"]))
    return value not in operand


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern), re.DOTALL)


def fits(pattern: str, text: str) -> bool:
    return _expression(pattern).fullmatch(text) is not None


@cache
def keys_of(pattern: str, bucket: str) -> int:
    return bits(fits(pattern, f"{ARNS[bucket]}/{key}") for key in KEYS)


@cache
def keys_between(prefix: str, suffix: str) -> int:
    return bits(key.startswith(prefix) and key.endswith(suffix) for key in KEYS)


def bits(are: Iterator[bool]) -> int:
    return int("0" + "".join("1" if each else "0" for each in are), 2)
