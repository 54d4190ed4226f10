"""The event of a request whose head is known: written once, but for what differs from one request to the next."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import secrets
import time
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING

from constructs_lib.local.overlay.http_api_event import body_of, event_of

if TYPE_CHECKING:
    from constructs_lib.local.overlay.http_api_event import Request

_MARK = secrets.token_hex(16)  # no request can hold it
_MARKED = re.compile(rf'"{_MARK}(\d)"')
_ID, _TIME, _EPOCH, _IS_BASE64, _BODY = (f"{_MARK}{number}" for number in range(5))


class WarmEvent:
    """The event of requests that have the same head, in payload format 2.0.

    Args:
        request: One of them; it has a body if they have one.
    """

    def __init__(self, request: Request) -> None:
        """Write the event that any request has, and leave gaps in it."""
        event = event_of(dataclasses.replace(request, request_id=_ID))
        event["requestContext"] |= {"time": _TIME, "timeEpoch": _EPOCH}
        self._content_type = event["headers"].get("content-type", "")
        if request.body:
            event |= {"isBase64Encoded": _IS_BASE64, "body": _BODY}
        self._parts = _MARKED.split(json.dumps(event))[::2]

    def text(self, request_id: str, body: bytes) -> str:
        """The event of one request, as JSON."""
        now = time.time()
        gaps = [f'"{request_id}"', f'"{_time_text(int(now))}"', str(int(now * 1000))]
        if body:
            content, is_base64 = body_of(body, self._content_type)
            gaps += ["true" if is_base64 else "false", encode_basestring_ascii(content)]
        first, *rest = self._parts
        return first + "".join([gap + part for gap, part in zip(gaps, rest, strict=True)])


@functools.lru_cache(maxsize=2)
def _time_text(second: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))
