"""Lambda writes a function's log with the role of the function, so a role without the grant has no log.

Stock writes every log, so that a missing `logs:PutLogEvents` first shows in the cloud, where it shows as silence.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay import log_bound
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.role_permissions import role_may

if TYPE_CHECKING:
    from constructs_lib.local.executor.function import Function


class LogDelivery:
    """Puts log events where the role of their function may put them."""

    def __init__(self) -> None:
        """Begin with nothing known of any log stream."""
        self._refusals: dict[str, str] = {}

    def __call__(self, function: Function, stream: str, events: list[tuple[int, str]]) -> str:
        """Append to the function's log group; answer why not, if not."""
        if stream not in self._refusals:
            self._refusals[stream] = refusal(function, stream)
        if not self._refusals[stream]:
            append(function.log_group, stream, events)
        return self._refusals[stream]


def refusal(function: Function, stream: str) -> str:
    """Why nothing of this log stream reaches CloudWatch Logs; empty when it does."""
    account = function.arn.split(":")[4]
    group = f"arn:aws:logs:{function.region}:{account}:log-group:{function.log_group}"
    if function.log_group not in base("services.cloudwatch_logs")._log_groups and not role_may(
        function, "logs:CreateLogGroup", f"{group}:*"
    ):
        return f"no log: the log group {function.log_group} does not exist, and {function.role} may not create it"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        if not role_may(function, action, f"{group}:log-stream:{stream}"):
            return f"no log: {function.role} may not {action} on {group}:log-stream:{stream}"
    return ""


def append(group: str, stream: str, events: list[tuple[int, str]]) -> None:
    """Append to a log group, which is made if there is none."""
    logs = base("services.cloudwatch_logs")
    now = int(time.time() * 1000)
    if group not in logs._log_groups:
        logs._log_groups[group] = {
            "arn": logs._make_group_arn(group),
            "creationTime": now,
            "retentionInDays": None,
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        }
    empty: dict[str, Any] = {
        "events": [],
        "uploadSequenceToken": "1",
        "creationTime": now,
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
    }
    held = logs._log_groups[group]["streams"].setdefault(stream, empty)
    stored = [{"timestamp": at, "message": line, "ingestionTime": now} for at, line in events if line]
    logs._append_log_events(held, stored)
    logs._fanout_to_subscription_filters(group, stream, stored)
    log_bound.keep_newest(logs._log_groups[group], len(stored))
