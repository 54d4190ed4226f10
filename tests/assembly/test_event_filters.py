"""The filters of SNS and of event source mappings, where they are not those of EventBridge."""

from __future__ import annotations

import json

import pytest

from constructs_lib.assembly.event_pattern import (
    Extent,
    Payload,
    Relation,
    TextSet,
    match_filter_criteria,
    match_filter_policy,
)
from constructs_lib.assembly.value import Unknown


class TestFilterPolicies:
    ORDERS = Payload({("kind",): "order", ("price",): [5, 7]})

    @pytest.mark.parametrize(
        ("policy", "expected"),
        [
            (None, Extent.ALL),
            ({"kind": ["order"]}, Extent.ALL),
            ({"kind": ["refund"]}, Extent.NONE),
            ({"kind": [{"anything-but": ["refund"]}]}, Extent.ALL),
            ({"kind": [{"anything-but": {"prefix": "ord"}}]}, Extent.NONE),
            ({"kind": [{"exists": True}]}, Extent.ALL),
            ({"kind": [{"exists": False}]}, Extent.NONE),
            ({"price": [{"numeric": [">", 0, "<=", 7]}]}, Extent.ALL),
            ({"price": [{"numeric": ["<", 5]}]}, Extent.NONE),
            ({"$or": [{"kind": ["refund"]}, {"price": [5, 7]}]}, Extent.ALL),
            ({"other": ["x"]}, Extent.SOME),
            ('{"kind": ["refund"]}', Extent.NONE),
            ({"price": [{"anything-but": [9]}]}, Extent.ALL),
            ({"kind": [{"anything-but": [9]}]}, Extent.SOME),
            ({"price": [{"anything-but": ["9"]}]}, Extent.SOME),
            # SNS says of neither whether a number equals the string that spells it
            ({"price": ["5", "7"]}, Extent.SOME),
            ({"kind": [5]}, Extent.NONE),
        ],
        ids=str,
    )
    def test_compare_message_attributes(self, policy: object, expected: Extent) -> None:
        assert match_filter_policy(policy, self.ORDERS).extent is expected

    def test_nothing_is_sure_about_what_is_empty(self) -> None:
        for empty in ("", None):
            assert match_filter_policy({"x": [{"exists": True}]}, Payload({("x",): [empty]})).extent is Extent.SOME
        assert match_filter_policy({"x": [{"exists": False}]}, Payload(closed=[()])).extent is Extent.SOME

    def test_may_be_about_the_body(self) -> None:
        body = Payload({("order", "kind"): "new"})
        policy = {"order": {"kind": ["new"]}}
        assert match_filter_policy(policy, body, scope="MessageBody").extent is Extent.ALL
        assert match_filter_policy({"order": {"kind": ["old"]}}, body, scope="MessageBody").extent is Extent.NONE

    def test_are_not_known_when_the_scope_is_not(self) -> None:
        found = match_filter_policy({"kind": ["refund"]}, self.ORDERS, scope="Elsewhere")
        assert found == Relation(Extent.SOME, "the scope 'Elsewhere' is not known")
        assert not found.is_certain


class TestFilterCriteria:
    CHANGE = Payload(
        {
            ("eventName",): ["INSERT", "MODIFY"],
            ("dynamodb", "Keys", "id", "S"): TextSet.prefix("order#"),
            ("dynamodb", "NewImage", "total", "N"): "12",
        }
    )

    @staticmethod
    def criteria(*patterns: object) -> dict[str, object]:
        return {"Filters": [{"Pattern": json.dumps(each)} for each in patterns]}

    @pytest.mark.parametrize("criteria", [None, {}, {"Filters": []}, {"Filters": None}, []])
    def test_let_everything_through_when_there_are_no_filters(self, criteria: object) -> None:
        assert match_filter_criteria(criteria, self.CHANGE).extent is Extent.ALL

    @pytest.mark.parametrize(
        ("patterns", "expected"),
        [
            ([{"eventName": ["REMOVE"]}], Extent.NONE),
            ([{"eventName": ["INSERT"]}], Extent.SOME),
            ([{"eventName": ["INSERT"]}, {"eventName": ["MODIFY"]}], Extent.ALL),
            ([{"dynamodb": {"Keys": {"id": {"S": [{"prefix": "user#"}]}}}}], Extent.NONE),
            ([{"dynamodb": {"Keys": {"id": {"S": [{"prefix": "order#"}]}}}}], Extent.ALL),
            ([{"dynamodb": {"OldImage": {"id": {"S": ["x"]}}}}], Extent.SOME),
            # the numbers of a table are strings, of which it is not said how they compare
            ([{"dynamodb": {"NewImage": {"total": {"N": [{"numeric": [">", 10]}]}}}}], Extent.SOME),
            ([{"dynamodb": {"NewImage": {"total": {"N": [{"numeric": [">", 20]}]}}}}], Extent.NONE),
            ([{"dynamodb": {"NewImage": {"total": {"N": ["12"]}}}}], Extent.ALL),
        ],
        ids=str,
    )
    def test_compare_the_changes_of_a_table(self, patterns: list[object], expected: Extent) -> None:
        assert match_filter_criteria(self.criteria(*patterns), self.CHANGE).extent is expected

    def test_compare_the_body_of_a_message_and_the_data_of_a_record(self) -> None:
        message, record = Payload({("body", "kind"): "order"}), Payload({("data", "kind"): "order"})
        for payload, place in ((message, "body"), (record, "data")):
            assert match_filter_criteria(self.criteria({place: {"kind": ["refund"]}}), payload).extent is Extent.NONE
            assert match_filter_criteria(self.criteria({place: {"kind": ["order"]}}), payload).extent is Extent.ALL

    @pytest.mark.parametrize(
        "criteria",
        [5, {"Filters": "x"}, {"Filters": [5]}, {"Filters": [{}]}, {"Filters": [{"Pattern": "{"}]}, Unknown("x", "y")],
        ids=str,
    )
    def test_let_some_through_when_they_cannot_be_read(self, criteria: object) -> None:
        assert match_filter_criteria(criteria, self.CHANGE).extent is Extent.SOME
