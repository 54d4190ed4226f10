"""The rules about the tasks of state machines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.guards.rules.judged import arn, function, judged, ref, resource

MACHINE = "AWS::StepFunctions::StateMachine"
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "Sorry"}]
RETRY = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 3}]
AT = "  at:  Shop/Machine (AWS::StepFunctions::StateMachine)"


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": "arn:aws:states:::sns:publish"} | fields


def said(rule_id: str, states: dict[str, Any], /, *, kind: str = "STANDARD", **fields: Any) -> list[str]:
    definition = {"StartAt": next(iter(states)), "States": states, **fields}
    machine = resource(MACHINE, DefinitionString=json.dumps(definition), StateMachineType=kind)
    return judged(rule_id, {"Machine": machine})


def around(inner: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A Map that runs one task for each item."""
    return {"Type": "Map", "ItemProcessor": {"StartAt": "Pay", "States": {"Pay": inner}}, **fields}


class TestTasksAreTriedAgain:
    ID = "tasks-are-tried-again"

    @pytest.mark.parametrize("fields", [{}, {"Retry": []}, {"Retry": [{"ErrorEquals": ["A"], "MaxAttempts": 0}]}])
    def test_warns_of_a_task_that_is_tried_once(self, fields: dict[str, Any]) -> None:
        assert said(self.ID, {"Pay": task(**fields)}) == [
            (
                "warning: task Pay is not tried again: one throttled call fails the execution\n"
                f"{AT} States.Pay.Retry\n"
                "  fix: give it a Retry for the errors that pass, with a backoff; for a function "
                "Lambda.TooManyRequestsException, Lambda.ServiceException and Lambda.SdkClientException"
            )
        ]

    def test_accepts_a_retry_of_the_task_or_of_what_it_stands_in(self) -> None:
        assert said(self.ID, {"Pay": task(Retry=[{"ErrorEquals": ["States.ALL"]}])}) == []
        assert said(self.ID, {"Each": around(task(), Retry=RETRY)}) == []
        [inner] = said(self.ID, {"Each": around(task())})
        assert inner.startswith("warning: task Each / Pay is not tried again")

    def test_says_when_the_definition_is_not_known(self) -> None:
        machine = resource(MACHINE, DefinitionString=ref("Text"))
        assert judged(self.ID, {"Machine": machine}, Parameters={"Text": {"Type": "String"}}) == [
            f"unknown: whether its tasks are tried again\n{AT}\n  why: the definition is no object with States"
        ]


class TestTaskFailuresAreCaught:
    ID = "task-failures-are-caught"

    def test_warns_when_nothing_is_caught(self) -> None:
        assert said(self.ID, {"Pay": task()}) == [
            (
                "warning: task Pay has no Catch: when it fails, what was done before it stays half done\n"
                f"{AT} States.Pay.Catch\n"
                "  fix: give it a Catch of States.ALL that leads to what takes things back or tells somebody"
            )
        ]

    def test_warns_of_the_one_task_after_another_that_has_none(self) -> None:
        states = {"Pay": task(Catch=CATCH, Next="Mail"), "Mail": task(End=True), "Sorry": {"Type": "Fail"}}
        [found] = said(self.ID, states)
        assert found.startswith("warning: task Mail has no Catch")

    def test_accepts_the_first_task_where_others_are_caught(self) -> None:
        states = {"Pay": task(Next="Mail"), "Mail": task(Catch=CATCH), "Sorry": {"Type": "Fail"}}
        assert said(self.ID, states) == []

    def test_only_tasks_fail(self) -> None:
        states = {"Pay": task(Catch=CATCH, Next="Wait"), "Wait": {"Type": "Wait"}, "Sorry": {"Type": "Fail"}}
        assert said(self.ID, states) == []

    def test_accepts_what_only_a_catch_leads_to(self) -> None:
        assert said(self.ID, {"Pay": task(Catch=CATCH), "Sorry": task(Next="Tell"), "Tell": task()}) == []

    def test_accepts_a_catch_of_what_a_task_stands_in(self) -> None:
        assert said(self.ID, {"Each": around(task(), Catch=CATCH), "Sorry": {"Type": "Fail"}}) == []

    def test_says_when_the_definition_is_not_known(self) -> None:
        assert judged(self.ID, {"Machine": resource(MACHINE)}) == [
            (
                f"unknown: whether failures of its tasks are caught\n{AT}\n"
                "  why: the definition is not known: the state machine has none"
            )
        ]


