from __future__ import annotations

import doctest
from types import ModuleType
from typing import Any

import pytest

from constructs_lib.assembly import event_pattern, text_set
from constructs_lib.assembly.event_pattern import (
    ABSENT,
    PRESENT,
    Dialect,
    Extent,
    Field,
    Pattern,
    Payload,
    Relation,
    TextSet,
    match,
    match_any,
)
from constructs_lib.assembly.value import ABSENT as NO_VALUE
from constructs_lib.assembly.value import OneOf, Symbol, Text, Unknown

STAGE, OTHER = Symbol("parameter", "Stage"), Symbol("parameter", "Other")
A, B, SHOP = Text.of("a"), Text.of("b"), Text.of("shop")
KEY = ("detail", "object", "key")
UPLOADED = Payload(
    {
        ("source",): "aws.s3",
        ("detail-type",): ["Object Created", "Object Deleted"],
        ("detail", "bucket", "name"): "photos",
        KEY: TextSet.prefix("thumbs/"),
    }
)


def of_key(*values: object, **more: object) -> dict[str, object]:
    """A pattern that asks for keys."""
    return {**more, "detail": {"object": {"key": list(values)}}}


def extent(pattern: object, payload: Payload = UPLOADED) -> Extent:
    return match(pattern, payload).extent


def of_x(values: object, *, dialect: Dialect = Dialect.EVENT_BRIDGE, found: Any) -> Extent:
    """How much of what stands at x passes."""
    return match({"x": values}, Payload({("x",): found}), dialect).extent


class TestUploads:
    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ({"source": ["aws.s3"]}, Extent.ALL),
            ({"source": ["aws.ec2"]}, Extent.NONE),
            ({"source": [{"prefix": "aws."}], "detail-type": [{"prefix": "Object "}]}, Extent.ALL),
            ({"detail-type": ["Object Created"]}, Extent.SOME),
            ({"detail": {"bucket": {"name": ["videos"]}}}, Extent.NONE),
            (of_key({"prefix": "uploads/"}), Extent.NONE),
            (of_key({"prefix": "thumbs/"}), Extent.ALL),
            (of_key({"prefix": "thumbs/a"}), Extent.SOME),
            (of_key({"suffix": ".png"}), Extent.SOME),
            (of_key({"wildcard": "uploads/*.png"}), Extent.NONE),
            (of_key({"wildcard": "*/*"}), Extent.ALL),
            (of_key({"anything-but": {"prefix": "thumbs/"}}), Extent.NONE),
            (of_key({"anything-but": {"prefix": ["thumbs/", "x"]}}), Extent.NONE),
            (of_key({"anything-but": {"wildcard": "uploads/*"}}), Extent.ALL),
            (of_key({"anything-but": {"suffix": ".png"}}, {"suffix": ".png"}), Extent.ALL),
            (of_key({"prefix": {"equals-ignore-case": "THUMBS/"}}), Extent.ALL),
            (of_key({"prefix": "uploads/"}, {"prefix": "thumbs/"}), Extent.ALL),
            (of_key({"exists": True}), Extent.ALL),
            (of_key({"exists": False}), Extent.NONE),
            (of_key({"prefix": "thumbs/"}, source=["aws.ec2"]), Extent.NONE),
            ({"detail": {"reason": ["PutObject"]}}, Extent.SOME),
            ({"$or": [{"source": ["aws.ec2"]}, of_key({"prefix": "uploads/"})]}, Extent.NONE),
            ({"$or": [{"source": ["aws.ec2"]}, of_key({"prefix": "thumbs/"})]}, Extent.ALL),
            ({"$or": [{"detail-type": ["Object Created"]}, {"detail-type": ["Object Deleted"]}]}, Extent.ALL),
            ({"$or": [{"detail-type": ["Object Created"]}, of_key({"prefix": "thumbs/x"})]}, Extent.SOME),
            ('{"source": ["aws.s3"]}', Extent.ALL),
        ],
        ids=str,
    )
    def test_pass_as_far_as_the_pattern_lets_them(self, pattern: object, expected: Extent) -> None:
        assert extent(pattern) is expected

    def test_are_described_when_they_never_pass(self) -> None:
        assert match(of_key({"prefix": "uploads/"}), UPLOADED) == Relation(
            Extent.NONE, 'detail.object.key is thumbs/*, and what passes is [{"prefix": "uploads/"}]'
        )

    def test_are_described_when_some_pass(self) -> None:
        found = match(of_key({"suffix": ".png"}, **{"detail-type": ["Object Created"]}), UPLOADED)
        assert found.why == ('detail-type is Object Created or Object Deleted, and what passes is ["Object Created"]')
        assert found.witness == {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": "photos"}, "object": {"key": "thumbs/.png"}},
        }
        assert found.is_certain

    def test_are_described_when_all_pass(self) -> None:
        found = match({"source": ["aws.s3"]}, UPLOADED)
        assert found.why == "all that is emitted passes"
        assert found.witness["detail"]["object"] == {"key": "thumbs/"}

    def test_are_not_certain_to_pass_when_the_pattern_asks_for_something_nobody_described(self) -> None:
        found = match({"detail": {"reason": ["PutObject"]}}, UPLOADED)
        assert found.why == 'detail.reason is not known, and what passes is ["PutObject"]'
        assert not found.is_certain

    def test_never_pass_when_there_are_none(self) -> None:
        found = match({"source": ["aws.s3"]}, Payload({("source",): "aws.s3", KEY: TextSet.none()}))
        assert found == Relation(Extent.NONE, "nothing is emitted: detail.object.key has no value")


