"""Workflows on the embedded AWS, roles enforced: what the interpreter says of them is what happens there, too."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_sqs as sqs
from botocore.config import Config

from constructs_lib import (
    DynamoTable,
    Step,
    Workflow,
    choice,
    delete_item,
    each,
    fail,
    get_item,
    parallel,
    put_item,
    run,
    send,
    succeed,
    update_item,
    wait,
    when,
)
from constructs_lib.local import LocalAws

PATIENCE_SECONDS = 20


def leave(name: str, table: DynamoTable, id_: str) -> Step:
    """An effect, which may be there once, and what takes it back."""
    key = {"id": f"{{% {id_} %}}"}
    undo = delete_item(f"Undo {name}", table, key)
    return put_item(name, table, {**key, "by": name}, condition="attribute_not_exists(id)", undo=undo)


def compose(stack: cdk.Stack) -> None:
    effects = DynamoTable(stack, "Effects", partition_key="id")
    queue = sqs.Queue(stack, "Queue", enforce_ssl=True)
    in_stock = choice(
        "In stock?",
        when("{% $states.input.stock > 0 %}", then=[send("Tell the warehouse", queue)]),
        otherwise=[fail("Out of stock", error="OutOfStock", cause="{% 'none of ' & $states.input.id & ' left' %}")],
    )
    fulfil = Workflow(
        stack,
        "Fulfil",
        steps=[
            leave("Reserve", effects, "$states.input.id & '/reserved'"),
            parallel(
                "Both",
                [leave("Charge", effects, "$states.input.id & '/charged'")],
                [wait("A moment", seconds=0), leave("Book", effects, "$states.input.id & '/booked'")],
            ),
            each("Parcels", items="{% $states.input.parcels %}", do=[leave("Label", effects, "$states.input")]),
            in_stock,
            get_item("Look", effects, {"id": "{% $states.input.id & '/charged' %}"}, result="charge"),
            update_item(
                "Mark",
                effects,
                {"id": "{% $states.input.id & '/charged' %}"},
                update="SET #s = :s",
                names={"#s": "state"},
                values={":s": "done"},
                returned="ALL_NEW",
                result="marked",
            ),
            succeed("Done", output={"by": "{% $charge.by.S %}", "state": "{% $marked.state.S %}"}),
        ],
    )
    around = Workflow(
        stack,
        "Around",
        steps=[
            run("Run", fulfil, timeout=cdk.Duration.minutes(1), result="told"),
            succeed("Said", output="{% $told %}"),
        ],
    )
    asking = Workflow(
        stack,
        "Asking",
        steps=[
            send("Ask", queue, callback=True, timeout=cdk.Duration.seconds(30), result="answer"),
            succeed("Answered", output="{% $answer %}"),
        ],
    )
    quick = Workflow(
        stack,
        "Quick",
        express=True,
        steps=[
            each(
                "All",
                items="{% $states.input.ids %}",
                do=[get_item("Get", effects, {"id": "{% $states.input %}"}, result="item")],
                result="items",
            ),
            succeed("Got", output="{% [$items.(item = null ? 'none' : item.by.S)] %}"),
        ],
    )
    for workflow in (fulfil, around, asking, quick):
        cdk.CfnOutput(stack, f"{workflow.node.id}Arn", value=workflow.state_machine_arn)
    cdk.CfnOutput(stack, "Table", value=effects.table_name)
    cdk.CfnOutput(stack, "QueueUrl", value=queue.queue_url)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("workflow")
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    compose(cdk.Stack(app, "Shop"))
    app.synth()
    with LocalAws.from_assembly(Path(folder)) as running:
        yield running


def execute(aws: LocalAws, workflow: str, value: Any) -> dict[str, Any]:
    client = aws.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=aws.outputs["Shop"][f"{workflow}Arn"], input=json.dumps(value))
    return outcome(aws, arn["executionArn"])


def outcome(aws: LocalAws, arn: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        told: dict[str, Any] = aws.client("stepfunctions").describe_execution(executionArn=arn)
        if told["status"] != "RUNNING" or time.monotonic() > deadline:
            return told
        time.sleep(0.05)


def left(aws: LocalAws, prefix: str) -> set[str]:
    items = aws.client("dynamodb").scan(TableName=aws.outputs["Shop"]["Table"])["Items"]
    return {item["id"]["S"] for item in items if item["id"]["S"].startswith(prefix)}


def order(name: str, **changes: Any) -> dict[str, Any]:
    return {"id": name, "stock": 1, "parcels": [f"{name}/1", f"{name}/2"], **changes}


def message(aws: LocalAws) -> Any:
    sqs_client, url = aws.client("sqs"), aws.outputs["Shop"]["QueueUrl"]
    [received] = sqs_client.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    sqs_client.delete_message(QueueUrl=url, ReceiptHandle=received["ReceiptHandle"])
    return json.loads(received["Body"])


def test_what_is_done_stays_when_nothing_fails(aws: LocalAws) -> None:
    told = execute(aws, "Fulfil", order("well"))
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", {"by": "Charge", "state": "done"})
    assert left(aws, "well") == {"well/reserved", "well/charged", "well/booked", "well/1", "well/2"}
    assert message(aws) == order("well")


def test_a_branch_that_fails_undoes_everything(aws: LocalAws) -> None:
    told = execute(aws, "Fulfil", order("out", stock=0))
    assert (told["status"], told["error"], told["cause"]) == ("FAILED", "OutOfStock", "none of out left")
    assert left(aws, "out") == set()


def test_a_condition_that_cannot_be_evaluated_undoes_everything(aws: LocalAws) -> None:
    told = execute(aws, "Fulfil", order("odd", stock="many"))
    assert (told["status"], told["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert left(aws, "odd") == set()


@pytest.mark.parametrize("taken", ["reserved", "charged", "booked", "1", "2"])
def test_a_step_that_fails_is_not_undone_and_all_before_it_is(aws: LocalAws, taken: str) -> None:
    name = f"taken-{taken}"
    table = aws.outputs["Shop"]["Table"]
    aws.client("dynamodb").put_item(TableName=table, Item={"id": {"S": f"{name}/{taken}"}})
    told = execute(aws, "Fulfil", order(name))
    assert (told["status"], told["error"]) == ("FAILED", "DynamoDB.ConditionalCheckFailedException")
    assert left(aws, name) == {f"{name}/{taken}"}


def test_a_workflow_inside_another_answers_with_its_output(aws: LocalAws) -> None:
    told = execute(aws, "Around", order("inner"))
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", {"by": "Charge", "state": "done"})
    assert message(aws) == order("inner")


def test_a_callback_ends_a_step_that_waits(aws: LocalAws) -> None:
    client = aws.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=aws.outputs["Shop"]["AskingArn"], input='{"question": 1}')[
        "executionArn"
    ]
    asked = message(aws)
    assert asked["input"] == {"question": 1}
    client.send_task_success(taskToken=asked["token"], output='{"answer": 42}')
    told = outcome(aws, arn)
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", {"answer": 42})


def test_an_express_workflow_answers_at_once(aws: LocalAws) -> None:
    table = aws.outputs["Shop"]["Table"]
    aws.client("dynamodb").put_item(TableName=table, Item={"id": {"S": "express"}, "by": {"S": "hand"}})
    client = boto3.client(
        "stepfunctions",
        endpoint_url=aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(inject_host_prefix=False),  # botocore would put `sync-` before 127.0.0.1
    )
    told = client.start_sync_execution(
        stateMachineArn=aws.outputs["Shop"]["QuickArn"], input='{"ids": ["express", "nothing"]}'
    )
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", ["hand", "none"])