class TestTasksEndInTime:
    ID = "tasks-end-in-time"

    def test_warns_of_a_task_without_a_timeout(self) -> None:
        assert said(self.ID, {"Pay": task()}) == [
            (
                "warning: task Pay has no timeout: an execution whose answer gets lost waits for up to a year\n"
                f"{AT} States.Pay.TimeoutSeconds\n"
                "  fix: set TimeoutSeconds of the task to a little more than it may take"
            )
        ]

    @pytest.mark.parametrize("limit", ["TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds"])
    def test_accepts_a_limit_of_the_task(self, limit: str) -> None:
        assert said(self.ID, {"Pay": task(**{limit: 5})}) == []

    def test_accepts_a_limit_of_the_whole_and_express_workflows(self) -> None:
        assert said(self.ID, {"Pay": task()}, TimeoutSeconds=60) == []
        assert said(self.ID, {"Pay": task()}, kind="EXPRESS") == []

    def test_says_when_the_definition_is_not_known(self) -> None:
        assert judged(self.ID, {"Machine": resource(MACHINE)}) == [
            (
                f"unknown: whether its tasks end in time\n{AT}\n"
                "  why: the definition is not known: the state machine has none"
            )
        ]


class TestTasksOutlastTheirFunctions:
    ID = "tasks-outlast-their-functions"

    def said(self, limit: object, name: str = "arn:aws:states:::lambda:invoke", timeout: object = 30) -> list[str]:
        states = {"Pay": task(Resource=name, Parameters={"FunctionName": "${F}"}, TimeoutSeconds=limit)}
        put = {"F": arn("Send")}
        machine = resource(MACHINE, DefinitionString=json.dumps({"States": states}), DefinitionSubstitutions=put)
        resources = {"Machine": machine, "Send": function(Timeout=timeout)}
        return judged(self.ID, resources, Parameters={"Seconds": {"Type": "Number"}})

    @pytest.mark.parametrize("name", ["arn:aws:states:::lambda:invoke", "${F}"])
    def test_warns_of_a_task_that_gives_up_before_its_function(self, name: str) -> None:
        assert self.said(29, name) == [
            (
                "warning: task Pay gives up after 29 s, and its function Send may take 30 s: it would be tried again "
                "while it still runs\n"
                f"{AT} States.Pay.TimeoutSeconds\n"
                "  fix: set TimeoutSeconds of the task to 30 s or more, or lower that of the function"
            )
        ]

    def test_accepts_the_same_time(self) -> None:
        assert self.said(30) == []

    def test_accepts_a_task_that_waits_for_a_token(self) -> None:
        assert self.said(5, "arn:aws:states:::lambda:invoke.waitForTaskToken") == []

    def test_is_silent_when_the_timeout_is_not_known(self) -> None:
        assert self.said(5, timeout=ref("Seconds")) == []
        assert self.said("{% $limit %}") == []

    def test_counts_the_timeout_that_lambda_gives(self) -> None:
        unset = {"Ref": "AWS::NoValue"}
        assert self.said(3, timeout=unset) == []
        assert len(self.said(2, timeout=unset)) == 1

    def test_looks_at_workflows_alone(self) -> None:
        rule = resource("AWS::Events::Rule", Targets=[{"Id": "T", "Arn": arn("Send")}])
        assert judged(self.ID, {"Rule": rule, "Send": function()}) == []