class TestSeveralPatterns:
    def test_cover_together_what_none_covers_alone(self) -> None:
        halves = [of_key({"suffix": ".png"}), of_key({"anything-but": {"suffix": ".png"}})]
        assert [extent(each) for each in halves] == [Extent.SOME, Extent.SOME]
        assert match_any(halves, UPLOADED).extent is Extent.ALL

    def test_cover_together_over_two_fields(self) -> None:
        created = {"detail-type": ["Object Created"]}
        deleted = [
            of_key({"wildcard": "*.png"}, **{"detail-type": ["Object Deleted"]}),
            of_key({"anything-but": {"wildcard": "*.png"}}, **{"detail-type": [{"suffix": "Deleted"}]}),
        ]
        assert match_any([created, *deleted], UPLOADED).extent is Extent.ALL
        assert match_any([created, deleted[0]], UPLOADED).extent is Extent.SOME
        assert match_any([created, deleted[0]], UPLOADED).is_certain

    def test_pass_nothing_when_there_are_none(self) -> None:
        assert match_any([], UPLOADED) == Relation(Extent.NONE, "there is no pattern")

    def test_prove_nothing_away_when_one_cannot_be_read(self) -> None:
        assert match_any(["{", {"source": ["aws.ec2"]}], UPLOADED).extent is Extent.SOME
        assert match_any(["{", {"source": ["aws.s3"]}], UPLOADED).extent is Extent.ALL

    def test_may_be_read_once_for_many_payloads(self) -> None:
        pattern = Pattern.read(of_key({"prefix": "uploads/"}), Dialect.EVENT_BRIDGE)
        assert match(pattern, UPLOADED).extent is Extent.NONE
        assert match(pattern, Payload({KEY: "uploads/a"})).extent is Extent.ALL


