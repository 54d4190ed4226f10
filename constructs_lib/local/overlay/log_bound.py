"""A log group holds its newest events only, so that a run of days does not fill the memory of this machine."""

from __future__ import annotations

from bisect import bisect_left
from operator import itemgetter
from typing import Any

from constructs_lib.local.overlay.base import base

MOST_EVENTS = 20_000  # of one group
SLACK = 10  # a tenth more may come before the oldest go, so that not every event looks for them

_at = itemgetter("timestamp")


def keep_newest(group: dict[str, Any], appended: int, most: int | None = None) -> None:
    """Let go of the oldest events of a group that has got too many.

    Args:
        group: The group as the base holds it.
        appended: How many have just come.
        most: How many it may have. Default: `MOST_EVENTS`.
    """
    most = MOST_EVENTS if most is None else most
    held = group["constructs-lib:appended"] = group.get("constructs-lib:appended", 0) + appended
    if held < most // SLACK:
        return
    group["constructs-lib:appended"] = 0
    with base("services.cloudwatch_logs")._log_events_lock:
        streams = list(group["streams"].values())
        times = sorted(event["timestamp"] for stream in streams for event in stream["events"])
        if len(times) <= most:
            return
        oldest = times[-most]
        for stream in streams:
            events = stream["events"]
            # A new list: who is reading holds the old one.
            stream["events"] = events[bisect_left(events, oldest, key=_at) :]
