"""A record of a table's stream remembers the trace of the call that wrote it, for the journal alone.

AWS hands no trace on by a stream, and neither does a function here see one: a run that a stream caused begins its own.
The journal ties it to the requests whose records it read. https://docs.aws.amazon.com/xray/latest/devguide/xray-services.html
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from constructs_lib.local.overlay import trace
from constructs_lib.local.overlay.patching import Patch

MOST = 10_000  # records whose trace is known; those of the oldest are forgotten

_roots: OrderedDict[str, str] = OrderedDict()


def root_of_record(event_id: str) -> str:
    """The root of the trace of the call that wrote a record; empty when it is not known."""
    return _roots.get(event_id, "")


def _wrap(stock: Any) -> Any:
    def build_change_record(*arguments: Any) -> Any:
        record = stock(*arguments)
        if root := trace.root_now():
            _roots[str(record["eventID"])] = root
            while len(_roots) > MOST:
                _roots.popitem(last=False)
        return record

    return build_change_record


HOOKS = (
    Patch(
        "services.dynamodb",
        "_build_change_record",
        ("table", "event_name", "old_item", "new_item", "view_type"),
        _wrap,
    ),
)