class TestOperators:
    @pytest.mark.parametrize(
        ("values", "found", "expected"),
        [
            ([1], [1, 1.0], Extent.ALL),
            ([1], "1", Extent.NONE),
            (["1"], [1], Extent.NONE),
            ([True], [True], Extent.ALL),
            ([True], [1], Extent.NONE),
            ([None], [None], Extent.ALL),
            ([None], ABSENT, Extent.NONE),
            ([""], [""], Extent.ALL),
            ([{"numeric": [">", 0, "<=", 5]}], [1, 5], Extent.ALL),
            ([{"numeric": [">", 0, "<=", 5]}], [0, 5], Extent.SOME),
            ([{"numeric": [">", 0, "<=", 5]}], [0, 6, "3"], Extent.NONE),
            ([{"numeric": ["=", 3e2]}], [300], Extent.ALL),
            ([{"numeric": ["<", 5]}, {"numeric": [">=", 5]}], [4, 5, 6], Extent.ALL),
            ([{"anything-but": [100, 200]}], [100], Extent.NONE),
            ([{"anything-but": [100, 200]}], [101, "100"], Extent.ALL),
            ([{"anything-but": "a"}], ["a", 1], Extent.SOME),
            ([{"anything-but": ["a", "b"]}], ABSENT, Extent.NONE),
            ([{"anything-but": {"equals-ignore-case": ["A", "B"]}}], ["a", "B"], Extent.NONE),
            ([{"equals-ignore-case": "Alice"}], ["ALICE", "alice"], Extent.ALL),
            ([{"suffix": {"equals-ignore-case": ".PNG"}}], TextSet.suffix(".png"), Extent.ALL),
            ([{"cidr": "10.0.0.0/24"}], ["10.0.0.1", "10.0.0.010"], Extent.ALL),
            ([{"cidr": "10.0.0.0/24"}], ["10.0.1.1", "x"], Extent.NONE),
            ([{"cidr": "10.0.0.5/24"}], ["10.0.0.1"], Extent.ALL),
            ([{"cidr": "2001:db8::/32"}], ["2001:db8::1", "10.0.0.1"], Extent.SOME),
            ([{"cidr": "10.0.0.0/24"}], TextSet.prefix("10."), Extent.SOME),
            ([{"cidr": "10.0.0.0/24"}], TextSet.glob("thumb"), Extent.NONE),
            ([{"exists": True}], PRESENT, Extent.ALL),
            ([{"exists": False}], PRESENT, Extent.NONE),
            ([{"exists": False}], ABSENT, Extent.ALL),
            ([{"exists": False}, "a"], Field.of("a").or_absent, Extent.ALL),
            ([{"exists": False}, {"exists": True}], Field.of("a").or_absent, Extent.ALL),
            ([{"prefix": ""}], [1], Extent.NONE),
            ([{"wildcard": r"a\*b"}], ["a*b"], Extent.ALL),
            ([{"exactly": "a"}], ["a"], Extent.ALL),
            # a list passes when one of its values does
            (["a"], Field.list_of(["a", "b"]), Extent.SOME),
            (["c"], Field.list_of(["a", "b"]), Extent.NONE),
            (["a", "b", {"exists": False}], Field.list_of(["a", "b"]), Extent.ALL),
            ([{"anything-but": "a"}], Field.list_of(["a"]), Extent.NONE),
        ],
        ids=str,
    )
    def test_compare_as_event_bridge_does(self, values: object, found: object, expected: Extent) -> None:
        assert of_x(values, found=found) is expected

    def test_numbers_nobody_described_are_covered_by_ranges_that_meet(self) -> None:
        ranges = [{"numeric": ["<", 5]}, {"numeric": [">=", 5, "<", 9]}, {"numeric": [">=", 9]}]
        number = Payload({("x",): Field(PRESENT.one - Field.of(TextSet.any()).one - Field.of([True, False, None]).one)})
        assert match({"x": ranges}, number).extent is Extent.ALL
        assert match({"x": ranges[:2]}, number).extent is Extent.SOME
        assert match({"x": ranges[:2]}, number).witness == {"x": 0}
        assert match({"x": [{"numeric": [">", 5, "<", 6]}]}, number).witness == {"x": 5.5}

    @pytest.mark.parametrize(
        ("found", "shown"), [([True, None], True), ([False, None], False), ([None], None), ([2.5], 2.5)], ids=str
    )
    def test_the_witness_may_be_any_kind_of_value(self, found: list[Any], shown: object) -> None:
        witness = match({"x": [{"exists": True}]}, Payload({("x",): found})).witness
        assert witness == {"x": shown}

    def test_the_witness_may_be_in_a_list(self) -> None:
        only_in_a_list = Payload({("x",): Field(Field.of([]).one, Field.of("a").one)})
        assert match({"x": ["a"]}, only_in_a_list).witness == {"x": ["a"]}

    def test_a_dot_in_a_key_is_a_step(self) -> None:
        assert extent({"detail.object.key": [{"prefix": "uploads/"}]}) is Extent.NONE

    def test_or_is_a_key_like_any_other_where_it_cannot_be_the_operator(self) -> None:
        assert match({"$or": {"x": ["a"]}}, Payload({("$or", "x"): "a"})).extent is Extent.ALL
        assert match({"$or": ["a"]}, Payload({("$or",): "a"})).extent is Extent.ALL

    @pytest.mark.parametrize("outer_first", [True, False])
    def test_a_field_inside_and_outside_of_or_is_not_decided_by_the_order_of_keys(self, *, outer_first: bool) -> None:
        inner = {"$or": [{"x": ["b"]}, {"y": ["c"]}]}
        pattern = {"x": ["a"], **inner} if outer_first else {**inner, "x": ["a"]}
        payload = Payload({("x",): ["a"]}, closed=[()])
        assert match(pattern, payload).extent is Extent.SOME
        assert match(pattern, Payload({("x",): ["d"]}, closed=[()])).extent is Extent.NONE


class TestPayloads:
    def test_what_is_closed_has_nothing_else(self) -> None:
        payload = Payload({("detail", "a"): "x"}, closed=[("detail",)])
        assert match({"detail": {"b": ["x"]}}, payload).extent is Extent.NONE
        assert match({"detail": {"b": [{"exists": False}]}}, payload).extent is Extent.ALL
        assert match({"source": ["x"]}, payload).extent is Extent.SOME

    def test_a_value_has_nothing_below_it(self) -> None:
        assert match({"detail": {"a": {"b": ["x"]}}}, Payload({("detail", "a"): "x"})).extent is Extent.NONE

    def test_what_may_be_absent_may_be_an_object(self) -> None:
        payload = Payload({("detail", "a"): Field.of("x").or_absent})
        assert match({"detail": {"a": {"b": ["x"]}}}, payload).extent is Extent.SOME

    def test_everything_is_possible_when_nothing_is_said(self) -> None:
        assert match({"x": [{"exists": True}]}, Payload()).extent is Extent.SOME
        assert match({"x": [{"exists": True}, {"exists": False}]}, Payload()).extent is Extent.ALL


