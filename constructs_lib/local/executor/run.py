"""One invocation while it is under way, and how it ended."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs_lib.local.executor.deadline import Deadline
    from constructs_lib.local.executor.invocation import Invocation, Kept, Listener

ANSWERS = ("response", "end")  # the kinds of frames that bring what a function returned


@dataclass(slots=True)
class Run:
    """One invocation under way.

    Args:
        invocation: What the function is invoked with.
        started: When, on the monotonic clock.
        deadline: When it has to end.
        listener: Who hears what it streams.
        kept: What it has streamed for a caller who wants all of it at once.
        is_sent: Whether the process has taken it.
        unsent: What the process has not taken of it at once; `finish` sends that.
        answer: Its answer, once that is there.
    """

    invocation: Invocation
    started: float
    deadline: Deadline
    listener: Listener
    kept: Kept
    is_sent: bool = False
    unsent: memoryview | None = None
    answer: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one invocation ended.

    Args:
        payload: What the caller gets.
        is_error: Whether that is an error.
        log: The end of the log, for LogType=Tail.
        raw: The bytes of the payload where the function chose them itself; they need not be JSON.
        is_cold: Whether its environment was started for it.
    """

    payload: Any
    is_error: bool
    log: str
    raw: bytes | None = None
    is_cold: bool = False


def content_of(answer: Mapping[str, Any], kept: Kept) -> tuple[Any, bytes | None, int]:
    """What an answer holds, the bytes it came as if they are the function's own choice, and their number."""
    raw: bytes | None = None
    if answer["kind"] == "end":
        raw = bytes(kept.data)
    elif "raw" in answer:
        raw = base64.b64decode(answer["raw"])
    if raw is None:
        return answer["payload"], None, answer["size"]
    try:
        return json.loads(raw), raw, len(raw)
    except ValueError:
        return raw.decode("utf-8", "replace"), raw, len(raw)
