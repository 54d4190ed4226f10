"""Filters of log events that read the fields of JSON: `{ $.level = "ERROR" && $.ms > 10 }`.

Stock takes every line for a match, and in subscriptions every line that has the words of the filter somewhere.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

INVALID = "Invalid filter pattern"
TOKEN = re.compile(
    r"""\s*(?:(?P<mark>\(|\)|&&|\|\||<=|>=|!=|=|<|>) | (?P<field>\$(?:\.[\w-]+|\[\d+\]|\["[^"]*"\]|\['[^']*'\])+)
    | (?P<text>"(?:[^"\\]|\\.)*") | (?P<pattern>%[^%]*%) | (?P<word>[^\s()&|<>=!"]+) )""",
    re.VERBOSE,
)
STEP = re.compile(r"""\.([\w-]+)|\[(\d+)\]|\["([^"]*)"\]|\['([^']*)'\]""")
ORDERED: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
CONSTANTS = {"NULL": None, "TRUE": True, "FALSE": False}
MISSING = object()

Matcher = Callable[[Any], bool]
Token = tuple[str, str]


class PatternError(ValueError):
    """A filter that CloudWatch Logs would not take."""


def is_json(pattern: Any) -> bool:
    """Whether a filter reads fields of JSON."""
    return isinstance(pattern, str) and pattern.strip().startswith("{")


def compiled(pattern: str) -> Callable[[str], bool]:
    """Return whether a line passes a filter.

    Raises:
        PatternError: CloudWatch Logs would not take the filter.
    """
    text = pattern.strip()
    if not text.endswith("}"):
        raise PatternError(INVALID)
    tokens = [*_tokens(text[1:-1])]
    matches = _any_of(tokens)
    if tokens:
        raise PatternError(INVALID)

    def passes(line: str) -> bool:
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            return False
        return isinstance(told, dict) and matches(told)

    return passes


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while text[at:].strip():
        found = TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise PatternError(INVALID)
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()


def _any_of(tokens: list[Token]) -> Matcher:
    ways = [_all_of(tokens)]
    while tokens[:1] == [("mark", "||")]:
        tokens.pop(0)
        ways.append(_all_of(tokens))
    return lambda told: any(each(told) for each in ways)


def _all_of(tokens: list[Token]) -> Matcher:
    wanted = [_one(tokens)]
    while tokens[:1] == [("mark", "&&")]:
        tokens.pop(0)
        wanted.append(_one(tokens))
    return lambda told: all(each(told) for each in wanted)


def _one(tokens: list[Token]) -> Matcher:
    """One condition, or several in brackets; what was read is taken from the tokens."""
    kind, text = _next(tokens)
    if (kind, text) == ("mark", "("):
        inside = _any_of(tokens)
        if _next(tokens) != ("mark", ")"):
            raise PatternError(INVALID)
        return inside
    if kind != "field":
        raise PatternError(INVALID)
    asked = _next(tokens)
    if asked[0] == "word":
        return _stated(text, asked[1].upper(), _next(tokens)[1].upper())
    if asked[0] != "mark" or asked[1] not in {"=", "!=", *ORDERED}:
        raise PatternError(INVALID)
    return _compared(text, asked[1], *_next(tokens))


def _next(tokens: list[Token]) -> Token:
    if not tokens:
        raise PatternError(INVALID)
    return tokens.pop(0)


def _stated(field: str, verb: str, state: str) -> Matcher:
    """`IS NULL`, `IS TRUE`, `IS FALSE`, `NOT EXISTS`."""
    if (verb, state) == ("NOT", "EXISTS"):
        return lambda told: _at(told, field) is MISSING
    if verb != "IS" or state not in CONSTANTS:
        raise PatternError(INVALID)
    return lambda told: _at(told, field) is CONSTANTS[state]


def _compared(field: str, sign: str, kind: str, text: str) -> Matcher:
    """A comparison with a number, a text in which `*` is anything, or a regular expression between `%`."""
    if kind in {"mark", "field"}:
        raise PatternError(INVALID)
    number = _number(text) if kind == "word" else None
    if sign in ORDERED:
        if number is None:
            raise PatternError(INVALID)
        return _ordered(field, ORDERED[sign], number)
    is_met = _equals(kind, text, number)

    def holds(told: Any) -> bool:
        found = _at(told, field)
        return found is not MISSING and is_met(found) is (sign == "=")

    return holds


def _ordered(field: str, holds: Callable[[float, float], bool], number: float) -> Matcher:
    def compares(told: Any) -> bool:
        found = _at(told, field)
        return _is_number(found) and holds(found, number)

    return compares


def _equals(kind: str, text: str, number: float | None) -> Matcher:
    if number is not None:
        return lambda found: (_is_number(found) and found == number) or found == text
    if kind == "pattern":
        try:
            wanted = re.compile(text[1:-1])
        except re.error as error:
            raise PatternError(INVALID) from error
        return lambda found: isinstance(found, str) and wanted.search(found) is not None
    plain = json.loads(text) if kind == "text" else text
    parts = re.compile(".*".join(map(re.escape, plain.split("*"))), re.DOTALL)
    return lambda found: isinstance(found, str) and parts.fullmatch(found) is not None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _at(told: Any, field: str) -> Any:
    """What stands at a path of fields."""
    for name, index, quoted, single in STEP.findall(field):
        if index:
            if not isinstance(told, list) or int(index) >= len(told):
                return MISSING
            told = told[int(index)]
            continue
        key = name or quoted or single
        if not isinstance(told, dict) or key not in told:
            return MISSING
        told = told[key]
    return told


def _wrap_compile(stock: Any) -> Any:
    def compile_filter_pattern(raw: str) -> Any:
        return compiled(raw) if is_json(raw) else stock(raw)

    return compile_filter_pattern


def _wrap_find(stock: Any) -> Any:
    def filter_log_events(data: Any) -> Any:
        try:
            return stock(data)
        except PatternError as error:
            told = f"{error}: {data['filterPattern']}"
            return base("services.cloudwatch_logs").error_response_json("InvalidParameterException", told, 400)

    return filter_log_events


def _wrap_subscription(stock: Any) -> Any:
    def subscription_pattern_matches(pattern: Any, message: Any) -> Any:
        if not is_json(pattern):
            return stock(pattern, message)
        try:
            return compiled(pattern)(message or "")
        except PatternError:
            return False

    return subscription_pattern_matches


PATCHES = (
    Patch("services.cloudwatch_logs", "_compile_filter_pattern", ("raw",), _wrap_compile),
    Patch("services.cloudwatch_logs", "_filter_log_events", ("data",), _wrap_find),
    Patch("services.cloudwatch_logs", "_subscription_pattern_matches", ("pattern", "message"), _wrap_subscription),
)
