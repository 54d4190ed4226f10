"""What the filters of an event source mapping let through, by the rules of EventBridge patterns.

Stock matches with a smaller language of its own (`$or`, `anything-but` with prefix, `equals-ignore-case` and more are
unknown there and match nothing or everything).
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from constructs_lib.local.overlay.base import base, log

Record = dict[str, Any]


def filter_of(mapping: Mapping[str, Any]) -> Callable[[Record], bool]:
    """Whether a record gets through: one pattern that matches is enough, and no pattern lets everything through."""
    patterns = [each["Pattern"] for each in (mapping.get("FilterCriteria") or {}).get("Filters") or []]
    compiled = [_compiled(each) for each in patterns]
    return lambda record: not compiled or any(_matches(each, record) for each in compiled)


def _compiled(pattern: Any) -> list[Any]:
    events = base("services.eventbridge")
    try:
        read = json.loads(pattern) if isinstance(pattern, str) else pattern
        alternatives: list[Any] = events._compile_pattern(read)
    except (ValueError, events._InvalidPattern) as error:
        log.warning("a filter of an event source mapping is no pattern: %s: %s", pattern, error)
        return []
    return alternatives


def _matches(alternatives: list[Any], record: Record) -> bool:
    seen = _as_filters_see_it(record)
    return any(
        alternative == {} or base("services.eventbridge")._matches_detail(seen, alternative)
        for alternative in alternatives
    )


def _as_filters_see_it(record: Record) -> Record:
    """The body of a message, and the data of a Kinesis record, are JSON to a filter, if they are JSON."""
    if "kinesis" in record:
        seen = {**record, **record["kinesis"]}
        try:
            seen["data"] = json.loads(base64.b64decode(seen["data"]))
        except ValueError:
            del seen["data"]
        return seen
    body = record.get("body")
    if not isinstance(body, str):
        return record
    try:
        return {**record, "body": json.loads(body)}
    except ValueError:
        return record
