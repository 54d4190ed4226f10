"""Every answer says when it was given, once: as its sender says it, or by the clock of this machine."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

DATE = b"date"


def wrap(send: Callable[..., Any]) -> Callable[..., Any]:
    """Add the date to an answer that has none."""

    async def send_dated(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and all(name.lower() != DATE for name, _ in message["headers"]):
            message["headers"].append((DATE, now()))
        await send(message)

    return send_dated


def now() -> bytes:
    """This moment, as the header has it."""
    return _text(int(time.time()))


@functools.lru_cache(maxsize=2)
def _text(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode("ascii")
