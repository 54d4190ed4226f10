"""What a template itself says, without what it refers to: every string in it, and every value under a name.

A reference to a resource, to another stack or to a parameter that takes a secret is no literal, even where a default
would resolve it. Nothing here recurses, so that no template is too deep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.intrinsics import VARIABLE, is_intrinsic, resolve
from constructs_lib.assembly.value import Symbol, Text, options
from constructs_lib.guards.secret_names import secret_named

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from constructs_lib.assembly.stack import Stack

NAMES = ("Name", "Key", "ParameterKey", "OptionName", "EnvironmentVariable", "name", "key")
HOLDERS = (dict, list)
VALUES = ("Value", "ParameterValue", "DefaultValue", "value")
MOST_CHARACTERS_OF_JSON = 200_000  # of a string that is looked into as JSON

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A value under a name, as it stands in a template.

    Args:
        name: The name: a key, or what stands as `Name` beside a `Value`.
        at: Where it stands, from where the search began.
        raw: The value, unresolved.
    """

    name: str
    at: Path
    raw: Any

    @property
    def is_function(self) -> bool:
        """Whether the name is that of an intrinsic function, and what stands under it is its argument."""
        return self.name == "Ref" or self.name.startswith("Fn::")


def is_hidden(parameter: Mapping[str, Any]) -> bool:
    """Whether a parameter hides its value."""
    return str(parameter.get("NoEcho", False)).lower() == "true"


class LiteralNames:
    """Resolves what one template says by itself: mappings, both sides of conditions, defaults, and no reference.

    Args:
        stack: The stack.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def reference(self, name: str) -> Text:
        """Stand for what `Ref` gives; the default of a parameter that nothing says is a secret is what it is."""
        parameter = self._stack.parameters.get(name, {})
        default = parameter.get("Default")
        told = parameter.get("Type") == "String" and secret_named(name) is None and not is_hidden(parameter)
        return Text.of(default) if told and isinstance(default, str) else Text((Symbol("parameter", name),))

    def attribute(self, name: str, attribute: str) -> Text:
        """Stand for what `Fn::GetAtt` gives."""
        return Text((Symbol("attribute", name, attribute),))

    def imported(self, name: Text) -> Text:
        """Stand for what another stack exports."""
        return Text((Symbol("import", str(name)),))

    def condition(self, name: str) -> tuple[bool | None, bool]:  # noqa: ARG002 - whichever: both sides are looked at
        """Leave open whether a condition holds."""
        return None, False

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        """Return a mapping of the template."""
        return self._stack.mapping(name)


def literals_of(raw: Any, names: LiteralNames) -> Iterator[str | int | float]:
    """Yield what a value is where the template itself says so; nothing for a reference, or a text with one inside."""
    if isinstance(raw, str | int | float):
        yield raw
    elif is_intrinsic(raw):
        for value in options(resolve(raw, names)):
            if isinstance(value, Text):
                if value.literal is not None:
                    yield value.literal
            elif isinstance(value, int | float):
                yield value


def strings_of(raw: Any) -> set[str]:
    """Return every string inside of a value, keys too."""
    found: set[Any] = set()
    todo: list[dict[Any, Any] | list[Any]] = [[raw]]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            found.update(each)
        for value in each.values() if isinstance(each, dict) else each:
            if isinstance(value, str):
                found.add(value)
            elif isinstance(value, HOLDERS):
                todo.append(value)
    return {each for each in found if isinstance(each, str)}  # YAML has other keys, too


def places_of(raw: Any, wanted: Container[str]) -> Iterator[tuple[Path, str]]:
    """Yield where each of some strings stands inside of a value; for a key, where its object stands."""
    todo: list[tuple[Path, Any]] = [((), raw)]
    while todo:
        at, each = todo.pop()
        if isinstance(each, str):
            if each in wanted:
                yield at, each
        elif isinstance(each, dict):
            yield from ((at, key) for key in each if key in wanted)
            todo.extend(((*at, str(key)), value) for key, value in each.items())
        elif isinstance(each, list):
            todo.extend(((*at, str(index)), value) for index, value in enumerate(each))


def named_values(raw: Any) -> Iterator[Named]:
    """Yield every value under a name, also those of a string that is JSON."""
    todo: list[tuple[Path, Any]] = [((), raw)]
    while todo:
        at, each = todo.pop()
        if isinstance(each, dict):
            joined = _joined(each)
            if joined is not None:
                todo.append((at, joined))
                continue
            pair = _pair(each, at)
            if pair is not None:
                yield pair
            for key, value in each.items():
                yield Named(str(key), (*at, str(key)), value)
                todo.append(((*at, str(key)), value))
        elif isinstance(each, list):
            todo.extend(((*at, str(index)), value) for index, value in enumerate(each))
        elif isinstance(each, str):
            inside = _json(each)
            if inside is not None:
                todo.append((at, inside))


def _pair(item: Mapping[str, Any], at: Path) -> Named | None:
    """A name and a value beside each other: `{"Name": "DB_PASSWORD", "Value": "..."}`."""
    name = next((item[each] for each in NAMES if isinstance(item.get(each), str)), None)
    value = next((each for each in VALUES if each in item), None)
    return None if name is None or value is None else Named(name, (*at, value), item[value])


def _joined(item: Mapping[str, Any]) -> Any:
    """The object that a join of texts and references makes, with `${...}` for these; none if it makes none."""
    match item:
        case {"Fn::Join": ["", [str(first), *rest]]} if first.lstrip().startswith(("{", "[")):
            return _json("".join([first, *(each if isinstance(each, str) else "${...}" for each in rest)]))
    return None


def _json(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")) or len(text) > MOST_CHARACTERS_OF_JSON:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def references_in(raw: Any) -> Iterator[tuple[str, str]]:
    """Yield every name a value refers to, with the attribute it asks for: `Ref`, `Fn::GetAtt`, and within `Fn::Sub`."""
    todo = [raw]
    while todo:
        each = todo.pop()
        if isinstance(each, list):
            todo.extend(each)
        elif isinstance(each, dict):
            match each:
                case {"Ref": str(name)}:
                    yield name, ""
                case {"Fn::GetAtt": [str(name), str(attribute), *_]}:
                    yield name, attribute
                case {"Fn::GetAtt": str(told)}:
                    name, _, attribute = told.partition(".")
                    yield name, attribute
                case {"Fn::Sub": told}:
                    text, own = (told[0], told[1]) if isinstance(told, list) and len(told) > 1 else (told, {})
                    for name in VARIABLE.findall(text) if isinstance(text, str) else ():
                        if not name.startswith("!") and not (isinstance(own, dict) and name in own):
                            first, _, attribute = name.strip().partition(".")
                            yield first, attribute
            todo.extend(each.values())
