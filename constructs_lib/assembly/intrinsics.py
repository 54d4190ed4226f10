"""CloudFormation's intrinsic functions, as far as a template alone decides them.

Nothing here raises: what cannot be resolved becomes an `Unknown` that says why.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from constructs_lib.assembly.value import Absent, OneOf, Text, Unknown, Value, as_text, likely, plain

MOST_LEVELS = 100  # of nesting; CloudFormation itself takes far fewer
MOST_CHARACTERS = 1_000_000  # of one text: a whole template has at most that many
SYMBOL_SIZE = 16  # characters that a symbol counts for
MOST_OPTIONS = 16  # of one value, and of what several such values make together
EXPRESSION_SHOWN = 200  # characters of an expression in a message
VARIABLE = re.compile(r"\$\{([^}]*)\}")
SEPARATORS_IN_NAMES = frozenset("-_./")  # what a generated name or an unknown attribute may hold itself

PLAIN = (bool, int, float, type(None))  # what is neither a text nor holds anything

Raw = Any  # a value of a template, as JSON has it


class Names(Protocol):
    """What an expression may refer to: one stack, and through it the others."""

    def reference(self, name: str) -> Value | Absent:
        """Return what `Ref` gives."""

    def attribute(self, name: str, attribute: str) -> Value | Absent:
        """Return what `Fn::GetAtt` gives."""

    def imported(self, name: Text) -> Value | Absent:
        """Return what another stack exports under this name."""

    def condition(self, name: str) -> tuple[bool | None, bool]:
        """Return whether a condition holds by the defaults, and whether nothing can turn it."""

    def mapping(self, name: str) -> Mapping[str, Raw] | None:
        """Return a mapping of the template."""


def is_intrinsic(raw: Raw) -> bool:
    """Whether this is a call of an intrinsic function."""
    if not isinstance(raw, dict) or len(raw) != 1:
        return False
    [name] = raw
    return name in FUNCTIONS or name == "Ref" or (isinstance(name, str) and name.startswith("Fn::"))


def resolve(raw: Raw, names: Names, depth: int = 0) -> Value | Absent:
    """Resolve a value of a template, whole."""
    if isinstance(raw, str):
        return as_text(raw)
    if depth > MOST_LEVELS:
        return unknown(raw, f"it is nested deeper than {MOST_LEVELS} levels")
    if isinstance(raw, dict):
        if len(raw) == 1:
            [name] = raw
            if name in FUNCTIONS or name == "Ref" or (isinstance(name, str) and name.startswith("Fn::")):
                return call(raw, names, depth)
        members: dict[str, Value] = {}
        for key, each in raw.items():
            if isinstance(each, str):  # most values are texts: they are not worth a call
                members[key] = as_text(each)
            elif not isinstance(member := resolve(each, names, depth + 1), Absent):
                members[key] = member
        return members
    if isinstance(raw, list):
        items: list[Value] = []
        for each in raw:
            if isinstance(each, str):
                items.append(as_text(each))
            elif not isinstance(item := resolve(each, names, depth + 1), Absent):
                items.append(item)
        return items
    return raw if isinstance(raw, PLAIN) else unknown(raw, "it is not JSON")


def call(raw: Mapping[str, Raw], names: Names, depth: int = 0) -> Value | Absent:
    """Resolve one call of an intrinsic function."""
    [(function, argument)] = raw.items()
    if function == "Ref":
        return names.reference(argument) if isinstance(argument, str) else unknown(raw, "Ref takes a name")
    if function == "Fn::GetAtt" and isinstance(argument, list) and len(argument) == 2:  # noqa: PLR2004 - as nearly all
        name, attribute = argument
        if isinstance(name, str) and isinstance(attribute, str):
            return names.attribute(name, attribute)
    resolver = FUNCTIONS.get(function)
    if resolver is None:
        return unknown(raw, f"{function} is decided while deploying")
    if depth > MOST_LEVELS:
        return unknown(raw, f"it is nested deeper than {MOST_LEVELS} levels")
    return resolver(argument, names, depth + 1)


def unknown(raw: Raw, reason: str) -> Unknown:
    """Return the unknown value of an expression; equal expressions give equal ones."""
    return Unknown(shown(raw), reason)


def shown(raw: Raw) -> str:
    """Write an expression shortly, for messages and to be compared."""
    try:
        text = json.dumps(raw, sort_keys=True, default=str)
    except (RecursionError, TypeError, ValueError):  # deep, keys of several kinds, or a circle
        text = f"<{type(raw).__name__} {id(raw)}>"
    if len(text) <= EXPRESSION_SHOWN:
        return text
    return f"{text[:EXPRESSION_SHOWN]}... ({hashlib.sha256(text.encode(errors='replace')).hexdigest()[:12]})"


def join(pieces: Sequence[Value | Absent], raw: Raw) -> Value:
    """Return the text that these values make one after the other, or each text they may make."""
    choices: list[tuple[Value | Absent, ...]] = [
        each.options if isinstance(each, OneOf) else (each,) for each in pieces
    ]
    count = 1
    for choice in choices:
        count *= len(choice)
        if count > MOST_OPTIONS:
            return unknown(raw, f"conditions make more than {MOST_OPTIONS} texts of it")
    made = [_joined(combination, raw) for combination in itertools.product(*choices)]
    decided = all(each.is_decided for each in pieces if isinstance(each, OneOf))
    return one_of(made, is_decided=decided)


def one_of(values: Sequence[Value | Absent], *, is_decided: bool) -> Value:
    """Return the values as one, without repeating any; a single value is itself."""
    flat: list[Value | Absent] = []
    for value in values:
        for each in value.options if isinstance(value, OneOf) else (value,):
            if each not in flat:
                flat.append(each)
    decided = is_decided and not (values and isinstance(values[0], OneOf) and not values[0].is_decided)
    [first, *others] = flat
    return OneOf(tuple(flat), decided) if others or isinstance(first, Absent) else first


def as_piece(value: Value | Absent, raw: Raw) -> Text:
    """Return a value as part of a text."""
    if isinstance(value, Text):
        return value
    if isinstance(value, Unknown):
        return Text((value.symbol,))
    if isinstance(value, bool):
        return Text(("true" if value else "false",))
    if isinstance(value, int | float):
        return Text((str(value),))
    return Text((unknown(raw, "part of the text is not a text").symbol,))


def _joined(pieces: Sequence[Value | Absent], raw: Raw) -> Value:
    joined = [as_piece(each, raw) for each in pieces if not isinstance(each, Absent)]
    size = sum(len(part) if isinstance(part, str) else SYMBOL_SIZE for text in joined for part in text.parts)
    if size > MOST_CHARACTERS:
        return unknown(raw, f"the text has more than {MOST_CHARACTERS:,} characters")
    return Text.of(*joined)


def _get_att(argument: Raw, names: Names, depth: int) -> Value | Absent:
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    match argument:
        case [str() as resource, str() as plainly]:
            return names.attribute(resource, plainly)
        case [str() as resource, told, *rest]:
            attribute = likely(resolve(told, names, depth))
        case _:
            return unknown({"Fn::GetAtt": argument}, "Fn::GetAtt takes the name of a resource and of an attribute")
    name = attribute.literal if isinstance(attribute, Text) else None
    if name is None:
        return unknown({"Fn::GetAtt": argument}, "which attribute is decided while deploying")
    return names.attribute(resource, ".".join([name, *(each for each in rest if isinstance(each, str))]))


def _sub(argument: Raw, names: Names, depth: int) -> Value | Absent:
    raw = {"Fn::Sub": argument}
    match argument:
        case str() as text:
            own: Mapping[str, Raw] = {}
        case [str() as text, dict() as own]:
            pass
        case _:
            return unknown(raw, "Fn::Sub takes a text, and perhaps variables")
    pieces: list[Value | Absent] = []
    for odd, piece in enumerate(VARIABLE.split(text)):
        if odd % 2 == 0:
            pieces.append(Text.of(piece))
        elif piece.startswith("!"):
            pieces.append(Text.of(f"${{{piece[1:]}}}"))
        elif piece in own:
            pieces.append(resolve(own[piece], names, depth))
        else:
            name, dot, attribute = piece.strip().partition(".")
            pieces.append(names.attribute(name, attribute) if dot else names.reference(name))
    return join(pieces, raw)


def _join(argument: Raw, names: Names, depth: int) -> Value | Absent:
    raw = {"Fn::Join": argument}
    match argument:
        case [str() as delimiter, told]:
            values = resolve(told, names, depth)
        case _:
            return unknown(raw, "Fn::Join takes a delimiter and a list")
    if isinstance(values, OneOf):
        return one_of([_join_list(delimiter, each, raw) for each in values.options], is_decided=values.is_decided)
    return _join_list(delimiter, values, raw)


def _join_list(delimiter: str, values: Value | Absent, raw: Raw) -> Value:
    if not isinstance(values, list):
        return unknown(raw, "what Fn::Join joins is not known")
    pieces: list[Value | Absent] = []
    for index, value in enumerate(values):
        pieces += [Text.of(delimiter), value] if index else [value]
    return join(pieces, raw)


def _select(argument: Raw, names: Names, depth: int) -> Value | Absent:
    raw = {"Fn::Select": argument}
    match argument:
        case [at, told]:
            index, values = plain(resolve(at, names, depth)), likely(resolve(told, names, depth))
        case _:
            return unknown(raw, "Fn::Select takes an index and a list")
    try:
        position = int(str(index))
    except ValueError:
        return unknown(raw, "which item Fn::Select takes is not known")
    if not isinstance(values, list):
        return unknown(raw, "what Fn::Select takes from is not known")
    return values[position] if 0 <= position < len(values) else unknown(raw, f"there is no item {position}")


def _split(argument: Raw, names: Names, depth: int) -> Value | Absent:
    raw = {"Fn::Split": argument}
    match argument:
        case [str() as delimiter, told] if delimiter:
            text = likely(resolve(told, names, depth))
        case _:
            return unknown(raw, "Fn::Split takes a delimiter and a text")
    if not isinstance(text, Text):
        return unknown(raw, "what Fn::Split splits is not known")
    for symbol in text.symbols:
        whole = symbol.kind in {"attribute", "parameter", "import", "unknown"}
        if whole or SEPARATORS_IN_NAMES.intersection(delimiter):
            return unknown(raw, f"{symbol} may hold the delimiter itself")
    return list(text.split(delimiter))


def _if(argument: Raw, names: Names, depth: int) -> Value | Absent:
    raw = {"Fn::If": argument}
    match argument:
        case [str() as condition, if_true, if_false]:
            holds, is_fixed = names.condition(condition)
        case _:
            return unknown(raw, "Fn::If takes a condition and two values")
    if holds is not None and is_fixed:
        return resolve(if_true if holds else if_false, names, depth)
    both = [if_false, if_true] if holds is False else [if_true, if_false]
    return one_of([resolve(each, names, depth) for each in both], is_decided=holds is not None)


def _find_in_map(argument: Raw, names: Names, depth: int) -> Value | Absent:
    raw = {"Fn::FindInMap": argument}
    match argument:
        case [_, _, _]:
            default = None
        case [_, _, _, {"DefaultValue": default}]:
            pass
        case _:
            return unknown(raw, "Fn::FindInMap takes the name of a mapping and two keys")
    name, first, second = (likely(resolve(each, names, depth)) for each in argument[:3])
    mapping = names.mapping(name.literal or "") if isinstance(name, Text) else None
    if mapping is None:
        return unknown(raw, "there is no such mapping")
    found = [
        unknown(raw, "a mapping holds no functions") if isinstance(value, dict) else resolve(value, names, depth)
        for rows in _under(mapping, first)
        if isinstance(rows, dict)
        for value in _under(rows, second)
    ]
    if found:
        return one_of(found, is_decided=len(found) == 1)
    return unknown(raw, "the mapping has no such key") if default is None else resolve(default, names, depth)


def _under(rows: Mapping[str, Raw], key: Value | Absent) -> list[Raw]:
    """What stands under a key; everything when the key is not known."""
    if isinstance(key, Text) and key.literal is not None:
        return [rows[key.literal]] if key.literal in rows else []
    return list(rows.values())[:MOST_OPTIONS]


def _import_value(argument: Raw, names: Names, depth: int) -> Value | Absent:
    name = likely(resolve(argument, names, depth))
    return (
        names.imported(name)
        if isinstance(name, Text)
        else unknown({"Fn::ImportValue": argument}, "of what, is not known")
    )


def _to_json(argument: Raw, names: Names, depth: int) -> Value | Absent:
    return to_json(resolve(argument, names, depth))


def _length(argument: Raw, names: Names, depth: int) -> Value | Absent:
    values = likely(resolve(argument, names, depth))
    return len(values) if isinstance(values, list) else unknown({"Fn::Length": argument}, "of what, is not known")


def to_json(value: Value | Absent) -> Text:
    """Write a value as JSON; unknown pieces stay where they stood."""
    chosen = likely(value)
    if isinstance(chosen, dict):
        items = [Text.of(json.dumps(key), ":", to_json(each)) for key, each in chosen.items()]
        return Text.of("{", *_commas(items), "}")
    if isinstance(chosen, list):
        return Text.of("[", *_commas([to_json(each) for each in chosen]), "]")
    if isinstance(chosen, Text):
        return Text.of('"', *(json.dumps(each)[1:-1] if isinstance(each, str) else each for each in chosen.parts), '"')
    if isinstance(chosen, Unknown):
        return Text((chosen.symbol,))
    return Text.of(json.dumps(None if isinstance(chosen, Absent | OneOf) else chosen))


def _commas(items: Sequence[Text]) -> list[Text]:
    separated = [each for item in items for each in (Text.of(","), item)]
    return separated[1:]


FUNCTIONS: Mapping[str, Callable[[Raw, Names, int], Value | Absent]] = {
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json,
}
