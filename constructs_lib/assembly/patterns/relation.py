"""What share of something that is written passes a filter."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class Extent(enum.Enum):
    """How much of what is written passes."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


ALL, SOME, NONE = Extent.ALL, Extent.SOME, Extent.NONE


@dataclass(frozen=True, slots=True)
class Relation:
    """How much passes, and why that is so.

    `ALL` and `NONE` are proven, for whatever value the unknown pieces take. `SOME` is everything else.

    Args:
        extent: How much passes.
        why: The reason, for a reader: lower case, no final period.
        witness: Something that passes, when the extent is `SOME` or `ALL` and one was found: a string, or an event.
        is_certain: Whether there surely is something that passes and something that does not, when the extent is
            `SOME`; false where a proof was not found, or not looked for to the end. True for `ALL` and `NONE`.
    """

    extent: Extent
    why: str
    witness: Any = None
    is_certain: bool = True
