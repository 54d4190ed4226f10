"""The frame of a workflow's definition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from constructs_lib.local.overlay.workflow_definition import problem

END: dict[str, Any] = {"Type": "Pass", "End": True}


def states(**named: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(named)), "States": named}


@pytest.mark.parametrize(
    "definition",
    [
        states(One=END),
        states(One={"Type": "Succeed"}),
        states(One={"Type": "Wait", "Seconds": 1, "Next": "Two"}, Two={"Type": "Fail"}),
        states(
            One={"Type": "Task", "Resource": "arn", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Two"}], **END}
            | {"Type": "Task"},
            Two={"Type": "Fail"},
        ),
        states(
            One={
                "Type": "Choice",
                "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "Two"}],
                "Default": "Three",
            },
            Two=END,
            Three=END,
        ),
        states(One={"Type": "Parallel", "Branches": [states(Inner=END)], "End": True}),
        states(One={"Type": "Map", "ItemProcessor": states(Inner=END), "End": True}),
        states(One={"Type": "Map", "Iterator": states(Inner=END), "End": True}),
        {"Comment": "with all it may say", "QueryLanguage": "JSONata", "TimeoutSeconds": 5, **states(One=END)},
    ],
)
def test_is_taken_when_it_leads_on(definition: dict[str, Any]) -> None:
    assert problem(json.dumps(definition)) == ""


@pytest.mark.parametrize(
    ("definition", "wrong"),
    [
        ([], "SCHEMA_VALIDATION_FAILED: expected an object at /"),
        ({}, "SCHEMA_VALIDATION_FAILED: These fields are required: [StartAt, States] at /"),
        (
            {"StartAt": "One", "States": {}},
            "SCHEMA_VALIDATION_FAILED: States is no object with states in it at /States",
        ),
        (
            {"StartAt": "No", "States": {"One": END}},
            "MISSING_TRANSITION_TARGET: Missing 'StartAt' target: No at /StartAt",
        ),
        (
            states(One={"Type": "Pass", "Next": "No"}),
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: No at /States/One/Next",
        ),
        (
            states(One={"Type": "Pass"}),
            "SCHEMA_VALIDATION_FAILED: These fields are required: [End] or [Next] at /States/One",
        ),
        (
            states(One={"Type": "Task", "End": True}),
            "SCHEMA_VALIDATION_FAILED: These fields are required: [Resource] at /States/One",
        ),
        (
            states(One=END, Two=END),
            'MISSING_TRANSITION_TARGET: State "Two" is not reachable. at /States/Two',
        ),
        (
            states(One={"Type": "Parallel", "Branches": [states(In={"Type": "Pass", "Next": "No"})], "End": True}),
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: No at /States/One/Branches[0]/States/In/Next",
        ),
        (
            states(One={"Type": "Choice", "Choices": [{"Next": "No"}]}),
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: No at /States/One/Choices[0]/Next",
        ),
    ],
)
def test_says_what_is_wrong_first(definition: Any, wrong: str) -> None:
    assert problem(json.dumps(definition)) == f"Invalid State Machine Definition: '{wrong}'"


@pytest.mark.parametrize("kind", [None, "pass", "Loop", 3, ["Pass"], {}])
def test_knows_the_types_of_states(kind: Any) -> None:
    assert "must be one of Task, Pass" in problem(json.dumps(states(One={"Type": kind, "End": True})))


@pytest.mark.parametrize("target", [3, None, ["One"], {"a": 1}])
def test_reads_targets_that_are_no_names(target: Any) -> None:
    assert "target" in problem(json.dumps(states(One={"Type": "Pass", "Next": target})))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_says_when_it_is_no_json(text: str) -> None:
    assert "INVALID_JSON_DESCRIPTION" in problem(text)
