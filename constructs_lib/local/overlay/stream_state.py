"""Streams of tables are kept from run to run, like the positions of who reads them.

Stock keeps the positions and forgets the records: after a restart a reader waits at a position the new stream has yet
to reach, and as many changes as it had read before go by unread.
"""

from __future__ import annotations

import copy
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

STORES = ("_stream_records", "_stream_trimmed")


def _wrap_save(stock: Any) -> Any:
    def get_state() -> Any:
        tables = base("services.dynamodb")
        return {**stock(), **{name: copy.deepcopy(getattr(tables, name)) for name in STORES}}

    return get_state


def _wrap_restore(stock: Any) -> Any:
    def restore_state(data: Any) -> None:
        stock(data)
        tables = base("services.dynamodb")
        for name in STORES:
            if data and name in data:
                getattr(tables, name).update(data[name])

    return restore_state


PATCHES = (
    Patch("services.dynamodb", "get_state", (), _wrap_save),
    Patch("services.dynamodb", "_restore_state", ("data",), _wrap_restore),
)
