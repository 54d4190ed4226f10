"""What share of something that is written passes a filter."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


class Extent(enum.Enum):
    """How much of what is written passes."""

    ALL = "all"
    SOME = "some"
    NONE = "none"

    __hash__ = object.__hash__  # there is one object for each: Enum asks for its name, in Python


ALL, SOME, NONE = Extent.ALL, Extent.SOME, Extent.NONE


def _nothing() -> Any:
    return None


def _surely() -> bool:
    return True


@dataclass(frozen=True)
class Relation:
    """How much passes, and why that is so.

    `ALL` and `NONE` are proven, for whatever value the unknown pieces take. `SOME` is everything else.

    Args:
        extent: How much passes.
        why: The reason, for a reader: lower case, no final period.
        find: Looks for the witness, when somebody asks for it.
        judge: Finds out whether it is certain, likewise.
    """

    extent: Extent
    why: str
    find: Callable[[], Any] = field(default=_nothing, repr=False, compare=False)
    judge: Callable[[], bool] = field(default=_surely, repr=False, compare=False)

    @cached_property
    def witness(self) -> Any:
        """Something that passes, when the extent is `SOME` or `ALL` and one is found: a string, or an event."""
        return self.find()

    @cached_property
    def is_certain(self) -> bool:
        """Whether there surely is something that passes and something that does not, when the extent is `SOME`.

        False where a proof was not found, or not looked for to the end. True for `ALL` and `NONE`.
        """
        return self.judge()


def never() -> bool:
    """Judge that nothing is certain."""
    return False
