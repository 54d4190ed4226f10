"""Values that are quick to make: equal by what they hold, and slots alone."""

from __future__ import annotations

from dataclasses import field, replace

import pytest

from constructs_lib.assembly.frozen import frozen


@frozen
class Point:
    x: int
    y: int = 0
    said: str = field(default="", compare=False)


@frozen
class Counted:
    x: int

    def __hash__(self) -> int:
        return 7


def test_is_equal_by_its_fields() -> None:
    assert Point(1, 2, "one") == Point(1, 2, "other")
    assert Point(1, 2) != Point(1, 3)
    assert len({Point(1, 2), Point(1, 2), Point(2, 1)}) == 2


def test_is_copied_with_other_fields() -> None:
    assert replace(Point(1, 2), y=5) == Point(1, 5)


def test_keeps_a_hash_of_its_own() -> None:
    assert hash(Counted(1)) == 7


def test_has_no_other_fields() -> None:
    with pytest.raises(AttributeError):
        Point(1).z = 3  # type: ignore[attr-defined] # which is what this is about
