"""Filters on the fields of JSON, as CloudWatch Logs reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from constructs_lib.local.overlay.log_filter import PatternError, compiled

LINE: dict[str, Any] = {
    "level": "ERROR",
    "ms": 7,
    "ok": False,
    "none": None,
    "user": {"name": "ana", "tags": ["new", "vip"], "first-seen": 1},
    "a b": "c",
}


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.level = "ERROR" }',
        "{ $.level = ERROR }",
        "{$.level=ERR*}",
        '{ $.level != "INFO" }',
        "{ $.ms < 10 && $.ms >= 7 }",
        "{ $.ms = 7.0 }",
        "{ $.ms != 8 }",
        '{ $.level = "INFO" || $.ms < 10 }',
        '{ ($.level = "INFO" || $.level = "ERROR") && $.user.name = "a*" }',
        "{ $.ok IS FALSE }",
        "{ $.none IS NULL }",
        "{ $.other NOT EXISTS }",
        '{ $.user.tags[1] = "vip" }',
        "{ $.user.first-seen = 1 }",
        '{ $["a b"] = "c" }',
        "{ $.user.name = %^an% }",
    ],
)
def test_finds_what_is_as_asked(pattern: str) -> None:
    assert compiled(pattern)(json.dumps(LINE))


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.level = "INFO" }',
        '{ $.level = "error" }',
        "{ $.ms > 7 }",
        "{ $.level > 7 }",
        "{ $.ok IS TRUE }",
        "{ $.other IS NULL }",
        "{ $.level NOT EXISTS }",
        "{ $.other != 1 }",
        "{ $.user.tags[2] = vip }",
        '{ $.level = "ERROR" && $.ms > 10 }',
        "{ $.ok = 0 }",
        "{ $.user.name = %^na% }",
    ],
)
def test_does_not_find_anything_else(pattern: str) -> None:
    assert not compiled(pattern)(json.dumps(LINE))


@pytest.mark.parametrize("line", ["ERROR", "[1]", "7", "", '{"level": '])
def test_does_not_find_what_is_no_object(line: str) -> None:
    assert not compiled("{ $.level != 1 }")(line)


@pytest.mark.parametrize(
    "pattern",
    [
        "{", "{ }", "{ $ }", "{ level = 3 }", "{ $.level }", "{ $.level = }", "{ $.level = 1 && }",
        "{ ($.level = 1 }", "{ $.level = 1 ) }", "{ $.ms > many }", "{ $.level IS GOOD }", "{ $.level IS }",
        "{ $.level = %(% }", "{ $.a = 1 $.b = 2 }", "{ $.a = 1",
    ],
)  # fmt: skip
def test_refuses_what_is_no_filter(pattern: str) -> None:
    with pytest.raises(PatternError):
        compiled(pattern)
