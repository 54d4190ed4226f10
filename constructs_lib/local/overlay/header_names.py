"""The names of a request's headers as its sender wrote them.

The base knows them in lower case, as HTTP/2 has them. A REST API hands them to its functions as they were sent.
"""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Asgi = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Any]], Awaitable[None]]
Headers = Sequence[tuple[str, str]]

_sent: contextvars.ContextVar[Headers] = contextvars.ContextVar("sent", default=())


def wrap(inner: Asgi) -> Asgi:
    """Remember the headers of each request, and hand them on in lower case."""

    async def application(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        headers = scope.get("headers", [])
        _sent.set([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
        scope["headers"] = [(name.lower(), value) for name, value in headers]
        await inner(scope, receive, send)

    return application


def as_sent() -> Headers:
    """The headers of the request that is being answered, every line of them."""
    return _sent.get()
