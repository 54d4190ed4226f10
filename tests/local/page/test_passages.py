"""What happened in each state, read from the history of an execution."""

from __future__ import annotations

import datetime
from typing import Any

from constructs_lib.local.page.passages import MOST_PASSAGES, Passages


def read(*events: tuple[str, dict[str, Any]]) -> Passages:
    passages = Passages()
    for number, (kind, told) in enumerate(events):
        at = datetime.datetime.fromtimestamp(number, datetime.UTC)
        passages.take({"type": kind, "timestamp": at, **told})
    return passages


def entered(name: str, given: str = "{}") -> tuple[str, dict[str, Any]]:
    return "TaskStateEntered", {"stateEnteredEventDetails": {"name": name, "input": given}}


def exited(name: str, answer: str = "{}") -> tuple[str, dict[str, Any]]:
    return "TaskStateExited", {"stateExitedEventDetails": {"name": name, "output": answer}}


FAILED = "TaskFailed", {"taskFailedEventDetails": {"error": "Boom", "cause": "it broke"}}
TRIED: tuple[str, dict[str, Any]] = "TaskScheduled", {}


class TestStatus:
    def test_of_what_went_through(self) -> None:
        states = read(entered("A", '{"a":1}'), TRIED, exited("A", "[1]")).states("SUCCEEDED")
        assert states == {
            "A": {
                "status": "succeeded",
                "count": 1,
                "passages": [
                    {
                        "status": "succeeded", "entered": 0.0, "exited": 2.0, "input": '{\n  "a": 1\n}',
                        "output": "[\n  1\n]", "tries": 1, "failures": [],
                    }
                ],
            }
        }  # fmt: skip

    def test_of_what_was_tried_again(self) -> None:
        [passage] = read(entered("A"), TRIED, FAILED, TRIED, exited("A")).states("SUCCEEDED")["A"]["passages"]
        assert (passage["status"], passage["tries"], passage["failures"]) == (
            "retried",
            2,
            [{"error": "Boom", "cause": "it broke"}],
        )

    def test_of_what_was_caught(self) -> None:
        assert read(entered("A"), TRIED, FAILED, exited("A")).states("SUCCEEDED")["A"]["status"] == "caught"

    def test_of_what_never_came_out(self) -> None:
        said = {status: read(entered("A")).states(status)["A"]["status"] for status in
                ("RUNNING", "FAILED", "ABORTED", "TIMED_OUT", "SUCCEEDED")}  # fmt: skip
        assert said == {"RUNNING": "running", "FAILED": "failed", "ABORTED": "aborted", "TIMED_OUT": "timed out",
                        "SUCCEEDED": "left"}  # fmt: skip

    def test_is_the_worst_of_several(self) -> None:
        passages = read(entered("A"), exited("A"), entered("A"), TRIED, FAILED)
        assert passages.states("FAILED")["A"]["status"] == "failed"

    def test_of_an_execution_names_its_error(self) -> None:
        passages = read(("ExecutionFailed", {"executionFailedEventDetails": {"error": "E", "cause": "c"}}))
        assert (passages.error, passages.cause) == ("E", "c")


def test_a_state_entered_without_end_is_counted_and_not_kept() -> None:
    events = [each for _ in range(MOST_PASSAGES + 5) for each in (entered("A"), exited("A"))]
    state = read(*events).states("SUCCEEDED")["A"]
    assert (state["count"], len(state["passages"])) == (MOST_PASSAGES + 5, MOST_PASSAGES)
