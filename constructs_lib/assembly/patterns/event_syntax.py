"""Patterns of events as lists of alternatives: what each asks, place by place."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from constructs_lib.assembly.patterns.conditions import NOT_KNOWN, OPERATORS, Condition, Dialect, condition
from constructs_lib.assembly.patterns.glob import PatternError, parts_of
from constructs_lib.assembly.value import OneOf, Symbol, Text, Unknown

if TYPE_CHECKING:
    from constructs_lib.assembly.patterns.payload import Path

Alternative: TypeAlias = "dict[Path, Condition]"

DEEPEST: Final = 100  # levels of objects; AWS documents none, and no event has as many
MOST_ALTERNATIVES: Final = 1000  # combinations of `$or`, as EventBridge allows
LEAST_IN_OR: Final = 2
# The marks that stand for a symbol while JSON is read; from the area that Unicode leaves to everybody's own use.
MARK: Final = re.compile("\ue000([0-9]+)\ue001")


@dataclass(frozen=True, eq=False, slots=True)
class Pattern:
    """A pattern that was read: worth keeping where many payloads meet it.

    Args:
        alternatives: What it asks; an event passes when one of them holds.
        problem: Why it cannot be read, when it cannot.
    """

    alternatives: tuple[Alternative, ...]
    problem: str = ""

    @classmethod
    def read(cls, pattern: Any, dialect: Dialect) -> Pattern:
        """Read a pattern, as JSON text or as an object, resolved or not."""
        try:
            return cls(tuple(alternatives(pattern, dialect)))
        except PatternError as error:
            return cls((), f"the pattern cannot be read: {error}")


def alternatives(pattern: Any, dialect: Dialect) -> list[Alternative]:
    """Read a pattern, as JSON text or as an object: an event passes when one of the alternatives holds.

    Raises:
        PatternError: AWS would not take it, or it cannot be read before deployment.
    """
    decoded = _decoded(pattern)
    if isinstance(decoded, OneOf | Unknown):
        raise PatternError("it is not known before deployment")
    if not isinstance(decoded, dict) or not decoded:
        raise PatternError("it is not an object that asks for something")
    return _read(decoded, (), [{}], dialect, DEEPEST)


def _read(
    pattern: dict[str, Any], path: Path, found: list[Alternative], dialect: Dialect, levels: int
) -> list[Alternative]:
    """Add what one object of a pattern asks to each of the alternatives found so far."""
    if not levels:
        raise PatternError(f"it has more than {DEEPEST} levels")
    for key, value in pattern.items():
        # A dot in a key is a step of the path: https://github.com/aws/event-ruler
        inner = (*path, *str(key).split("."))
        if key == "$or" and _is_operator(value):
            before, found = found, []
            for member in value:
                found += _read(member, path, [dict(alternative) for alternative in before], dialect, levels - 1)
                if len(found) > MOST_ALTERNATIVES:
                    raise PatternError(f"it has more than {MOST_ALTERNATIVES} combinations of $or")
        elif isinstance(value, dict):
            if not value:
                raise PatternError(f"{'.'.join(inner)} is empty")
            found = _read(value, inner, found, dialect, levels - 1)
        else:
            asked = NOT_KNOWN if _may_be_object(value) else condition(value, dialect)
            for alternative in found:
                # Twice the same place, inside and outside of $or: the last one counts, and templates keep no order.
                earlier = alternative.get(inner)
                alternative[inner] = asked if earlier is None else earlier.unclear_with(asked)
    return found


def _is_operator(value: Any) -> bool:
    """Whether `$or` has what makes it the operator, and is not a key of an event."""
    return (
        isinstance(value, list)
        and len(value) >= LEAST_IN_OR
        and all(isinstance(member, dict) and member and not OPERATORS.keys() & member.keys() for member in value)
    )


def _may_be_object(value: Any) -> bool:
    return isinstance(value, OneOf) and any(isinstance(option, dict | OneOf) for option in value.options)


def _decoded(pattern: Any) -> Any:
    """Return a pattern as an object; in JSON text the symbols stay what they are."""
    if not isinstance(pattern, str | Text):
        return pattern
    symbols: list[Symbol] = []
    marked = ""
    for part in parts_of(pattern):
        if isinstance(part, Symbol):
            marked += f"\ue000{len(symbols)}\ue001"
            symbols.append(part)
        elif MARK.search(part):
            raise PatternError("it has characters of a private area of Unicode")
        else:
            marked += part
    try:
        decoded = json.loads(marked)
    except (ValueError, RecursionError) as error:
        raise PatternError(f"it is not JSON: {error}") from error
    return _restored(decoded, symbols, DEEPEST) if symbols else decoded


def _restored(value: Any, symbols: list[Symbol], levels: int) -> Any:
    if not levels:
        raise PatternError(f"it has more than {DEEPEST} levels")
    if isinstance(value, dict):
        if any(MARK.search(key) for key in value):
            raise PatternError("a key is not known before deployment")
        return {key: _restored(each, symbols, levels - 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_restored(each, symbols, levels - 1) for each in value]
    if not isinstance(value, str):
        return value
    pieces = MARK.split(value)  # text, number of a symbol, text, ...
    return Text.of(*(symbols[int(piece)] if index % 2 else piece for index, piece in enumerate(pieces)))
