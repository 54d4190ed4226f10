"""What API Gateway takes for a schema of draft 4, value by value; it looks when it is deployed, and tells nothing.

Schemas that a later draft takes, and that mean the same without it, lose it: an empty `required`, an `enum` that
repeats itself, formats that draft 4 has not. Everything else it would not take is refused.
https://datatracker.ietf.org/doc/html/draft-fge-json-schema-validation-00
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import aws_cdk as cdk

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
# Of other formats API Gateway knows nothing; bodies were refused for having a field of one (`date`).
FORMATS = frozenset(["date-time", "email", "hostname", "ipv4", "ipv6", "uri"])
COUNTS = ("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties")
WITHIN = ("properties", "patternProperties", "definitions", "dependencies")  # schemas by name
ALL = ("allOf", "anyOf", "oneOf", "items")
ONE = ("not", "items", "additionalItems", "additionalProperties")
# Patterns are those of ECMA 262, in its edition of 2011: neither Python's nor today's JavaScript's.
PIECES = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\(\?[^:=!]|(?:[*+?]|\{\d+(?:,\d*)?\})\+|.", re.DOTALL)
ELSEWHERE = re.compile(r"\\[AZzGpPQEXRKhk]")  # escapes that stand for the letter alone, in ECMA 262
BROKEN = ("missing ", "unterminated ", "unbalanced ", "nothing to repeat", "multiple repeat", "bad character range")
NAME = re.compile(r"[A-Za-z0-9._-]+")  # what a reference can name without being escaped


class InexpressibleError(Exception):
    """A schema that draft 4 cannot say.

    Args:
        what: What is wrong, as the rest of a sentence about the schema.
        fix: What to do.
    """

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def check_values(schema: dict[str, Any]) -> None:
    """Leave out of a schema in draft 4 what says nothing, and see that API Gateway takes the rest.

    Raises:
        InexpressibleError: It does not.
    """
    for each, at in _schemas(schema, "#"):
        _leave_out(each)
        for check in (_check_kinds, _check_lists, _check_patterns):
            check(each, at)
        if "$ref" in each:
            _check_reference(each["$ref"], schema, at)


def _schemas(schema: Any, at: str) -> Iterator[tuple[dict[str, Any], str]]:
    if not isinstance(schema, dict):
        return
    yield schema, at
    for key in WITHIN:
        for name, each in schema.get(key, {}).items():
            yield from _schemas(each, f"{at}/{key}/{name}")
    for key in ALL:
        told = schema.get(key)
        for number, each in enumerate(told if isinstance(told, list) else ()):
            yield from _schemas(each, f"{at}/{key}/{number}")
    for key in ONE:
        yield from _schemas(schema.get(key), f"{at}/{key}")


def _leave_out(schema: dict[str, Any]) -> None:
    if schema.get("required") == []:
        del schema["required"]
    if isinstance(schema.get("format"), str) and schema["format"] not in FORMATS:
        del schema["format"]
    if isinstance(needs := schema.get("dependencies"), dict):
        schema["dependencies"] = {name: each for name, each in needs.items() if each != []}
        if not schema["dependencies"]:
            del schema["dependencies"]
    for key in ("enum", "type", "required"):
        if isinstance(told := schema.get(key), list):
            kept: dict[str, Any] = {}
            for each in told:
                kept.setdefault(_same(each), each)
            schema[key] = list(kept.values())
    for key in COUNTS:
        if isinstance(count := schema.get(key), float) and count.is_integer():
            schema[key] = int(count)


def _same(value: Any) -> str:
    """A text that is the same for values that JSON calls equal."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(COUNTS, (lambda it: isinstance(it, int) and not isinstance(it, bool) and it >= 0, "0 or more")),
    **dict.fromkeys(("minimum", "maximum"), (_is_number, "a number")),
    **dict.fromkeys(
        ("uniqueItems", "exclusiveMinimum", "exclusiveMaximum"), (lambda it: isinstance(it, bool), "true or false")
    ),
    **dict.fromkeys(("title", "description", "pattern", "format"), (lambda it: isinstance(it, str), "a text")),
    "multipleOf": (lambda it: _is_number(it) and it > 0, "a number above 0"),
    "required": (
        lambda it: isinstance(it, list) and all(isinstance(each, str) for each in it),
        "a list of names",
    ),
    "enum": (lambda it: isinstance(it, list) and bool(it), "a list of one value at least"),
}


def _check_kinds(schema: Mapping[str, Any], at: str) -> None:
    for key, (is_one, wanted) in KINDS.items():
        if key in schema and not is_one(schema[key]) and not cdk.Token.is_unresolved(schema[key]):
            raise InexpressibleError(f"has {key} {schema[key]!r} at {at}, wanted {wanted}", "mend it")


def _check_lists(schema: Mapping[str, Any], at: str) -> None:
    told = schema.get("type", "object")
    types = [told] if isinstance(told, str) else told
    if not isinstance(types, list) or not types or any(each not in TYPES for each in types):
        raise InexpressibleError(f"has type {told!r} at {at}", f"use {', '.join(TYPES)}")
    for name, need in schema.get("dependencies", {}).items():
        if isinstance(need, list) and not all(isinstance(each, str) for each in need):
            raise InexpressibleError(f"has {need!r} at {at}/dependencies/{name}", "name properties")


def _check_patterns(schema: Mapping[str, Any], at: str) -> None:
    for pattern in (schema.get("pattern", ""), *schema.get("patternProperties", {})):
        odd = next(_not_ecma(pattern), None)
        if odd is not None:
            raise InexpressibleError(
                f"has the pattern {pattern!r} at {at}: API Gateway takes those of ECMA 262, which has no {odd}",
                "write it without, like ^[A-Za-z]+$, or check it in the function",
            )
        try:
            with warnings.catch_warnings(action="ignore"):  # of what later versions of Python may read otherwise
                re.compile(pattern)
        except re.error as error:
            if str(error).startswith(BROKEN):  # the rest is of Python alone
                raise InexpressibleError(f"has the pattern {pattern!r} at {at}: {error}", "mend it") from None
        except (RecursionError, OverflowError):
            pass


def _not_ecma(pattern: str) -> Iterator[str]:
    if "\\u{" in pattern.replace("\\\\", ""):
        yield "\\u{"
    for piece in PIECES.findall(pattern):
        if piece.startswith(("(?", "[[:")) or (len(piece) > 1 and piece[0] in "*+?{"):
            yield piece
        yield from ELSEWHERE.findall(re.sub(r"\\[^A-Za-z]", "", piece))


def _check_reference(to: Any, schema: Mapping[str, Any], at: str) -> None:
    seen: list[str] = []
    while isinstance(to, str) and to not in seen:
        seen.append(to)
        target: Any = schema
        for piece in to.removeprefix("#").split("/")[1:]:
            if not NAME.fullmatch(piece):
                raise InexpressibleError(
                    f"refers to {to} at {at}", "name definitions with letters, digits and ._- alone"
                )
            target = target.get(piece) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            raise InexpressibleError(f"refers to {to} at {at}, which is not there", "define it in $defs at the top")
        to = target.get("$ref")
    if to is not None:
        raise InexpressibleError(f"refers to {to} at {at}, which leads back to itself", "say what it is")
