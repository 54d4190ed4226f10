"""The frames of `application/vnd.amazon.eventstream`, in which Lambda answers InvokeWithResponseStream.

https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

CONTENT_TYPE = "application/vnd.amazon.eventstream"
LARGEST_PART = 1 << 20  # readers refuse frames of 16 MB and more
_TEXT = 7  # the type of a header's value


def payload_chunks(data: bytes) -> Iterator[bytes]:
    """A part of an answer, as one frame or several."""
    for start in range(0, len(data), LARGEST_PART):
        yield _event("PayloadChunk", "application/octet-stream", data[start : start + LARGEST_PART])


def invoke_complete(told: bytes) -> bytes:
    """The end of an answer, with what is told of it as JSON."""
    return _event("InvokeComplete", "application/json", told)


def _event(kind: str, content_type: str, payload: bytes) -> bytes:
    headers = b"".join(
        _header(name, value)
        for name, value in ((":message-type", "event"), (":event-type", kind), (":content-type", content_type))
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _TEXT, len(value)) + value.encode()
