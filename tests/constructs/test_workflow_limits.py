"""Waits, retries, handlers and items beyond what Step Functions does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn

from constructs_lib import (
    PropError,
    Retry,
    SecureFunction,
    Workflow,
    choice,
    each,
    from_bucket,
    on,
    run,
    step,
    wait,
    when,
)
from tests.constructs.workflows import HOUR, refused, shape

NO_DATES = ("2026-02-29T06:00:00Z", "2026-13-01T06:00:00Z", "2026-12-01T24:00:00Z")


class TestRefusals:
    def test_waiting_for_others_without_a_timeout(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert refused(stack, step("Ask", function, callback=True)) == shape(
            "'Ask' waits for somebody else, for as long as a year",
            "say how long that may take: timeout=Duration.hours(1)",
        )

    def test_waiting_for_a_token_nobody_gets(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'Ask' waits for its task token, and does not send it to anybody" in refused(
            stack, step("Ask", function, payload={"a": 1}, callback=True, timeout=HOUR)
        )

    def test_a_token_that_is_sent_as_text(self, stack: cdk.Stack, function: SecureFunction) -> None:
        text = {"token": "$states.context.Task.Token"}
        assert "'Ask' waits for its task token, and does not send it to anybody" in refused(
            stack, step("Ask", function, payload=text, callback=True, timeout=HOUR)
        )

    def test_a_heartbeat_as_long_as_the_timeout(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'Ask' has a heartbeat of 3600 s and a timeout of 3600 s" in refused(
            stack, step("Ask", function, callback=True, timeout=HOUR, heartbeat=HOUR)
        )

    def test_a_heartbeat_without_somebody_to_send_it(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'A' has a heartbeat, and nobody to send one" in refused(
            stack, step("A", function, heartbeat=cdk.Duration.seconds(1))
        )

    @pytest.mark.parametrize(
        ("retry", "text"),
        [
            (Retry(), "'A' retries no error"),
            (Retry("States.ALL"), "'A' retries any error"),
            (Retry(""), "'A' retries no error"),
            (Retry("Busy", retries=0), "Retry(...) of 'A' has retries 0, wanted 1 to 99999999"),
            (Retry("Busy", retries=2.5), "Retry(...) of 'A' has retries 2.5, wanted a whole number"),  # type: ignore[arg-type]  # the point
            (Retry("Busy", retries=True), "Retry(...) of 'A' has retries True, wanted a whole number"),
            (Retry("Busy", first_wait_seconds=0), "has first_wait_seconds 0, wanted 1 to 31622398"),
            (Retry("Busy", longest_wait_seconds=31_622_400), "has longest_wait_seconds 31622400, wanted 1 to 31622399"),
            (Retry("Busy", backoff=0.5), "has backoff 0.5, wanted a number, 1 or more"),
            (Retry("Busy", backoff=float("nan")), "has backoff nan, wanted a number, 1 or more"),
            (Retry("Busy", backoff=float("inf")), "has backoff inf, wanted a number, 1 or more"),
            (Retry("Busy", longest_wait_seconds=2), "'A' waits 2 s first and 2 s at the longest"),
        ],
    )
    def test_retries_that_make_no_sense(
        self, stack: cdk.Stack, function: SecureFunction, retry: Retry, text: str
    ) -> None:
        assert text in refused(stack, step("A", function, retry=[retry]))

    def test_catching_any_error_before_others(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert "'A' handles States.ALL first" in refused(
            stack, step("A", function, catch=[on("States.ALL"), on("Busy")])
        )

    @pytest.mark.parametrize("errors", [(), ("",), ("States.ALL", "Busy")])
    def test_catching_nothing_or_any_error_and_more(
        self, stack: cdk.Stack, function: SecureFunction, errors: Sequence[str]
    ) -> None:
        assert f"'A' handles {errors!r}" in refused(stack, step("A", function, catch=[on(*errors)]))

    def test_undoing_with_a_step_that_wants_more_than_to_undo(self, stack: cdk.Stack, function: SecureFunction) -> None:
        undo = step("Refund", function, result="x")
        assert "'Refund' undoes 'A', and cannot have result" in refused(
            stack, step("A", function, undo=undo), step("B", function)
        )

    def test_a_condition_that_is_no_expression(self, stack: cdk.Stack) -> None:
        assert "'If?' has the condition 'stock > 0', which is no expression" in refused(
            stack, choice("If?", when("stock > 0"))
        )

    @pytest.mark.parametrize("props", [{}, {"seconds": 1, "until": "2026-12-01T06:00:00Z"}])
    def test_a_wait_for_nothing_or_for_two_things(self, stack: cdk.Stack, props: dict[str, Any]) -> None:
        assert "'W' needs either seconds or until" in refused(stack, wait("W", **props))

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (-1, "'W' waits -1 s, wanted 0 to 99999999"),
            (100_000_000, "'W' waits 100000000 s, wanted 0 to 99999999"),
            ("5", "'W' waits for '5', wanted a whole number of seconds"),
            (2.5, "'W' waits for 2.5, wanted a whole number of seconds"),
            (True, "'W' waits for True, wanted a whole number of seconds"),
        ],
    )
    def test_a_wait_of_no_number_of_seconds(self, stack: cdk.Stack, seconds: Any, text: str) -> None:
        assert text in refused(stack, wait("W", seconds=seconds))

    def test_a_wait_of_a_duration_says_how_many_seconds_it_has(self, stack: cdk.Stack) -> None:
        duration: Any = cdk.Duration.minutes(2)
        assert refused(stack, wait("W", seconds=duration)) == shape(
            "'W' waits for a Duration, wanted a whole number of seconds", "write the number of seconds: seconds=120"
        )

    def test_a_wait_of_text_that_the_deployment_knows(self, stack: cdk.Stack) -> None:
        text = refused(stack, wait("W", seconds=stack.account))
        assert "wanted a whole number of seconds" in text
        assert "fix: pass the number itself: parameter.value_as_number" in text

    @pytest.mark.parametrize("seconds", [0, 99_999_999, "{% 5 %}"])
    def test_accepts_seconds_up_to_the_last(self, stack: cdk.Stack, seconds: int | str) -> None:
        assert Workflow(stack, "Fulfil", steps=[wait("W", seconds=seconds)])

    @pytest.mark.parametrize(
        "until",
        [
            "tomorrow",
            "2026-12-01",
            "2026-12-01T06:00:00",
            "2026-12-01t06:00:00z",
            "2026-02-29T06:00:00Z",
            "2026-13-01T06:00:00Z",
            "2026-12-01T24:00:00Z",
            "",
            5,
        ],
    )
    def test_a_wait_until_no_point_in_time(self, stack: cdk.Stack, until: Any) -> None:
        assert refused(stack, wait("W", until=until)) == shape(
            f"'W' waits until {until!r}, which is no timestamp",
            'write one with its zone, until="2026-12-01T06:00:00Z", or an expression',
        )

    @pytest.mark.parametrize("until", ["2026-12-01T06:00:00Z", "2028-02-29T23:59:59.123456789+01:00", "{% $now() %}"])
    def test_accepts_timestamps_with_a_zone(self, stack: cdk.Stack, until: str) -> None:
        assert Workflow(stack, "Fulfil", steps=[wait("W", until=until)])

    def test_accepts_numbers_that_the_deployment_knows(self, stack: cdk.Stack, function: SecureFunction) -> None:
        number: Any = cdk.CfnParameter(stack, "Number", type="Number", default=7).value_as_number
        retry = Retry("Busy", retries=number, first_wait_seconds=number, backoff=number, longest_wait_seconds=number)
        workflow = Workflow(
            stack,
            "Fulfil",
            steps=[
                step("A", function, retry=[retry], payload={"number": number}),
                wait("W", seconds=number),
                each("E", items=[number], do=[wait("V", seconds=1)], max_concurrency=number),
                each(
                    "D",
                    items=[1],
                    do=[wait("U", seconds=1)],
                    max_concurrency=number,
                    distributed=True,
                    tolerated_failure_percentage=number,
                ),
            ],
        )
        cfn = workflow.state_machine.node.default_child
        assert isinstance(cfn, sfn.CfnStateMachine)
        assert stack.resolve(cfn.definition_string)["Fn::Join"][1].count({"Ref": "Number"}) == 10

    @pytest.mark.parametrize("what", ["timeout", "heartbeat"])
    def test_a_time_without_end_or_beginning(self, stack: cdk.Stack, function: SecureFunction, what: str) -> None:
        times: dict[str, Any] = {"timeout": HOUR, "heartbeat": cdk.Duration.seconds(9)}
        none = step("A", function, callback=True, **(times | {what: cdk.Duration.seconds(0)}))
        long = step("B", function, callback=True, **(times | {what: cdk.Duration.days(1158)}))
        text = refused(stack, none, long)
        assert f"'A' has a {what} of 0 s\n" in text
        assert f"'B' has a {what} of 100051200 s, wanted 99999999 at most\n" in text

    @pytest.mark.parametrize(
        ("props", "text"),
        [
            ({"max_concurrency": 41}, "has max_concurrency 41, wanted 1 to 40"),
            ({"max_concurrency": 0}, "has max_concurrency 0, wanted 1 to 40"),
            ({"max_concurrency": "3"}, "has max_concurrency '3', wanted a whole number"),
            ({"max_concurrency": 2.5}, "has max_concurrency 2.5, wanted a whole number"),
            ({"max_concurrency": 10_001, "distributed": True}, "wanted 1 to 10000"),
            ({"tolerated_failure_percentage": 5}, "tolerates failures, and is not distributed"),
            ({"tolerated_failure_percentage": 101, "distributed": True}, "tolerates 101 % failures, wanted 0 to 100"),
            (
                {"tolerated_failure_percentage": 2.5, "distributed": True},
                "tolerates 2.5 % failures, wanted a whole number",
            ),
            ({"items": "all"}, "has the items 'all', which is no list"),
            ({"items": 5}, "has the items 5, which is no list"),
            ({"items": {"a": 1}}, "has the items a dict, which is no list"),
            ({"items": None}, "has the items None, which is no list"),
        ],
    )
    def test_items_beyond_what_step_functions_does(self, stack: cdk.Stack, props: dict[str, Any], text: str) -> None:
        assert text in refused(stack, each("All", **{"items": [1], "do": [wait("W", seconds=1)], **props}))

    @pytest.mark.parametrize(
        ("key", "text"),
        [
            ("{% $states.input.key %}", "the key '{% $states.input.key %}' is computed"),
            ("prices/*", "the key 'prices/*' is a pattern to IAM"),
            ("price?.csv", "the key 'price?.csv' is a pattern to IAM"),
            ("${aws:username}", "the key '${aws:username}' is a pattern to IAM"),
            ("", "the key is '', wanted text"),
            (None, "the key is None, wanted text"),
        ],
    )
    def test_items_of_more_than_one_object(self, stack: cdk.Stack, key: Any, text: str) -> None:
        with pytest.raises(PropError) as caught:
            from_bucket(s3.Bucket(stack, "Bucket"), key)
        assert text in str(caught.value)

    def test_items_in_an_unknown_format(self, stack: cdk.Stack) -> None:
        format_: Any = "XML"
        with pytest.raises(PropError) as caught:
            from_bucket(s3.Bucket(stack, "Bucket"), "a.xml", format=format_)
        assert str(caught.value) == (
            "the format is 'XML', wanted one of CSV, JSON, JSONL\n  at:  from_bucket(...)\n  fix: choose one of them"
        )

    def test_items_of_a_bucket_one_by_one(self, stack: cdk.Stack) -> None:
        items = from_bucket(s3.Bucket(stack, "Bucket"), "a.json")
        assert "'All' takes items from a bucket" in refused(stack, each("All", items=items, do=[wait("W", seconds=1)]))

    def test_undoing_distributed_items(self, stack: cdk.Stack, function: SecureFunction) -> None:
        inside = [step("A", function, undo=function), step("B", function)]
        assert "'All' is distributed: its items could not be undone from here" in refused(
            stack, each("All", items=[1], do=inside, distributed=True)
        )

    def test_distributed_steps_that_could_not_be_told_apart(self, stack: cdk.Stack) -> None:
        one, two = (
            each(name, items=[1], do=[wait(f"W{name}", seconds=1)], distributed=True) for name in ("A b", "a B")
        )
        assert "2 distributed steps have the label 'AB'" in refused(stack, one, two)

    @pytest.mark.parametrize(
        "make",
        [
            lambda function, _: step("A", function, callback=True, timeout=HOUR),
            lambda _, other: run("A", other, timeout=HOUR),
            lambda function, _: step("A", function, timeout=HOUR),
            lambda *_: each("A", items=[1], do=[wait("B", seconds=1)], distributed=True),
            lambda *_: wait("A", seconds=301),
        ],
    )
    def test_what_an_express_workflow_cannot_do(self, stack: cdk.Stack, function: SecureFunction, make: Any) -> None:
        other = Workflow(stack, "Other", steps=[wait("A while", seconds=1)])
        text = refused(stack, make(function, other), express=True)
        assert "and an express workflow lives five minutes and waits for nobody" in text

    def test_undoing_in_an_express_workflow(self, stack: cdk.Stack, function: SecureFunction) -> None:
        steps = [step("A", function, undo=function), step("B", function)]
        assert "an express workflow with undo is stopped after five minutes" in refused(stack, *steps, express=True)

    def test_waiting_for_an_express_workflow(self, stack: cdk.Stack) -> None:
        other = Workflow(stack, "Other", steps=[wait("A while", seconds=1)], express=True)
        assert "'Run' waits for an express workflow" in refused(stack, run("Run", other, timeout=HOUR))

    def test_a_callback_granted_where_nobody_waits(self, stack: cdk.Stack, function: SecureFunction) -> None:
        workflow = Workflow(stack, "Fulfil", steps=[wait("A while", seconds=1)])
        with pytest.raises(PropError, match="no step waits for a task token"):
            workflow.grant_callback(function)
