"""Which runs and calls a fault meets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from constructs_lib.local.overlay import faults
from constructs_lib.local.overlay.faults_in_calls import status_of

TABLE_STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/Orders/stream/2026-11-23T12:00:00.000"


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    yield
    faults.clear()


def add(**told: Any) -> None:
    faults.faults({"add": {"kind": "duplicate", **told}})


class TestSources:
    @pytest.mark.parametrize(
        ("name", "record"),
        [
            ("Jobs", {"eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:Jobs"}),
            ("Orders", {"eventSourceARN": TABLE_STREAM}),
            ("Told", {"Sns": {"TopicArn": "arn:aws:sns:us-east-1:000000000000:Told"}}),
            ("files", {"s3": {"bucket": {"arn": "arn:aws:s3:::files"}}}),
        ],
    )
    def test_events_of_a_source_are_met_and_no_others(self, name: str, record: dict[str, Any]) -> None:
        add(source=name)
        assert len(faults.in_runs("Any", {"Records": [record]})) == 1
        add(source="Other")
        assert len(faults.in_runs("Any", {"Records": [record]})) == 1

    @pytest.mark.parametrize(
        "event", [None, [], "text", {}, {"Records": 1}, {"Records": [1, {}]}, {"Records": [{"s3": 1}]}]
    )
    def test_events_of_any_other_shape_are_not(self, event: object) -> None:
        add(source="Jobs")
        assert faults.in_runs("Any", event) == []


class TestCalls:
    @pytest.mark.parametrize(
        ("action", "by", "caller", "is_met"),
        [
            ("dynamodb:PutItem", "", "Charge", True),
            ("dynamodb:putitem", "", "Charge", True),
            ("dynamodb:*", "", "Charge", True),
            ("dynamodb:GetItem", "", "Charge", False),
            ("dynamodb:PutItem", "", "", False),
            ("dynamodb:PutItem", "Charge", "Charge", True),
            ("dynamodb:PutItem", "Refund", "Charge", False),
            ("dynamodb:PutItem", "*", "", True),
        ],
    )
    def test_whose_and_which_calls_are_met(self, action: str, by: str, caller: str, is_met: bool) -> None:
        add(action=action, by=by)
        assert bool(faults.in_calls("dynamodb:PutItem", caller)) == is_met

    def test_a_fault_of_calls_meets_no_runs(self) -> None:
        add(action="dynamodb:PutItem")
        assert faults.in_runs("", {"Records": []}) == []


class TestNumbers:
    def test_what_comes_after_a_fault_that_decides_does_not_happen(self) -> None:
        add(kind="error", function="Charge")
        add(kind="throttle", function="Charge")
        assert [each.kind for each in faults.in_runs("Charge", {})] == ["error"]
        assert faults.faults({})["counts"].popitem()[1] == 0  # type: ignore[index] # an answer in JSON

    def test_after_its_times_it_happens_no_more(self) -> None:
        add(function="Charge", times=2)
        assert [len(faults.in_runs("Charge", {})) for _ in range(4)] == [1, 1, 0, 0]

    def test_about_the_share_that_is_asked_for_is_met(self) -> None:
        add(function="Charge", rate=0.3, seed=1)
        assert 250 < sum(len(faults.in_runs("Charge", {})) for _ in range(1000)) < 350


@pytest.mark.parametrize(
    ("code", "status"),
    [("SlowDown", 503), ("InternalServerError", 500), ("ConditionalCheckFailedException", 400), ("NoSuchKey", 404)],
)
def test_errors_have_the_status_of_their_service(code: str, status: int) -> None:
    assert status_of(code) == status
