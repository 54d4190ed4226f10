"""Patterns that nobody sensible writes are answered in bounded time, and never with an error."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from constructs_lib.assembly.event_pattern import Extent, Payload, TextSet, match, match_any
from constructs_lib.assembly.value import Symbol, Text

STAGE = Symbol("parameter", "Stage")
KEY = ("detail", "object", "key")
UPLOADED = Payload({("source",): "aws.s3", KEY: TextSet.prefix("thumbs/")})


def of_key(*values: object) -> dict[str, object]:
    """A pattern that asks for keys."""
    return {"detail": {"object": {"key": list(values)}}}


class TestBounds:
    @staticmethod
    def seconds(pattern: object, payload: Payload = UPLOADED) -> tuple[float, Extent]:
        started = time.process_time()
        found = match(pattern, payload)
        return time.process_time() - started, found.extent

    def test_a_thousand_levels_are_too_many_to_read(self) -> None:
        nested: dict[str, object] = {"x": ["y"]}
        listed: list[object] = ["y"]
        for _ in range(1000):
            nested, listed = {"x": nested}, [listed]
        deep_json = '{"x":' * 1000 + '["y"]' + "}" * 1000
        branch: object = {"x": ["y"]}
        for _ in range(1000):
            branch = {"$or": [branch, {"z": ["y"]}]}
        for pattern in (nested, {"x": listed}, deep_json, deep_json * 200, Text.of(deep_json, STAGE), branch):
            assert match(pattern, UPLOADED).why.startswith("the pattern cannot be read: ")

    def test_or_that_multiplies_out_is_not_multiplied_out(self) -> None:
        pattern: dict[str, object] = {}
        for number in range(30):
            pattern[f"k{number}"] = {"$or": [{"a": ["x"]}, {"b": ["x"]}]}
        taken, found = self.seconds(pattern)
        assert found is Extent.SOME
        assert taken < 2

    def test_many_patterns_over_many_fields(self) -> None:
        fields: dict[tuple[str, ...], Any] = {(f"f{number}",): ["a", "b"] for number in range(12)}
        patterns = [
            {f"f{(number + step) % 12}": ["a" if step % 2 else "b"] for step in range(4)} for number in range(12)
        ]
        started = time.process_time()
        assert match_any(patterns * 10, Payload(fields)).extent is Extent.SOME
        assert time.process_time() - started < 5

    def test_ten_thousand_values(self) -> None:
        values = [f"thumbs/{number}" for number in range(10_000)]
        taken, found = self.seconds(of_key(*values, *range(10_000), {"suffix": ".png"}))
        assert found is Extent.SOME
        assert taken < 10
        taken, found = self.seconds(of_key(*values), Payload({KEY: values}))
        assert found is Extent.ALL
        assert taken < 5

    @pytest.mark.parametrize(
        "operator",
        [
            lambda number: {"prefix": f"thumbs/{number}"},
            lambda number: {"equals-ignore-case": f"thumbs/{number}"},
            lambda number: {"numeric": [">", number, "<", number + 0.5]},
            lambda number: {"cidr": f"10.{number % 200}.0.0/16"},
        ],
        ids=["prefix", "equals-ignore-case", "numeric", "cidr"],
    )
    def test_as_many_operators_as_can_be_written(self, operator: Callable[[int], object]) -> None:
        taken, found = self.seconds(of_key(*map(operator, range(400))), Payload())
        assert found is Extent.SOME
        assert taken < 10
        assert match(of_key(*map(operator, range(501))), UPLOADED).why == (
            "the pattern cannot be read: it has more than 500 operators in one place"
        )

    def test_long_globs_with_many_stars(self) -> None:
        stars = "*".join("abcdefghij"[number % 10] * 20 for number in range(500))
        taken, found = self.seconds(of_key({"wildcard": stars}), Payload({KEY: TextSet.glob(f"x{stars}")}))
        assert found is Extent.NONE
        assert taken < 5
