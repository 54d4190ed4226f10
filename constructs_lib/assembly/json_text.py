"""JSON that stands as text in a template, with symbols in it: the definition of a workflow, the input of a target."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from constructs_lib.assembly.intrinsics import shown
from constructs_lib.assembly.value import Symbol, Text, Unknown, Value

PRIVATE = range(0xE000, 0xF8FF)  # characters that stand for nothing: one of them marks a symbol


def read_json(text: Text, what: str = "the definition") -> Value:
    """Read JSON in which symbols stand, inside of strings or instead of values.

    Args:
        text: The JSON.
        what: What it is, for the reason why it cannot be read.
    """
    known = "".join(part for part in text.parts if isinstance(part, str))
    mark = next((chr(code) for code in PRIVATE if chr(code) not in known and f"\\u{code:04x}" not in known.lower()), "")
    if not mark:
        return Unknown(shown(str(text)), f"{what} holds every private character there is")
    pieces: list[str] = []
    symbols: list[Symbol] = []
    is_quoted = False
    for part in text.parts:
        if isinstance(part, str):
            pieces.append(part)
            is_quoted = _ends_quoted(part, is_quoted)
        else:
            hole = f"{mark}{len(symbols)}{mark}"
            pieces.append(hole if is_quoted else f'"{hole}"')
            symbols.append(part)
    try:
        return _restored(json.loads("".join(pieces)), mark, symbols)
    except RecursionError:
        return Unknown(shown(str(text)), f"{what} is nested too deep")
    except ValueError as error:
        return Unknown(shown(str(text)), f"{what} is no JSON: {error}".replace(mark, ""))


def _ends_quoted(part: str, is_quoted: bool) -> bool:
    """Whether the end of a piece of JSON is inside of a string."""
    is_escaped = False
    for character in part:
        if is_escaped:
            is_escaped = False
        elif character == "\\":
            is_escaped = is_quoted
        elif character == '"':
            is_quoted = not is_quoted
    return is_quoted


def _restored(told: Any, mark: str, symbols: Sequence[Symbol]) -> Value:
    if isinstance(told, dict):
        return {str(_restored_text(key, mark, symbols)): _restored(each, mark, symbols) for key, each in told.items()}
    if isinstance(told, list):
        return [_restored(each, mark, symbols) for each in told]
    if isinstance(told, str):
        return _restored_text(told, mark, symbols)
    return told if told is None or isinstance(told, bool | int | float) else None


def _restored_text(told: str, mark: str, symbols: Sequence[Symbol]) -> Text:
    return Text.of(*(symbols[int(each)] if odd % 2 else each for odd, each in enumerate(told.split(mark))))
