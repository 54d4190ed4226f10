"""What a template says by itself, however it is written."""

from __future__ import annotations

from typing import Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.literals import LiteralNames, literals_of, named_values, places_of, references_in, strings_of

DEEP = 5_000  # levels; more than Python recurses


def names(**template: Any) -> LiteralNames:
    return LiteralNames(Assembly.of({"Shop": {"Resources": {}, **template}}).stacks[0])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("text", ["text"]),
        (7, [7]),
        ({"Fn::Join": ["-", ["a", "b"]]}, ["a-b"]),
        ({"Fn::If": ["Prod", "a", {"Fn::If": ["Test", {"Ref": "Hidden"}, "b"]}]}, ["a", "b"]),
        ({"Fn::FindInMap": ["Map", "eu", "key"]}, ["mapped"]),
        ({"Fn::Sub": "no variable"}, ["no variable"]),
        ({"Ref": "Plain"}, ["by default"]),
        ({"Ref": "Hidden"}, []),
        ({"Ref": "DbPassword"}, []),
        ({"Ref": "Number"}, []),
        ({"Fn::Sub": "${Hidden}-x"}, []),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, []),
        ({"Fn::ImportValue": "other"}, []),
        ({"key": "an object"}, []),
        (None, []),
    ],
)
def test_tells_literals_from_references(raw: Any, expected: list[Any]) -> None:
    told = names(
        Parameters={
            "Plain": {"Type": "String", "Default": "by default"},
            "Hidden": {"Type": "String", "Default": "hidden", "NoEcho": True},
            "DbPassword": {"Type": "String", "Default": "a secret"},
            "Number": {"Type": "Number", "Default": 4},
        },
        Mappings={"Map": {"eu": {"key": "mapped"}}},
        Conditions={"Prod": {"Fn::Equals": ["a", "a"]}, "Test": {"Fn::Equals": ["a", "b"]}},
    )
    assert list(literals_of(raw, told)) == expected


def test_finds_values_by_key_by_pair_and_inside_of_text() -> None:
    raw = {
        "A": "1",
        "List": [{"Name": "B", "Value": "2"}, {"name": "C", "value": "3"}],
        "Text": '{"D": "4"}',
        "Joined": {"Fn::Join": ["", ['{"E": "5", "F": "', {"Ref": "X"}, '"}']]},
    }
    found = {each.name: (each.at, each.raw) for each in named_values(raw) if isinstance(each.raw, str)}
    assert found == {
        "A": (("A",), "1"),
        "B": (("List", "0", "Value"), "2"),
        "C": (("List", "1", "value"), "3"),
        "D": (("Text", "D"), "4"),
        "E": (("Joined", "E"), "5"),
        "F": (("Joined", "F"), "${...}"),
        "Name": (("List", "0", "Name"), "B"),
        "Value": (("List", "0", "Value"), "2"),
        "name": (("List", "1", "name"), "C"),
        "value": (("List", "1", "value"), "3"),
        "Text": (("Text",), '{"D": "4"}'),
    }


def test_finds_every_place_of_a_string() -> None:
    raw = {"A": ["x", {"B": "x"}], "x": "y"}
    assert sorted(places_of(raw, {"x"})) == [((), "x"), (("A", "0"), "x"), (("A", "1", "B"), "x")]
    assert strings_of(raw) == {"A", "B", "x", "y"}


def test_finds_references_in_every_form() -> None:
    raw = [
        {"Ref": "A"},
        {"Fn::GetAtt": ["B", "Arn"]},
        {"Fn::GetAtt": "C.Arn"},
        {"Fn::Sub": "${D}-${E.Arn}-${!F}-${Own}"},
        {"Fn::Sub": ["${G}-${Own}", {"Own": {"Ref": "H"}}]},
        {"Fn::Sub": 7},
        {"Fn::Sub": ["${I}", 7]},
    ]
    assert sorted(references_in(raw)) == [
        ("A", ""),
        ("B", "Arn"),
        ("C", "Arn"),
        ("D", ""),
        ("E", "Arn"),
        ("G", ""),
        ("H", ""),
        ("I", ""),
        ("Own", ""),
    ]


def test_goes_as_deep_as_it_has_to() -> None:
    raw: Any = "bottom"
    for _ in range(DEEP):
        raw = {"down": [raw]}
    assert strings_of(raw) == {"down", "bottom"}
    assert [text for _, text in places_of(raw, {"bottom"})] == ["bottom"]
    assert sum(1 for _ in named_values(raw)) == DEEP
    assert list(references_in(raw)) == []
