"""What the values of a mapping template can do: the methods of Java's texts, lists and maps that templates use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Native:
    """Something that is not made of JSON.

    Args:
        methods: What it can do.
        properties: What it has.
    """

    methods: Mapping[str, Callable[..., Any]]
    properties: Mapping[str, Any] = field(default_factory=dict)


def shown(value: Any) -> str:
    """A value as it is written into a text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}={shown(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(each) for each in value) + "]"
    return str(value)


def property_of(holder: Any, name: Any) -> Any:
    """What a value has under a name or index, or is asked by a method of that name; nothing where it has none."""
    if name == "empty" and isinstance(holder, str | list):
        return not holder
    if isinstance(holder, Mapping):
        if name == "empty" and name not in holder:
            return not holder
        return holder.get(name if isinstance(name, str) else shown(name))
    if isinstance(holder, list) and isinstance(name, int):
        return holder[name] if -len(holder) <= name < len(holder) else None
    return holder.properties.get(name) if isinstance(holder, Native) else None


def call_method(holder: Any, name: str, arguments: list[Any]) -> Any:
    """What a method answers; nothing where there is none of that name."""
    if isinstance(holder, Native):
        methods: Mapping[str, Callable[..., Any]] = holder.methods
    elif isinstance(holder, dict):
        methods = MAP_METHODS
    elif isinstance(holder, list):
        methods = LIST_METHODS
    elif isinstance(holder, str):
        methods = TEXT_METHODS
    else:
        methods = {}
    method = methods.get(name) or ANY_METHODS.get(name)
    given = arguments if isinstance(holder, Native) else [holder, *arguments]
    try:
        return None if method is None else method(*given)
    except (IndexError, KeyError, TypeError, ValueError, re.error):
        return None  # what Velocity makes of an exception of a method


def _entries(holder: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": value} for name, value in holder.items()]


def _put(holder: dict[str, Any], name: Any, value: Any) -> Any:
    before = holder.get(shown(name))
    holder[shown(name)] = value
    return before if before is not None else ""


def _add(holder: list[Any], value: Any) -> bool:
    holder.append(value)
    return True


def _assign(holder: list[Any], index: int, value: Any) -> Any:
    before, holder[index] = holder[index], value
    return before


ANY_METHODS: dict[str, Callable[..., Any]] = {
    "toString": shown,
    "equals": lambda holder, other: holder == other,
    "intValue": int,
}
MAP_METHODS: dict[str, Callable[..., Any]] = {
    "get": lambda holder, name: holder.get(shown(name)),
    "getOrDefault": lambda holder, name, otherwise: holder.get(shown(name), otherwise),
    "put": _put,
    "putAll": lambda holder, more: holder.update(more) or "",
    "remove": lambda holder, name: holder.pop(shown(name), None),
    "keySet": list,
    "values": lambda holder: list(holder.values()),
    "entrySet": _entries,
    "containsKey": lambda holder, name: shown(name) in holder,
    "containsValue": lambda holder, value: value in holder.values(),
    "size": len,
    "isEmpty": lambda holder: not holder,
}
LIST_METHODS: dict[str, Callable[..., Any]] = {
    "get": lambda holder, index: holder[index],
    "set": _assign,
    "add": _add,
    "addAll": lambda holder, more: holder.extend(more) or True,
    "contains": lambda holder, value: value in holder,
    "indexOf": lambda holder, value: holder.index(value) if value in holder else -1,
    "size": len,
    "isEmpty": lambda holder: not holder,
}
TEXT_METHODS: dict[str, Callable[..., Any]] = {
    "length": len,
    "isEmpty": lambda holder: not holder,
    "substring": lambda holder, start, end=None: holder[start:end],
    "toUpperCase": str.upper,
    "toLowerCase": str.lower,
    "trim": str.strip,
    "concat": lambda holder, more: holder + more,
    "replace": lambda holder, old, new: holder.replace(old, new),
    "replaceAll": lambda holder, pattern, new: re.sub(pattern, re.sub(r"\$(\d)", r"\\\1", new), holder),
    "replaceFirst": lambda holder, pattern, new: re.sub(pattern, re.sub(r"\$(\d)", r"\\\1", new), holder, count=1),
    "split": lambda holder, pattern: re.split(pattern, holder),
    "matches": lambda holder, pattern: re.fullmatch(pattern, holder) is not None,
    "indexOf": lambda holder, part: holder.find(part),
    "lastIndexOf": lambda holder, part: holder.rfind(part),
    "contains": lambda holder, part: part in holder,
    "startsWith": lambda holder, part: holder.startswith(part),
    "endsWith": lambda holder, part: holder.endswith(part),
    "equalsIgnoreCase": lambda holder, other: holder.lower() == other.lower(),
    "charAt": lambda holder, index: holder[index],
}