class TestUnknowns:
    STAGED = Payload({("source",): Text.of("shop.", STAGE), ("detail", "kind"): "order"})

    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ({"source": [Text.of("shop.", STAGE)]}, Extent.ALL),
            ({"source": [Text.of("shop.", OTHER)]}, Extent.SOME),
            ({"source": ["shop.dev"]}, Extent.SOME),
            ({"source": ["bank.dev"]}, Extent.NONE),
            ({"source": [{"prefix": "shop."}]}, Extent.ALL),
            ({"source": [{"anything-but": [Text.of("shop.", STAGE)]}]}, Extent.NONE),
            ({"source": [{"anything-but": [Text.of("bank.", STAGE)]}]}, Extent.ALL),
            ({"source": [Unknown("x", "because")]}, Extent.SOME),
            ({"source": Unknown("x", "because")}, Extent.SOME),
            ({"source": [{"prefix": Unknown("x", "because")}]}, Extent.SOME),
            ({"source": [{"anything-but": Unknown("x", "because")}]}, Extent.SOME),
            ({"source": [{"numeric": ["=", Unknown("x", "because")]}]}, Extent.SOME),
            ({"source": ["bank", OneOf((A, B))]}, Extent.NONE),
            ({"source": OneOf(([A], [Text.of("shop.", STAGE)]))}, Extent.SOME),
            ({"source": OneOf(([{"prefix": SHOP}], NO_VALUE))}, Extent.ALL),
            ({"source": OneOf(([A], NO_VALUE))}, Extent.SOME),
            ({"detail": OneOf(({"kind": [A]}, {"kind": [B]}))}, Extent.SOME),
            ({"detail": {"kind": ["x"]}, "source": Unknown("x", "because")}, Extent.NONE),
            (Unknown("x", "because"), Extent.SOME),
            (Text.of('{"source": ["shop.', STAGE, '"]}'), Extent.ALL),
            (Text.of('{"source": ["', STAGE, '"], "detail": {"kind": ["x"]}}'), Extent.NONE),
            (Text.of('{"source": ["bank.', STAGE, '"]}'), Extent.NONE),
            (Text.of('{"source": ["shop.', STAGE, '"], "detail": {"kind": [1, null, true]}}'), Extent.NONE),
            (Text.of('{"source": [', STAGE, "]}"), Extent.SOME),
            (Text.of('{"', STAGE, '": ["x"]}'), Extent.SOME),
        ],
        ids=str,
    )
    def test_prove_what_holds_for_every_value_and_nothing_else(self, pattern: object, expected: Extent) -> None:
        assert extent(pattern, self.STAGED) is expected


class TestMalformedPatterns:
    @pytest.mark.parametrize(
        "pattern",
        [
            None,
            5,
            [],
            {},
            "",
            "[]",
            "{",
            {"source": []},
            {"source": "aws.s3"},
            {"source": {}},
            {"source": None},
            {"source": [["a"]]},
            {"source": [{}]},
            {"source": [{"prefix": 5}]},
            {"source": [{"prefix": "a", "suffix": "b"}]},
            {"source": [{"starts-with": "a"}]},
            {"source": [{"numeric": [">"]}]},
            {"source": [{"numeric": ["~", 5]}]},
            {"source": [{"numeric": [">", "5"]}]},
            {"source": [{"exists": "true"}]},
            {"source": [{"anything-but": []}]},
            {"source": [{"anything-but": {"cidr": "10.0.0.0/8"}}]},
            {"source": [{"anything-but": {"prefix": []}}]},
            {"source": [{"anything-but": {}}]},
            {"source": [{"anything-but": ["a", 1]}]},
            {"source": [{"anything-but": None}]},
            {"source": [{"wildcard": "a**"}]},
            {"source": [{"wildcard": "a\\b"}]},
            {"source": [{"cidr": "10.0.0.0/99"}]},
            {"source": [{"cidr": 5}]},
            {"source": [float("nan")]},
            {"source": [10**400]},
            {"$or": [{"source": ["a"]}, {"prefix": ["a"]}]},
            {"source": [{"equals-ignore-case": "ß" * 40}]},
            '{"source": ["\ue0000\ue001"]}' + " " * 3,
        ],
        ids=lambda pattern: str(pattern)[:60],
    )
    def test_pass_some_and_say_why(self, pattern: object) -> None:
        text = Text.of(pattern, STAGE) if isinstance(pattern, str) and "\ue000" in pattern else pattern
        found = match(text, UPLOADED)
        assert found.extent is Extent.SOME
        assert found.why.startswith("the pattern cannot be read: ")
        assert not found.is_certain


@pytest.mark.parametrize("module", [event_pattern, text_set])
def test_the_examples_of_the_documentation_are_true(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed
