"""States of a workflow that lead nowhere, and what leads on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.guards.rules.judged import judged, ref, resource

ID, MACHINE = "states-lead-on", "AWS::StepFunctions::StateMachine"
AT = "  at:  Shop/Machine (AWS::StepFunctions::StateMachine)"
END: dict[str, Any] = {"Type": "Pass", "End": True}


def to(name: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Next": name}


def said(states: dict[str, Any], start: Any = "A", /) -> list[str]:
    definition = {"StartAt": start, "States": states} if start is not None else {"States": states}
    return judged(ID, {"Machine": resource(MACHINE, DefinitionString=json.dumps(definition))})


def problems(states: dict[str, Any], start: Any = "A", /) -> list[str]:
    return [each.partition("\n")[0] for each in said(states, start)]


class TestRefuses:
    def test_a_name_that_no_state_has(self) -> None:
        assert said({"A": to("Z"), "B": END}) == [
            (
                "error: state A leads to Z, and no state beside it has that name\n"
                f"{AT} States.A.Next\n"
                "  fix: name one of A, B"
            )
        ]

    @pytest.mark.parametrize(
        ("start", "what"),
        [
            ("Z", "StartAt names Z, and no state beside it has that name"),
            (None, "nothing says which state is the first"),
        ],
    )
    def test_a_start_that_is_not_there(self, start: str | None, what: str) -> None:
        assert problems({"A": END}, start) == [f"error: {what}"]

    def test_a_choice_and_a_catch_that_lead_nowhere(self) -> None:
        choice = {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "Y"}], "Default": "Z"}
        assert problems({"A": choice}) == [
            "error: state A leads to Z, and no state beside it has that name",
            "error: state A leads to Y, and no state beside it has that name",
        ]
        caught = {**END, "Type": "Task", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]}
        assert problems({"A": caught}) == ["error: state A catches with Z, and no state beside it has that name"]

    @pytest.mark.parametrize("kind", ["Map", "Parallel", "Pass", "Task", "Wait"])
    def test_a_state_that_says_nothing_of_what_comes_next_or_both(self, kind: str) -> None:
        assert problems({"A": {"Type": kind}}) == ["error: state A has neither Next nor End"]
        assert problems({"A": {"Type": kind, "End": False}}) == ["error: state A has neither Next nor End"]
        assert problems({"A": {"Type": kind, "End": True, "Next": "A"}}) == ["error: state A has both Next and End"]

    def test_a_state_that_nothing_leads_to(self) -> None:
        assert said({"A": END, "B": END}) == [
            (f"error: nothing leads to state B\n{AT} States.B\n  fix: name it in Next of another state, or remove it")
        ]

    def test_states_inside_of_others_that_lead_out_of_them(self) -> None:
        inner = {"StartAt": "B", "States": {"B": to("A")}}
        assert problems({"A": {**END, "Type": "Map", "ItemProcessor": inner}}) == [
            "error: state A / B leads to A, and no state beside it has that name"
        ]
        assert problems({"A": {**END, "Type": "Map", "Iterator": {"States": {"B": END}}}}) == [
            "error: nothing says which state is the first"
        ]
        two = [{"StartAt": "B", "States": {"B": END}}, {"StartAt": "C", "States": {"C": to("B")}}]
        [found] = said({"A": {**END, "Type": "Parallel", "Branches": two}})
        assert found.split("\n")[1] == f"{AT} States.A.Branches.1.States.C.Next"

    def test_warns_of_states_that_go_round(self) -> None:
        assert problems({"A": to("B"), "B": to("A")}) == [
            "warning: none of these states is the last, so that they go round for ever: A, B"
        ]


class TestAccepts:
    @pytest.mark.parametrize(
        "last", [END, {"Type": "Succeed"}, {"Type": "Fail"}, {"Type": "Task", "Resource": "x", "End": True}]
    )
    def test_what_ends(self, last: dict[str, Any]) -> None:
        assert said({"A": to("B"), "B": last}) == []

    def test_a_loop_with_a_way_out_and_a_choice_without_a_default(self) -> None:
        choice = {"Type": "Choice", "Choices": [{"Variable": "$.done", "BooleanEquals": True, "Next": "C"}]}
        assert said({"A": to("B"), "B": {**choice, "Default": "A"}, "C": END}) == []
        assert said({"A": to("B"), "B": choice, "C": END}) == []

    def test_a_state_that_only_a_failure_leads_to(self) -> None:
        task = {**END, "Type": "Task", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]}
        assert said({"A": task, "B": {"Type": "Fail"}}) == []

    def test_names_that_only_a_deployment_knows(self) -> None:
        definition = {"StartAt": "A", "States": {"A": to(ref("Which")), "B": END}}
        machine = resource(MACHINE, Definition=definition)
        assert judged(ID, {"Machine": machine}, Parameters={"Which": {"Type": "String"}}) == []
        unstarted = resource(MACHINE, Definition={"StartAt": ref("Which"), "States": {"A": END}})
        assert judged(ID, {"Machine": unstarted}, Parameters={"Which": {"Type": "String"}}) == []

    def test_states_of_a_type_that_is_not_known(self) -> None:
        assert said({"A": {"Type": "Dream"}, "B": END}) == []

    def test_says_when_the_definition_is_not_known(self) -> None:
        machine = resource(MACHINE, DefinitionString=ref("Text"))
        assert judged(ID, {"Machine": machine}, Parameters={"Text": {"Type": "String"}}) == [
            f"unknown: whether its states lead on\n{AT}\n  why: the definition is no object with States"
        ]
