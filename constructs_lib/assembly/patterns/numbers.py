"""Sets of numbers: ranges, and what is left between them."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

# A place on the line of numbers: just before a number, or just after it.
Cut: TypeAlias = tuple[float, bool]
LEAST: Final[Cut] = (-math.inf, False)


@dataclass(frozen=True, slots=True)
class NumberSet:
    """Some of all numbers.

    Args:
        cuts: Where it begins, ends, begins again and so on, in order.
    """

    cuts: tuple[Cut, ...] = ()

    @classmethod
    def any(cls) -> NumberSet:
        """Every number."""
        return cls((LEAST,))

    @classmethod
    def exactly(cls, *numbers: float) -> NumberSet:
        """These numbers."""
        return cls(
            tuple(cut for number in sorted(set(map(float, numbers))) for cut in ((number, False), (number, True)))
        )

    @classmethod
    def compared(cls, operator: str, bound: float) -> NumberSet:
        """Numbers that compare like this: one of `=`, `<`, `<=`, `>`, `>=`."""
        before, after = (float(bound), False), (float(bound), True)
        cuts: dict[str, tuple[Cut, ...]] = {
            "=": (before, after),
            "<": (LEAST, before),
            "<=": (LEAST, after),
            ">": (after,),
            ">=": (before,),
        }
        return cls(cuts[operator])

    def complement(self) -> NumberSet:
        """Every other number."""
        return NumberSet(self.cuts[1:] if self.cuts[:1] == (LEAST,) else (LEAST, *self.cuts))

    def __and__(self, other: NumberSet) -> NumberSet:
        """Numbers that are in both."""
        if not self.cuts or not other.cuts or self.cuts == other.cuts:
            return self if not self.cuts else other
        kept: list[Cut] = []
        for cut in sorted({*self.cuts, *other.cuts}):
            inside = self._is_inside_after(cut) and other._is_inside_after(cut)
            if inside is (len(kept) % 2 == 0):
                kept.append(cut)
        return NumberSet(tuple(kept))

    def __or__(self, other: NumberSet) -> NumberSet:
        """Numbers that are in either."""
        if not self.cuts or not other.cuts:
            return self if self.cuts else other
        return (self.complement() & other.complement()).complement()

    def __sub__(self, other: NumberSet) -> NumberSet:
        """Numbers that are in this and not in the other."""
        if not self.cuts or not other.cuts:
            return self
        return self & other.complement()

    def _is_inside_after(self, place: Cut) -> bool:
        return bisect_right(self.cuts, place) % 2 == 1

    def __contains__(self, number: float) -> bool:
        """Whether this number is in it."""
        return self._is_inside_after((float(number), False))

    def is_empty(self) -> bool:
        """Whether it has no number."""
        return not self.cuts

    def witness(self) -> float | int | None:
        """Return a number of it, a short one where there is one."""
        return next((_short(number) for number in self._candidates() if number in self), None)

    def _candidates(self) -> Iterable[float]:
        yield 0
        for index, (number, _) in enumerate(self.cuts):
            if not math.isfinite(number):
                continue
            yield from (number, math.floor(number) + 1, math.ceil(number) - 1)
            following = self.cuts[index + 1][0] if index + 1 < len(self.cuts) else number + 1
            yield (number + following) / 2

    def __str__(self) -> str:
        """Write it in ranges."""
        if self.cuts == (LEAST,):
            return "any number"
        return " or ".join(
            _range(start, self.cuts[index + 1] if index + 1 < len(self.cuts) else None)
            for index, start in enumerate(self.cuts)
            if index % 2 == 0
        )


def _short(number: float) -> float | int:
    return int(number) if number == int(number) else number


def _range(start: Cut, end: Cut | None) -> str:
    low = f"{'>' if start[1] else '>='} {_short(start[0])}" if start != LEAST else ""
    high = "" if end is None else f"{'<=' if end[1] else '<'} {_short(end[0])}"
    if end is not None and start[0] == end[0]:
        return str(_short(start[0]))
    return " and ".join(filter(None, (low, high)))
