"""Small classes that are made by the ten thousand: dataclasses that nobody changes, and that are quick to make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, dataclass_transform, overload

if TYPE_CHECKING:
    from collections.abc import Callable

Made = TypeVar("Made")


@overload
def frozen(cls: type[Made], /) -> type[Made]: ...


@overload
def frozen(*, eq: bool = True, slots: bool = True) -> Callable[[type[Made]], type[Made]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(
    cls: type[Made] | None = None, /, *, eq: bool = True, slots: bool = True
) -> type[Made] | Callable[[type[Made]], type[Made]]:
    """Make a class a dataclass with slots whose objects are values: equal by their fields, and never changed.

    That they never change is left to the type checker. `dataclass(frozen=True)` watches at run time, too, and for that
    takes up to five times as long to make an object.

    Args:
        cls: The class.
        eq: Whether two of them are equal when their fields are; each is itself otherwise.
        slots: Whether there is room for its fields alone.

    Example:
        >>> @frozen
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> Point(1) == Point(1, 0), hash(Point(1)) == hash(Point(1))
        (True, True)
    """

    def decorate(cls: type[Made]) -> type[Made]:
        return dataclass(eq=eq, slots=slots, unsafe_hash=eq and "__hash__" not in vars(cls))(cls)

    return decorate if cls is None else decorate(cls)
