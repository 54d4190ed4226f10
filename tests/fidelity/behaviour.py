"""Marks a test as one documented behaviour of one AWS service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row of the table.

    Args:
        service: The name AWS gives the service.
        claim: What AWS does, in one sentence.
        page: The page of AWS that says so.
        known_gap: What happens here instead; empty where it is the same.
    """

    service: str
    claim: str
    page: str
    known_gap: str = ""


DOCS = "https://docs.aws.amazon.com/"


def behaviour(service: str, claim: str, page: str, *, known_gap: str = "") -> Callable[[Test], Test]:
    """Mark a test.

    Args:
        service: The name AWS gives the service.
        claim: What AWS does, in one sentence.
        page: The page of AWS that says so, below docs.aws.amazon.com.
        known_gap: What happens here instead. The test must then fail: once it passes, the row is out of date.
    """

    def mark(test: Test) -> Test:
        test.behaviour = Behaviour(service, claim, DOCS + page, known_gap)  # type: ignore[attr-defined]  # read by table
        if known_gap:
            marked: Test = pytest.mark.xfail(reason=known_gap, strict=True)(test)
            return marked
        return test

    return mark
