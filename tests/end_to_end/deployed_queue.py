"""A deployed queue, as an operator sees it: what waits in it, what died, and when its worker looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from constructs_lib.local import LocalAws

PATIENCE = 120.0  # seconds; all of it is needed only on a machine that is busy with something else
VISIBILITY = "VisibilityTimeout"
IMPATIENCE = 4  # seconds; longer than a cold start on a busy machine, or messages die while their batch still starts
WAITING = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], is_right: Callable[[Found], bool], *, seconds: float = PATIENCE) -> Found:
    """Look until what is found is right, and return it; what is found at the deadline is returned, right or not."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if is_right(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


@dataclass(frozen=True)
class DeployedQueue:
    """A queue, by what its physical name begins with: stack and construct."""

    aws: LocalAws
    name: str

    @property
    def _sqs(self) -> Any:
        return self.aws.client("sqs")

    @property
    def url(self) -> str:
        """Where it is."""
        [url] = [each for each in self._sqs.list_queues()["QueueUrls"] if f"/{self.name}" in each]
        return str(url)

    def send(self, *bodies: str) -> None:
        """Send messages, in this order."""
        for body in bodies:
            self._sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def is_drained(self) -> bool:
        """Wait until nothing is in it any more, neither visible nor received."""
        return eventually(self._waiting, lambda count: count == 0) == 0

    def take(self, count: int) -> list[str]:
        """Take messages away as soon as there are so many, and return their bodies."""
        found: list[str] = []

        def look() -> list[str]:
            for message in self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
                found.append(message["Body"])
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            return found

        return eventually(look, lambda bodies: len(bodies) >= count)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Gather what is sent inside, so that it is received as one batch afterwards."""
        functions, arn = self.aws.client("lambda"), self._attribute("QueueArn")
        [mapping] = functions.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Let what fails inside come back after a few seconds."""
        stated = self._attribute(VISIBILITY)
        self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={VISIBILITY: f"{IMPATIENCE}"})
        try:
            yield
        finally:
            self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={VISIBILITY: stated})

    def _waiting(self) -> int:
        return sum(int(self._attribute(name)) for name in WAITING)

    def _attribute(self, name: str) -> str:
        found = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])["Attributes"]
        return str(found[name])
