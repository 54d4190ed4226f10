"""Whether a condition of a template holds, by the defaults of its parameters, and whether anything could turn it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.intrinsics import MOST_LEVELS, resolve
from constructs_lib.assembly.value import Text, likely, plain

if TYPE_CHECKING:
    from constructs_lib.assembly.intrinsics import Names

Truth = tuple["bool | None", bool]
UNDECIDED: Truth = (None, False)


class Conditions:
    """The conditions of one stack.

    Args:
        raw: What the template says of each, by name.
        names: What they may refer to.
        is_free: Whether a parameter of this name may be given another value than the one it resolves to.
    """

    def __init__(self, raw: Mapping[str, Any], names: Names, is_free: Callable[[str], bool]) -> None:
        self._raw, self._names, self._is_free = raw, names, is_free
        self._known: dict[str, Truth] = {}

    def holds(self, name: str) -> Truth:
        """Return whether it holds by the defaults, none if they do not tell; and whether nothing can turn it."""
        if name not in self._known:
            self._known[name] = UNDECIDED  # for a condition that refers to itself
            self._known[name] = self._evaluate(self._raw.get(name), 0)
        return self._known[name]

    def _evaluate(self, raw: Any, depth: int) -> Truth:
        if not isinstance(raw, dict) or len(raw) != 1 or depth > MOST_LEVELS:
            return UNDECIDED
        [(function, argument)] = raw.items()
        if function == "Condition":
            return self.holds(argument) if isinstance(argument, str) else UNDECIDED
        if not isinstance(argument, list):
            return UNDECIDED
        match function, argument:
            case "Fn::Equals", [_, _]:
                return self._equals(argument)
        parts = [self._evaluate(each, depth + 1) for each in argument]
        if function == "Fn::Not" and len(parts) == 1:
            holds, is_fixed = parts[0]
            return (None if holds is None else not holds), is_fixed
        if function in {"Fn::And", "Fn::Or"} and parts:
            return _all_or_any(parts, decisive=function == "Fn::Or")
        return UNDECIDED

    def _equals(self, pair: list[Any]) -> Truth:
        first, second = (likely(resolve(each, self._names)) for each in pair)
        is_fixed = not any(self._is_free(name) for name in _mentioned(pair, 0))
        if isinstance(first, Text) and isinstance(second, Text) and first != second:
            known = first.literal is not None and second.literal is not None
            return (False, is_fixed) if known else UNDECIDED
        if isinstance(first, Text | bool | int | float) and isinstance(second, Text | bool | int | float):
            return str(plain(first)).lower() == str(plain(second)).lower(), is_fixed
        return UNDECIDED


def _all_or_any(parts: list[Truth], *, decisive: bool) -> Truth:
    """The truth of `Fn::Or` when true is decisive, of `Fn::And` when false is."""
    if any(holds is decisive and is_fixed for holds, is_fixed in parts):
        return decisive, True
    is_fixed = all(each for _, each in parts)
    if any(holds is decisive for holds, _ in parts):
        return decisive, is_fixed
    return (None, False) if any(holds is None for holds, _ in parts) else (not decisive, is_fixed)


def _mentioned(raw: Any, depth: int) -> list[str]:
    """Every name that an expression refers to."""
    if depth > MOST_LEVELS:
        return []
    if isinstance(raw, list):
        return [name for each in raw for name in _mentioned(each, depth + 1)]
    if not isinstance(raw, dict):
        return []
    own = [raw["Ref"]] if isinstance(raw.get("Ref"), str) else []
    return own + [name for each in raw.values() for name in _mentioned(each, depth + 1)]
