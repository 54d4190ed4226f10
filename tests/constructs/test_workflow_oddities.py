"""What is written oddly and accepted runs on the embedded AWS as it is written, roles enforced."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sqs as sqs

from constructs_lib import (
    DynamoTable,
    Workflow,
    choice,
    delete_item,
    each,
    fail,
    parallel,
    put_item,
    send,
    succeed,
    wait,
    when,
)
from constructs_lib.local import LocalAws

PATIENCE_SECONDS = 20
TABLES = 50  # more than one policy of a role can name
ODD = 'it\'s "odd" \\ {% {x} %}'


def compose(stack: cdk.Stack) -> None:
    tables = [DynamoTable(stack, f"Table{number}", partition_key="id") for number in range(TABLES)]
    fifo = sqs.Queue(stack, "Fifo", fifo=True, enforce_ssl=True)
    standard = sqs.Queue(stack, "Standard", enforce_ssl=True)
    number: Any = cdk.CfnParameter(stack, "Number", type="Number", default=2).value_as_number
    key = {"id": "{% $states.input.id %}"}
    Workflow(
        stack,
        "Many",
        steps=[put_item(f"Put {at}", table, key) for at, table in enumerate(tables)],
    )
    Workflow(
        stack,
        "Odd",
        steps=[
            put_item(
                ODD,
                tables[0],
                {
                    "id": "{% 'odd' %}",
                    "n": number,
                    "text": "{% $replace($states.input.text, /[\"']/, $states.input.by) %}",
                },
                undo=delete_item(f"Undo {ODD}", tables[0], {"id": "odd"}),
            ),
            wait("Until long ago", until="2020-02-29T06:00:00.5+01:00"),
            each(
                "All",
                items="{% $states.input.all %}",
                max_concurrency=number,
                result="sent",
                do=[
                    send(
                        "In order",
                        fifo,
                        message={"at": "{% $states.input %}"},
                        group="{% 'group-' & $states.input %}",
                        deduplication_id="{% $states.context.Execution.Name & '-' & $states.input %}",
                        result="told",
                    )
                ],
            ),
            parallel(
                "A",
                [
                    put_item(
                        "A: 1 ", tables[1], {"id": "branch"}, undo=delete_item("Undo it", tables[1], {"id": "branch"})
                    )
                ],
                [choice("A: 3", when("{% $states.input.quiet %}"), otherwise=[send("Fair", standard, group="tenant")])],
            ),
            choice(
                "Fails?",
                when(
                    "{% $states.input.fails %}",
                    then=[fail("No", error="No", cause="{% 'no: ' & $states.input.text %}")],
                ),
            ),
            succeed("Yes", output={"sent": "{% $count($sent.told.MessageId) %}", "number": number}),
        ],
    )
    for name in ("Many", "Odd"):
        workflow = stack.node.find_child(name)
        assert isinstance(workflow, Workflow)
        cdk.CfnOutput(stack, f"{name}Arn", value=workflow.state_machine_arn)
    for at in (0, 1, TABLES - 1):
        cdk.CfnOutput(stack, f"Table{at}Name", value=tables[at].table_name)
    cdk.CfnOutput(stack, "FifoUrl", value=fifo.queue_url)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("oddities")
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    compose(cdk.Stack(app, "Shop"))
    app.synth()
    with LocalAws.from_assembly(Path(folder)) as running:
        yield running


def execute(aws: LocalAws, workflow: str, value: Any) -> dict[str, Any]:
    client = aws.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=aws.outputs["Shop"][f"{workflow}Arn"], input=json.dumps(value))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        told: dict[str, Any] = client.describe_execution(executionArn=arn["executionArn"])
        if told["status"] != "RUNNING" or time.monotonic() > deadline:
            return told
        time.sleep(0.05)


def items(aws: LocalAws, table: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws.client("dynamodb").scan(TableName=aws.outputs["Shop"][f"Table{table}Name"])[
        "Items"
    ]
    return found


def test_a_role_whose_policies_were_split_may_do_all_of_it(aws: LocalAws) -> None:
    told = execute(aws, "Many", {"id": "many"})
    assert told["status"] == "SUCCEEDED", told
    assert [item["id"]["S"] for item in items(aws, TABLES - 1)] == ["many"]


def test_odd_names_and_expressions_run(aws: LocalAws) -> None:
    value = {"text": "it's", "by": "!", "all": [1, 2, 3], "quiet": False, "fails": False}
    told = execute(aws, "Odd", value)
    assert told["status"] == "SUCCEEDED", told
    assert json.loads(told["output"]) == {"sent": 3, "number": 2}
    assert {"id": {"S": "odd"}, "n": {"N": "2"}, "text": {"S": "it!s"}} in items(aws, 0)
    queue = aws.client("sqs")
    received = queue.receive_message(QueueUrl=aws.outputs["Shop"]["FifoUrl"], MaxNumberOfMessages=10)["Messages"]
    assert sorted(json.loads(each_["Body"])["at"] for each_ in received) == [1, 2, 3]


def test_what_was_done_oddly_is_undone(aws: LocalAws) -> None:
    value = {"text": "it's", "by": "!", "all": [], "quiet": True, "fails": True}
    told = execute(aws, "Odd", value)
    assert (told["status"], told.get("error"), told.get("cause")) == ("FAILED", "No", "no: it's")
    assert "odd" not in {item["id"]["S"] for item in items(aws, 0)}
    assert "branch" not in {item["id"]["S"] for item in items(aws, 1)}
