"""What the journal holds of one request to a deployed API: what was asked, and what was answered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay import trace
from constructs_lib.local.overlay.journal import tell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Asgi = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Any]], Awaitable[None]]

PATH_CHARACTERS = 500


async def journaled(answer: Asgi, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """Answer a request within a trace, and write both into the journal."""
    trace.begin_request(scope, is_traced=True)
    root, began, status = trace.root_now(), time.monotonic(), 0

    async def send_noted(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(message["status"])
        await send(message)

    try:
        await answer(scope, receive, send_noted)
    finally:
        tell(
            "request",
            method=scope["method"],
            path=scope["path"][:PATH_CHARACTERS],
            status=status,
            trace=root,
            milliseconds=round((time.monotonic() - began) * 1000, 1),
        )
