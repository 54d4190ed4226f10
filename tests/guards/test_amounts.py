from __future__ import annotations

import pytest

from constructs_lib.guards.amounts import count, seconds


@pytest.mark.parametrize(
    ("number", "text"), [(30.0, "30"), (1200.5, "1,200.5"), (0, "0"), (345_600, "345,600"), (6e308, "inf"), (-1, "-1")]
)
def test_a_number_is_written_shortly(number: float, text: str) -> None:
    assert count(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (30, "30 s"),
        (86_400, "86,400 s (1 day)"),
        (345_600, "345,600 s (4 days)"),
        (90_000, "90,000 s"),
        (6e308, "inf s"),
    ],
)
def test_seconds_are_written_in_days_where_they_come_to_some(number: float, text: str) -> None:
    assert seconds(number) == text
