"""Pictures without a library: a PNG made by hand, and the size that a WebP says it has."""

from __future__ import annotations

import struct
import zlib


def png(width: int, height: int, *, grey: int = 200) -> bytes:
    """A picture of one shade of grey."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([grey]) * width) * height
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def webp_size(content: bytes) -> tuple[int, int]:
    """Width and height of a lossy WebP. https://developers.google.com/speed/webp/docs/riff_container"""
    assert (content[:4], content[8:16]) == (b"RIFF", b"WEBPVP8 ")
    width, height = struct.unpack("<HH", content[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
