from __future__ import annotations

import pytest

from constructs_lib.assembly.model import Assembly


def number(told: object) -> float | None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": told}}
    [found] = Assembly.of({"Shop": {"Resources": {"Queue": queue}}}).resources
    return found.number("VisibilityTimeout")


@pytest.mark.parametrize(("told", "value"), [(30, 30), ("30", 30), (0.5, 0.5), ("-1", -1)])
def test_a_number_is_read_also_where_it_is_text(told: object, value: float) -> None:
    assert number(told) == value


@pytest.mark.parametrize(
    "told", ["NaN", "inf", 1e999, 10**400, "9" * 400, "x", "", True, None, [], {}, {"Ref": "Size"}]
)
def test_what_is_no_number_is_none(told: object) -> None:
    assert number(told) is None
