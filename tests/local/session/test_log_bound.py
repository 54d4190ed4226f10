"""However much functions log, a log group stays as large as it may be, and holds the newest."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.local.overlay import log_bound
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.log_delivery import append

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 200
GROUP = "/aws/lambda/bounded"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(log_bound, "MOST_EVENTS", MOST)
    yield
    base("services.cloudwatch_logs")._log_groups.pop(GROUP, None)


def _requests(first: int, count: int) -> None:
    """What `count` requests log, on three environments in turn."""
    for number in range(first, first + count):
        append(GROUP, f"stream {number % 3}", [(1000 + number, f"{line} {number}") for line in ("START", "x", "END")])


def _events() -> dict[str, list[dict[str, Any]]]:
    streams = base("services.cloudwatch_logs")._log_groups[GROUP]["streams"]
    return {name: stream["events"] for name, stream in streams.items()}


def _count() -> int:
    return sum(map(len, _events().values()))


class TestKeepNewest:
    def test_as_many_requests_once_more_add_nothing(self) -> None:
        counts = []
        for start in range(0, 4000, 1000):
            _requests(start, 1000)
            counts.append(_count())
        allowed = MOST + MOST // log_bound.SLACK + 3
        assert all(MOST <= each <= allowed for each in counts), counts
        assert max(counts) - min(counts) <= MOST // log_bound.SLACK

    def test_the_newest_of_all_streams_stay_in_their_order(self) -> None:
        _requests(0, 500)
        assert {name: events[-1]["message"] for name, events in _events().items()} == {
            "stream 0": "END 498",
            "stream 1": "END 499",
            "stream 2": "END 497",
        }
        kept = sorted(event["timestamp"] for events in _events().values() for event in events)
        assert all(later - earlier <= 1 for earlier, later in pairwise(kept))
        assert kept[-1] == 1499

    def test_nothing_goes_before_there_is_too_much(self) -> None:
        _requests(0, MOST // 3)
        assert _count() == MOST // 3 * 3
        assert _events()["stream 0"][0]["message"] == "START 0"

    def test_a_group_that_comes_from_an_earlier_run_shrinks_too(self) -> None:
        _requests(0, 10)
        stream = base("services.cloudwatch_logs")._log_groups[GROUP]["streams"]["stream 0"]
        old = [{"timestamp": each, "message": "old", "ingestionTime": 0} for each in range(900)]
        stream["events"] = [*old, *stream["events"]]
        _requests(10, 30)
        assert _count() <= MOST + MOST // log_bound.SLACK + 3

    def test_who_reads_keeps_what_he_has_begun_to_read(self) -> None:
        _requests(0, 60)
        reading = _events()["stream 0"]
        before = list(reading)
        _requests(60, 500)
        assert reading[: len(before)] == before
