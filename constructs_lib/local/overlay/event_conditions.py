"""`events:PutEvents` is authorized with what the events say of themselves: `events:source` and `events:detail-type`.

Stock has neither key, so that a grant with the condition denies everything.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
"""

from __future__ import annotations

import json
from typing import Any

from constructs_lib.local.overlay.patching import Patch

KEYS = {"events:source": "Source", "events:detail-type": "DetailType"}


def keys_of(entries: list[Any]) -> dict[str, Any]:
    """The condition keys of some events: one value where they agree, else all of them."""
    found: dict[str, Any] = {}
    for key, name in KEYS.items():
        values = sorted({str(each.get(name, "")) for each in entries if isinstance(each, dict)})
        if values:
            found[key] = values[0] if len(values) == 1 else values
    return found


def _wrap(stock: Any) -> Any:
    def request_tag_context(service: str, iam_action: str, body: bytes, params: Any) -> Any:
        found = stock(service, iam_action, body, params)
        if iam_action != "events:PutEvents":
            return found
        try:
            entries = json.loads(body or b"{}")["Entries"]
        except (ValueError, KeyError, TypeError):
            return found
        return {**found, **keys_of(entries if isinstance(entries, list) else [])}

    return request_tag_context


PATCHES = (Patch("core.iam_actions", "request_tag_context", ("service", "iam_action", "body", "params"), _wrap),)
