"""The URL of a queue names the host of the endpoint.

Stock says `localhost`, where the endpoint is `127.0.0.1`: the SDK for JavaScript warns of that with each call.
A queue of a kept state stays known by the URL it was made with.
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch


def _wrap(stock: Any) -> Any:
    def queue_url_for_account(account_id: str, name: str) -> str:
        sqs = base("services.sqs")
        kept = sqs._queue_name_to_url.get_scoped(account_id, base("core.responses").get_region(), name)
        url: str = kept or stock(account_id, name).replace(f"//{sqs.DEFAULT_HOST}:", "//127.0.0.1:", 1)
        return url

    return queue_url_for_account


PATCHES = (Patch("services.sqs", "_queue_url_for_account", ("account_id", "name"), _wrap),)
