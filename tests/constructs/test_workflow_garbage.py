"""Whatever is passed wherever: a workflow is made of it, or refuses it in three lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs_lib import (
    DynamoTable,
    PropError,
    Retry,
    SecureFunction,
    Step,
    Waived,
    Workflow,
    call,
    choice,
    delete_item,
    each,
    fail,
    from_bucket,
    get_item,
    on,
    parallel,
    publish,
    put_event,
    put_item,
    run,
    send,
    start,
    step,
    succeed,
    update_item,
    wait,
    when,
)
from tests.constructs.workflows import ENTRY, HOUR

A_WAIT = wait("A wait", seconds=1)
WAITING = ("callback", "heartbeat")
AT_ONCE = ("max_concurrency", "tolerated_failure_percentage")
TASK = ("result", "retry", "catch", "undo", "timeout")


def garbage(stack: cdk.Stack) -> list[Any]:
    """What nobody means to pass, and what somebody does."""
    plain = [None, 0, -1, 2.5, True, "", "x", "{% $x %}", "{% ( %}", "{% 1 %}", "\ud800", b"x", 2**70]
    odd = [float("nan"), float("inf"), object(), object, Path(), Decimal(1), iter([]), range(3), print, ValueError("x")]
    nested = [[], [1], (), {}, {"a": 1}, {1: 2}, set(), [[[]]], {"a": {"b": [None]}}]
    recipe = [Retry, Retry("X"), [Retry("X")], on("X"), [on("X")], A_WAIT, [A_WAIT], when("{% true %}"), Waived("why")]
    statement = iam.PolicyStatement(actions=["a:b"], resources=["*"])
    of_cdk = [
        cdk.Duration,
        cdk.Duration.seconds(5),
        cdk.Size.mebibytes(1),
        stack,
        stack.account,
        statement,
        [statement],
    ]
    number = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
    late = [number, cdk.Fn.get_att("Other", "Arn")]
    return [*plain, *odd, *nested, *recipe, *of_cdk, [statement], *late, cdk.RemovalPolicy.DESTROY]


Maker = Callable[[dict[str, Any]], Step]


def makers(stack: cdk.Stack) -> dict[str, tuple[Maker, dict[str, Any], Sequence[str]]]:
    """Every way to write a step, what it needs, and what it may be given besides."""
    function = SecureFunction(stack, "Function", entry=ENTRY)
    queue, topic = sqs.Queue(stack, "Queue", fifo=True), sns.Topic(stack, "Topic")
    bus, bucket = events.EventBus(stack, "Bus"), s3.Bucket(stack, "Bucket")
    table = {"name": "n", "table": DynamoTable(stack, "Orders", partition_key="id")}
    other = {"name": "n", "workflow": Workflow(stack, "Other", steps=[A_WAIT])}
    key = {**table, "key": {"id": "1"}}
    expressions = ("condition", "names", "values")
    items = {"name": "n", "items": [1], "do": [A_WAIT]}
    return {
        "step": (
            lambda it: step(**it),
            {"name": "n", "function": function},
            ["payload", "callback", "heartbeat", *TASK],
        ),
        "send": (
            lambda it: send(**it),
            {"name": "n", "queue": queue, "group": "a", "deduplication_id": "b"},
            ["message", *WAITING],
        ),
        "publish": (
            lambda it: publish(**it),
            {"name": "n", "topic": topic},
            ["message", "attributes", "group", "deduplication_id"],
        ),
        "put_event": (
            lambda it: put_event(**it),
            {"name": "n", "bus": bus, "source": "a", "detail_type": "b"},
            ["detail"],
        ),
        "put_item": (lambda it: put_item(**it), {**table, "item": {"id": "1"}}, expressions),
        "get_item": (lambda it: get_item(**it), key, ["consistent"]),
        "update_item": (lambda it: update_item(**it), {**key, "update": "REMOVE x"}, [*expressions, "returned"]),
        "delete_item": (lambda it: delete_item(**it), key, expressions),
        "run": (lambda it: run(**it), {**other, "timeout": HOUR}, ["input"]),
        "start": (lambda it: start(**it), other, ["input"]),
        "call": (lambda it: call(**it), {"name": "n", "api": "aws-sdk:x:y", "arguments": {}, "allow": []}, []),
        "choice": (
            lambda it: choice(it.pop("name"), it.pop("way"), **it),
            {"name": "n", "way": when("{% true %}")},
            ["otherwise"],
        ),
        "when": (lambda it: choice("n", when(**it)), {"condition": "{% true %}"}, ["then"]),
        "on": (lambda it: step("n", function, catch=[on(it.pop("error"), **it)]), {"error": "X"}, ["do", "result"]),
        "Retry": (
            lambda it: step("n", function, retry=[Retry(it.pop("error"), **it)]),
            {"error": "X"},
            ["retries", "first_wait_seconds", "backoff", "longest_wait_seconds"],
        ),
        "parallel": (lambda it: parallel(*it.values()), {"name": "n", "branch": [A_WAIT]}, []),
        "each": (
            lambda it: each(**it),
            items,
            ["result", "max_concurrency", "distributed", "tolerated_failure_percentage"],
        ),
        "distributed": (lambda it: each(**it), {**items, "distributed": True}, AT_ONCE),
        "wait": (lambda it: wait(**it), {"name": "n", "seconds": 1}, []),
        "until": (lambda it: wait(**it), {"name": "n", "until": "2026-12-01T06:00:00Z"}, []),
        "succeed": (lambda it: succeed(**it), {"name": "n"}, ["output"]),
        "fail": (lambda it: fail(**it), {"name": "n", "error": "e", "cause": "c"}, []),
        "from_bucket": (
            lambda it: each("n", items=from_bucket(**it), do=[A_WAIT], distributed=True),
            {"bucket": bucket, "key": "a"},
            ["format"],
        ),
    }


@pytest.mark.parametrize(
    "kind",
    [
        *("step", "send", "publish", "put_event", "put_item", "get_item", "update_item", "delete_item", "run", "start"),
        *(
            "call",
            "choice",
            "when",
            "on",
            "Retry",
            "parallel",
            "each",
            "distributed",
            "wait",
            "until",
            "succeed",
            "fail",
        ),
        "from_bucket",
    ],
)
def test_a_workflow_is_made_or_refused(stack: cdk.Stack, kind: str) -> None:
    everything, things = makers(stack), garbage(stack)
    make, needed, optional = everything[kind]
    accepted = refused = 0
    for argument in (*needed, *optional):
        for thing in things:
            try:
                Workflow(stack, f"Made{accepted}", steps=[make({**needed, argument: thing})])
                accepted += 1
            except PropError as error:
                refused += 1
                for problem in error.problems:
                    assert problem.what, (argument, thing)
                    assert "\n" not in problem.what, (argument, thing)
                    assert "object at 0x" not in problem.what, (argument, thing)
    assert accepted > 0
    assert refused > accepted
