"""A batch whose handler is killed, hangs or is timed out: nothing is lost, nothing has its effect twice."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import aws_cdk as cdk
import pytest

from constructs_lib import DynamoTable, QueueWorker
from constructs_lib.local import LocalAws
from tests.end_to_end.deployed_queue import DeployedQueue, eventually


def fill(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Fragile")
    seen = DynamoTable(stack, "Seen", partition_key="id")
    worker = QueueWorker(
        stack,
        "Worker",
        entry="tests/end_to_end/handlers/fragile.ts",
        idempotent=True,
        timeout=cdk.Duration.seconds(3),
        visibility_timeout=cdk.Duration.seconds(6),
    )
    seen.grant(worker, "UpdateItem", env="SEEN_TABLE")


@pytest.fixture(scope="module")
def fragile(synthesize: Callable[[Callable[[cdk.App], object]], Path]) -> Iterator[LocalAws]:
    with LocalAws.from_assembly(synthesize(fill)) as aws:
        yield aws


def counts(fragile: LocalAws, name: str, ids: list[str]) -> list[int]:
    """How often each message was started, or done."""
    [table] = [each for each in fragile.client("dynamodb").list_tables()["TableNames"] if "SeenTable" in each]
    items = fragile.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    found = {item["id"]["S"]: int(item.get(name, {"N": "0"})["N"]) for item in items}
    return [found.get(each, 0) for each in ids]


def warm_up(fragile: LocalAws, queue: DeployedQueue) -> None:
    """Have one message handled; a batch that waits for a cold start may come a second time meanwhile."""
    first = f"warm-{uuid.uuid4()}"
    queue.send(json.dumps({"id": first}))
    assert eventually(lambda: counts(fragile, "done", [first]), lambda done: 0 not in done) == [1]
    assert queue.is_drained()


def handled_with(fragile: LocalAws, first_time: str) -> list[str]:
    """Send five messages, of which the third misbehaves when it comes for the first time, and wait for all."""
    queue = DeployedQueue(fragile, "Fragile-WorkerQueue")
    warm_up(fragile, queue)
    ids = [f"{number}-{first_time}-{uuid.uuid4()}" for number in range(5)]
    with queue.held_back():
        queue.send(*(json.dumps({"id": each} | ({"first_time": first_time} if each == ids[2] else {})) for each in ids))
    assert eventually(lambda: counts(fragile, "done", ids), lambda done: 0 not in done) == [1] * 5
    assert queue.is_drained()
    assert DeployedQueue(fragile, "Fragile-WorkerDeadLetters").is_drained()
    return ids


@pytest.mark.parametrize("first_time", ["die", "spin"])
def test_a_handler_ended_in_the_middle_of_a_batch_loses_nothing_and_repeats_nothing(
    fragile: LocalAws, first_time: str
) -> None:
    """Killed by itself, or by Lambda at its timeout: what was done before is remembered, what was not is done."""
    ids = handled_with(fragile, first_time)
    assert counts(fragile, "started", ids) == [1, 1, 2, 1, 1]
    assert counts(fragile, "done", ids) == [1] * 5


def test_a_worker_that_runs_out_of_time_hands_back_the_rest(fragile: LocalAws) -> None:
    ids = handled_with(fragile, "hang")
    assert counts(fragile, "started", ids) == [1, 1, 2, 1, 1]
    assert counts(fragile, "done", ids) == [1] * 5
    lines = [json.loads(line) for line in fragile.logs("Fragile/Worker/Function", until="not started")]
    reasons = [line["reason"] for line in lines if line.get("message") == "record failed and comes back"]
    assert len([reason for reason in reasons if reason.startswith("given up after")]) == 1
    assert len([reason for reason in reasons if reason.endswith("were left: not started, comes back unharmed")]) == 2
