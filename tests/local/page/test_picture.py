"""Pictures of state machines: everything is drawn, nothing lies on anything else."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from constructs_lib.local.page.layers import laid_out
from constructs_lib.local.page.picture import Box, Picture, picture_of


def machine(start: str, **states: Any) -> dict[str, Any]:
    return {"StartAt": start, "States": states}


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def inside(inner: Box, outer: Box) -> bool:
    return (
        outer.x <= inner.x
        and inner.x + inner.width <= outer.x + outer.width
        and outer.y < inner.y
        and inner.y + inner.height <= outer.y + outer.height
    )


def box(picture: Picture, name: str) -> Box:
    [found] = [each for each in picture.boxes if each.name == name]
    return found


def ways(picture: Picture) -> set[tuple[str, str, str]]:
    return {(each.source, each.target, each.kind) for each in picture.lines}


class TestWays:
    def test_are_those_of_the_language(self) -> None:
        picture = picture_of(
            machine(
                "A",
                A={"Type": "Task", "Next": "B", "Catch": [{"ErrorEquals": ["Boom"], "Next": "D"}]},
                B={
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.n", "NumericGreaterThan": 3, "Next": "C"}],
                    "Default": "D",
                },
                C={"Type": "Succeed"},
                D={"Type": "Fail"},
            )
        )
        assert ways(picture) == {
            ("", "A", "next"),
            ("A", "B", "next"),
            ("A", "D", "catch"),
            ("B", "C", "choice"),
            ("B", "D", "choice"),
            ("C", "", "next"),
            ("D", "", "next"),
        }
        labels = {(each.source, each.target): each.label for each in picture.lines if each.label}
        assert labels == {("A", "D"): "Boom", ("B", "C"): "n NumericGreaterThan 3", ("B", "D"): "otherwise"}

    def test_run_from_the_lower_edge_of_one_to_the_upper_edge_of_the_other(self) -> None:
        picture = picture_of(machine("A", A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "End": True}))
        [line] = [each for each in picture.lines if each.source == "A"]
        a, b = box(picture, "A"), box(picture, "B")
        assert line.points == ((a.x + a.width / 2, a.y + a.height), (b.x + b.width / 2, b.y))

    def test_back_to_an_earlier_state_end_there(self) -> None:
        picture = picture_of(
            machine(
                "Wait",
                Wait={"Type": "Wait", "Next": "Done?"},
                **{"Done?": {"Type": "Choice", "Choices": [{"Next": "Wait"}], "Default": "Over"}},
                Over={"Type": "Succeed"},
            )
        )
        [back] = [each for each in picture.lines if (each.source, each.target) == ("Done?", "Wait")]
        assert back.points[0][1] == box(picture, "Done?").y
        assert back.points[-1][1] == box(picture, "Wait").y + box(picture, "Wait").height


class TestInnerMachines:
    def test_lie_side_by_side_within_their_state(self) -> None:
        branch = [machine(name, **{name: {"Type": "Pass", "End": True}}) for name in ("Left", "Right")]
        inner = {"Type": "Map", "ItemProcessor": machine("Each", Each={"Type": "Pass", "End": True}), "End": True}
        picture = picture_of(machine("Both", Both={"Type": "Parallel", "Branches": branch, "Next": "All"}, All=inner))
        both, left, right = (box(picture, name) for name in ("Both", "Left", "Right"))
        assert inside(left, both)
        assert inside(right, both)
        assert not overlap(left, right)
        assert inside(box(picture, "Each"), box(picture, "All"))
        assert not overlap(both, box(picture, "All"))


class TestGarbage:
    @pytest.mark.parametrize(
        "definition",
        [
            {},
            {"States": []},
            {"States": {"A": None}, "StartAt": "A"},
            machine("Gone", A={"Type": "Pass"}),
            machine("A", A={"Type": "Pass", "Next": "Gone"}),
            machine("A", A={}),
            machine("A", A={"Type": "Choice", "Choices": "x", "Default": 3}),
            machine("A", A={"Type": "Parallel", "Branches": [None, {}, 3]}),
            machine("A", A={"Type": "Pass", "Next": "A"}),
            machine("A", A={"Type": "Task", "Catch": [{"Next": "A"}, None, {"ErrorEquals": [1], "Next": "B"}]}),
        ],
    )
    def test_is_left_out(self, definition: dict[str, Any]) -> None:
        assert picture_of(definition).width >= 0

    def test_machines_within_machines_without_end_are_cut(self) -> None:
        deep: dict[str, Any] = machine("A", A={"Type": "Pass", "End": True})
        for _ in range(200):
            deep = machine("A", A={"Type": "Map", "Iterator": deep, "End": True})
        assert len(picture_of(deep).boxes) < 30


class TestLayout:
    @pytest.mark.parametrize("seed", range(60))
    def test_no_state_lies_on_another_and_no_line_runs_through_one(self, seed: int) -> None:
        chance = random.Random(seed)
        names = [f"S{number}" for number in range(chance.randint(1, 25))]
        states: dict[str, Any] = {
            name: {
                "Type": "Choice",
                "Choices": [{"Next": chance.choice(names)} for _ in range(chance.randint(0, 3))],
                "Default": names[min(number + 1, len(names) - 1)],
            }
            for number, name in enumerate(names)
        }
        picture = picture_of({"StartAt": "S0", "States": states})
        assert {each.name for each in picture.boxes if each.name} == set(names)
        assert len(picture.lines) == 1 + len(
            {(name, each["Next"], n) for name, state in states.items() for n, each in enumerate(state["Choices"])}
        ) + len(names)
        for one, other in itertools.combinations(picture.boxes, 2):
            assert not overlap(one, other)
        for line in picture.lines:
            for x, y in line.points[1:-1]:
                assert not any(
                    each.x < x < each.x + each.width and each.y < y < each.y + each.height for each in picture.boxes
                )
        for each in picture.boxes:
            assert each.x >= 0
            assert each.x + each.width <= picture.width + 0.2
            assert each.y + each.height <= picture.height + 0.2

    def test_is_the_same_each_time(self) -> None:
        sizes = dict.fromkeys("abcdef", (100.0, 40.0))
        lines = [(source, target, True) for source, target in itertools.pairwise("abcdef")]
        assert laid_out(sizes, lines, "a") == laid_out(sizes, lines, "a")

    def test_a_chain_is_one_column(self) -> None:
        states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(9)} | {
            "S9": {"Type": "Pass", "End": True}
        }
        picture = picture_of({"StartAt": "S0", "States": states})
        assert len({each.x + each.width / 2 for each in picture.boxes}) == 1

    def test_catches_of_one_handler_join(self) -> None:
        states: dict[str, Any] = {
            f"S{n}": {"Type": "Task", "Next": f"S{n + 1}", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S500"}]}
            for n in range(500)
        }
        picture = picture_of({"StartAt": "S0", "States": {**states, "S500": {"Type": "Fail"}}})
        assert len(picture.boxes) == 503
        assert picture.width < 300
