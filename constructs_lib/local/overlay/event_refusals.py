"""EventBridge refuses events without a source, a type or an object for a detail, and to delete a rule with targets.

Stock takes any text for a detail, so that a rule with a pattern on it never matches and nobody is told; and it deletes
the targets with their rule. One bad event does not keep the others of its call from going on.
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

NEEDED = ("Source", "DetailType", "Detail")
MOST_ENTRIES = 10
HAS_TARGETS = "Rule can't be deleted since it has targets."

Answer = tuple[int, dict[str, str], bytes]


def refusal(entry: Any) -> dict[str, str] | None:
    """What is wrong with an event, as the answer tells it; nothing when it may go on."""
    for name in NEEDED:
        if not isinstance(entry, dict) or not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    try:
        detail = json.loads(entry["Detail"])
    except (ValueError, TypeError, RecursionError):
        detail = None
    return (
        None if isinstance(detail, dict) else {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    )


def _wrap_put(stock: Any) -> Any:
    def put_events(data: Any, allow_aws_source: bool = False) -> Any:
        entries = data.get("Entries") or []
        refused = {at: wrong for at, each in enumerate(entries) if (wrong := refusal(each)) is not None}
        if not refused or allow_aws_source or len(entries) > MOST_ENTRIES:
            return stock(data, allow_aws_source)
        kept = [each for at, each in enumerate(entries) if at not in refused]
        status, headers, body = stock({**data, "Entries": kept}, allow_aws_source)
        if status != HTTPStatus.OK:
            return status, headers, body
        told = json.loads(body)
        others = iter(told["Entries"])
        results = [refused.get(at) or next(others) for at in range(len(entries))]
        failed = told["FailedEntryCount"] + len(refused)
        return status, headers, json.dumps({"FailedEntryCount": failed, "Entries": results}).encode()

    return put_events


def _wrap_delete(stock: Any) -> Any:
    def delete_rule(data: Any) -> Any:
        events = base("services.eventbridge")
        if events._targets.get(events._rule_key(data.get("Name"), data.get("EventBusName", "default"))):
            return events.error_response_json("ValidationException", HAS_TARGETS, 400)
        return stock(data)

    return delete_rule


PATCHES = (
    Patch("services.eventbridge", "_put_events", ("data", "allow_aws_source"), _wrap_put),
    Patch("services.eventbridge", "_delete_rule", ("data",), _wrap_delete),
)
