"""One thread at a time changes the messages of a queue.

Stock receives and deletes for event source mappings in a thread of their own and writes the list of messages back,
so that a message sent by a request in the meantime is lost.
"""

from __future__ import annotations

import threading
from typing import Any

from constructs_lib.local.overlay.patching import Patch

HOLDING = threading.RLock()


def _wrap(stock: Any) -> Any:
    def alone(*arguments: Any) -> Any:
        with HOLDING:
            return stock(*arguments)

    return alone


_ACTION = ("data", "qurl")
PATCHES = (
    Patch("services.sqs", "_act_send_message", _ACTION, _wrap),
    *(
        Patch("services.sqs", f"_HANDLERS/{action}", _ACTION, _wrap)
        for action in (
            "SendMessage",
            "SendMessageBatch",
            "DeleteMessage",
            "DeleteMessageBatch",
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch",
            "PurgeQueue",
        )
    ),
    Patch("services.sqs", "_collect_msgs", ("q", "max_n", "vis_timeout"), _wrap),
    Patch("services.sqs", "_dlq_sweep", ("q",), _wrap),
    Patch("services.sqs", "_expire_retained", ("q",), _wrap),
    Patch("services.sqs", "_receive_messages_for_esm", ("queue_url", "max_number"), _wrap),
    Patch("services.sqs", "_delete_messages_for_esm", ("queue_url", "receipt_handles"), _wrap),
)
