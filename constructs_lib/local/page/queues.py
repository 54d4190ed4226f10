"""Queues on the page: how much waits in each, a look without receiving, sending, and sending dead letters back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.local.deployed_names import QUEUE, all_named
from constructs_lib.local.emulator import ACCOUNT
from constructs_lib.local.page.asked import text

if TYPE_CHECKING:
    from constructs_lib.local.page.asked import Asked
    from constructs_lib.local.page.clients import PageClients

COUNTS = {
    "waiting": "ApproximateNumberOfMessages",
    "hidden": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}
FIFO = ".fifo"


def counts(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Return how many messages each queue holds, by its URL."""
    del asked
    found = {}
    for queue in all_named(clients.aws.stacks, QUEUE):
        sqs = clients.client("sqs", queue.region)
        told = sqs.get_queue_attributes(QueueUrl=queue.physical_id, AttributeNames=list(COUNTS.values()))["Attributes"]
        found[queue.physical_id] = {name: int(told.get(key, 0)) for name, key in COUNTS.items()}
    return {"queues": found}


def messages(clients: PageClients, asked: Asked) -> Any:
    """Return what is in a queue, without receiving it."""
    return clients.aws.control.ask("queue-messages", arn=_arn(asked))


def send(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Put a message into a queue."""
    url, more = text(asked, "queue"), {}
    if url.endswith(FIFO):
        more["MessageGroupId"] = text(asked, "group", default="") or "page"
        if key := text(asked, "deduplication", default=""):
            more["MessageDeduplicationId"] = key
    sqs = clients.client("sqs", text(asked, "region"))
    with clients.trace() as trace:
        sent = sqs.send_message(QueueUrl=url, MessageBody=text(asked, "body"), **more)
    return {"id": sent["MessageId"], "trace": trace}


def redrive(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Send the messages of a dead-letter queue back to where they came from."""
    sqs = clients.client("sqs", text(asked, "region"))
    return {"task": sqs.start_message_move_task(SourceArn=_arn(asked))["TaskHandle"]}


def _arn(asked: Asked) -> str:
    name = text(asked, "queue").rpartition("/")[2]
    return f"arn:aws:sqs:{text(asked, 'region')}:{ACCOUNT}:{name}"
