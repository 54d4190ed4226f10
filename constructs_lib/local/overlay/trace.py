"""The X-Ray trace of what happens now, handed on as AWS hands it on, so that one request can be followed.

An SDK inside a function sends the trace of the invocation along with each call it makes; here that call begins in this
trace. What runs in the call's thread or in a copy of its context belongs to the trace, too: deliveries, executions of
workflows, the functions they run. https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

from __future__ import annotations

import contextlib
import contextvars
import re
import time
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay.ids import new_hex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HEADER = "x-amzn-trace-id"
LONGEST_HEADER = 500  # what a caller may make us carry
ROOT = re.compile(r"(?:^|;)\s*Root=(1-[0-9a-f]{8}-[0-9a-f]{24})\s*(?:;|$)")

_header: contextvars.ContextVar[str] = contextvars.ContextVar("trace_header", default="")


def root_of(header: str) -> str:
    """The root a trace header names; empty when it names none."""
    found = ROOT.search(header[:LONGEST_HEADER])
    return found[1] if found else ""


def new_root() -> str:
    """A root nobody has yet."""
    return f"1-{int(time.time()):08x}-{new_hex(24)}"


def begin(header: str) -> None:
    """Belong to the trace of this header from now on; to none when it names none."""
    _header.set(header[:LONGEST_HEADER] if root_of(header) else "")


@contextlib.contextmanager
def within(root: str) -> Iterator[None]:
    """Belong to the trace of this root meanwhile, where one context serves many requests."""
    before = _header.set(f"Root={root}")
    try:
        yield
    finally:
        _header.reset(before)


def begin_request(scope: Mapping[str, Any], *, is_traced: bool) -> None:
    """Belong to the trace a request says it belongs to.

    Args:
        scope: The request.
        is_traced: Whether a request that names none begins one.
    """
    told = [value for name, value in scope.get("headers", []) if name.lower() == HEADER.encode()]
    begin(told[0].decode("latin-1") if told else "")
    if is_traced and not _header.get():
        begin(f"Root={new_root()}")


def header_now() -> str:
    """The header of the trace of now; empty outside of any."""
    return _header.get()


def root_now() -> str:
    """The root of the trace of now; empty outside of any."""
    return root_of(_header.get())


def carried(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function for another thread, in the trace of now."""
    header = _header.get()

    def run(*arguments: Any) -> Any:
        before = _header.set(header)
        try:
            return function(*arguments)
        finally:
            _header.reset(before)

    return run
