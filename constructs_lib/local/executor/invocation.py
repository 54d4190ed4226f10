"""One event on its way into a function, and who hears its answer while it is made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol


class Listener(Protocol):
    """Hears what a function streams, as it comes; called on the thread that waits for the function."""

    def begin(self, content_type: str) -> None:
        """The function begins to answer."""

    def part(self, data: bytes) -> None:
        """The next bytes of the answer."""


class Kept:
    """Keeps what a function streams for a caller who wants all of it at once."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.has_begun = False
        self.data = bytearray()

    def begin(self, content_type: str) -> None:
        """Note that there is an answer; the caller of a whole one hears nothing of its type."""
        del content_type
        self.has_begun = True

    def part(self, data: bytes) -> None:
        """Keep the bytes."""
        self.data += data


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a function is invoked with.

    Args:
        event: Whatever JSON can hold.
        request_id: The id every line of its log carries.
        arn: The ARN the function is called by.
        trace: The trace header, if any.
        client_context: What the caller says of itself, if anything.
        listener: Who hears a streamed answer as it comes. Default: it is kept and answered whole.
        event_json: The event as JSON, where somebody has written it already.
    """

    event: Any
    request_id: str
    arn: str
    trace: str | None
    client_context: Any = None
    listener: Listener | None = None
    event_json: str = ""

    def message(self, deadline_ms: int) -> bytes:
        """What a bootstrap is told.

        Args:
            deadline_ms: When the invocation has to end, in milliseconds since 1970.
        """
        told = {
            "id": self.request_id,
            "deadline": deadline_ms,
            "arn": self.arn,
            "trace": self.trace,
            "client": self.client_context,
        }
        event = self.event_json or json.dumps(self.event)
        return f'{json.dumps(told)[:-1]}, "event": {event}}}'.encode()
