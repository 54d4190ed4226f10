"""A template written in JSON. The resources are read one by one, so that each is known by its line."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from constructs_lib.assembly.template_document import (
    INCLUDE,
    MAX_DEPTH,
    MAX_DIGITS,
    Document,
    MalformedTextError,
    refuse_deep_nesting,
    too_deep,
)

MAX_VALUES = 5_000_000  # what fits into half a gigabyte of memory; 50,000 resources are about 3 million
FLAT = MAX_DEPTH - 2  # objects and lists of one resource or other section: it takes more to be nested too deeply
SPACE = re.compile(r"[ \t\n\r]*")
COLON = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
COMMA_OR_END = re.compile(r"[ \t\n\r]*([,}])[ \t\n\r]*")
ESCAPE = "\\u"  # of a character, which may hide a name
HALF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")  # may be one half of a pair without the other

Value = Callable[[str, int, int], tuple[Any, int]]  # key, where the key stands, where the value stands -> value, end


def parse_json(text: str) -> Document:
    """Read a template.

    Raises:
        MalformedTextError: It is not JSON, or larger, deeper or stranger than a template can be.
    """
    if text.count("{") + text.count("[") + text.count(",") > MAX_VALUES:
        raise MalformedTextError(f"the file holds more than {MAX_VALUES:,} values")
    reader = _Reader(text)
    try:
        value = reader.template()
    except json.JSONDecodeError as error:
        what = f"the file is not JSON: {error.msg[:1].lower()}{error.msg[1:]} (column {error.colno})"
        raise MalformedTextError(what, error.lineno) from error
    try:
        if reader.may_be_deep:
            refuse_deep_nesting(value)
    except MalformedTextError as error:
        raise MalformedTextError(error.what, reader.line_of_deepest(value)) from error
    if HALF_A_CHARACTER.search(text):
        _refuse_half_characters(value)
    return Document(value, reader.lines(), may_include=INCLUDE in text or ESCAPE in text)


class _Reader:
    """Python's own JSON decoder, led through the first two levels by hand to see where things stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        decoder = json.JSONDecoder(
            object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_int
        )
        # The type checker's description of the decoder leaves it out.
        self._scan: Callable[[str, int], tuple[Any, int]] = decoder.scan_once  # type: ignore[attr-defined]
        self._places: dict[str, int] = {}
        self.may_be_deep = False

    def template(self) -> Any:
        begin = self._skip(0)
        value, end = self._members(begin, self._section) if self._at(begin) == "{" else self._decode(begin, begin)
        end = self._skip(end)
        if end != len(self._text):
            raise json.JSONDecodeError("Extra data", self._text, end)
        return value

    def lines(self) -> dict[str, int]:
        lines, line, before = {}, 1, 0
        for key, place in self._places.items():
            line += self._text.count("\n", before, place)
            lines[key], before = line, place
        return lines

    def line_of_deepest(self, template: Any) -> int | None:
        """The line of the first resource that is nested too deeply on its own."""
        for key, place in self._places.items():
            try:
                refuse_deep_nesting(template["Resources"][key])
            except MalformedTextError:
                return self._line(place)
        return None

    def _section(self, key: str, begin: int, value: int) -> tuple[Any, int]:
        if key == "Resources" and self._at(value) == "{":
            return self._members(value, self._resource)
        return self._decode(value, begin)

    def _resource(self, key: str, begin: int, value: int) -> tuple[Any, int]:
        self._places[key] = begin
        return self._decode(value, begin)

    def _members(self, begin: int, read: Value) -> tuple[dict[str, Any], int]:
        """Read the object that begins here, its values by `read`."""
        members: dict[str, Any] = {}
        end = self._skip(begin + 1)
        if self._at(end) == "}":
            return members, end + 1
        while True:
            place = end
            if self._at(place) != '"':
                raise json.JSONDecodeError("Expecting property name enclosed in double quotes", self._text, place)
            key, end = self._decode(place, place)
            if key in members:
                raise MalformedTextError(_twice(key), self._line(place))
            colon = COLON.match(self._text, end)
            if colon is None:
                raise json.JSONDecodeError("Expecting ':' delimiter", self._text, self._skip(end))
            members[key], end = read(key, place, colon.end())
            following = COMMA_OR_END.match(self._text, end)
            if following is None:
                raise json.JSONDecodeError("Expecting ',' delimiter", self._text, self._skip(end))
            if following[1] == "}":
                return members, following.end(1)
            end = following.end()

    def _decode(self, begin: int, named: int) -> tuple[Any, int]:
        try:
            value, end = self._scan(self._text, begin)
        except StopIteration as error:
            raise json.JSONDecodeError("Expecting value", self._text, error.value) from None
        except MalformedTextError as error:
            raise MalformedTextError(error.what, self._line(named)) from error
        except RecursionError as error:
            raise MalformedTextError(too_deep(), self._line(named)) from error
        if end - begin > FLAT and self._text.count("{", begin, end) + self._text.count("[", begin, end) > FLAT:
            self.may_be_deep = True
        return value, end

    def _at(self, place: int) -> str:
        return self._text[place : place + 1]

    def _skip(self, place: int) -> int:
        found = SPACE.match(self._text, place)
        return found.end() if found else place

    def _line(self, place: int) -> int:
        return self._text.count("\n", 0, place) + 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        [(key, _), *_] = Counter(key for key, _ in pairs).most_common(1)
        raise MalformedTextError(_twice(key))
    return members


def _twice(key: str) -> str:
    return f"the key {key!r} stands twice in one object"


def _constant(text: str) -> Any:
    raise MalformedTextError(f"{text} is not a number that JSON knows")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedTextError("a number is too large")
    return number


def _int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise MalformedTextError(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


def _refuse_half_characters(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise MalformedTextError("a string holds half a character (a lone surrogate)") from error
