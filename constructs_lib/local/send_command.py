"""The `local send` command: one message to one queue."""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from constructs_lib.local.aws_clients import errors_explained
from constructs_lib.local.deployed_names import QUEUE, named
from constructs_lib.local.running import RunningAws
from constructs_lib.local.told_content import content_of
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What the user wants to send.

    Args:
        queue: The queue, by construct path or name.
        body: The message, `@FILE` or `-`. Default: an empty JSON object.
        group: The message group.
        deduplication: The deduplication id. Default: the queue's own, else one nobody has used.
        attributes: `NAME=VALUE`, each.
    """

    queue: str
    body: str | None
    group: str | None
    deduplication: str | None
    attributes: tuple[str, ...]


def run(state: Path, request: Request) -> int:
    """Send the message, and print its id."""
    body = _text(content_of(request.body, "the message", otherwise=b"{}"))
    attributes = dict(_attribute(each) for each in request.attributes)
    aws = RunningAws.find(state)
    found = named(aws.stacks, QUEUE, request.queue)
    client = aws.clients.client("sqs", found.region)
    order: dict[str, Any] = {"QueueUrl": found.physical_id, "MessageBody": body, "MessageAttributes": attributes}
    is_fifo = found.name.endswith(".fifo")
    if is_fifo and request.group is None:
        problem = Problem(
            what=f"{found.path} is a FIFO queue, and wants a message group", where=found.name, fix="add --group ID"
        )
        raise LocalError(problem)
    if not is_fifo and request.deduplication is not None:
        problem = Problem(
            what=f"{found.path} is no FIFO queue, and knows no deduplication",
            where=found.name,
            fix="leave --deduplication out",
        )
        raise LocalError(problem)
    if request.group is not None:
        order["MessageGroupId"] = request.group
    with errors_explained(aws.endpoint):
        if request.deduplication is not None:
            order["MessageDeduplicationId"] = request.deduplication
        elif is_fifo:
            settings = client.get_queue_attributes(
                QueueUrl=found.physical_id, AttributeNames=["ContentBasedDeduplication"]
            )
            if settings.get("Attributes", {}).get("ContentBasedDeduplication") != "true":
                order["MessageDeduplicationId"] = str(uuid.uuid4())
        sent = client.send_message(**order)
    sys.stdout.write(f"{sent['MessageId']}\n")
    return 0


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        problem = Problem(
            what=f"a message is text, and this is not UTF-8: {error}",
            where="BODY",
            fix="send text, such as base64 of the bytes",
        )
        raise LocalError(problem) from error


def _attribute(told: str) -> tuple[str, dict[str, str]]:
    name, is_pair, value = told.partition("=")
    if not is_pair or not name:
        raise LocalError(Problem(what=f"{told!r} is no attribute", where="--attribute", fix="write NAME=VALUE"))
    return name, {"DataType": "String", "StringValue": value}
