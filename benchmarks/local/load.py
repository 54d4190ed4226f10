"""Requests as fast as they are answered, over connections that stay open, and what they took."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

BODY = b'{"name": "Ada"}'
WANTED = b"Hello, Ada!"


@dataclass
class Measured:
    """The seconds each request took, and all of them together."""

    each: list[float] = field(default_factory=list)
    together: float = 0.0

    def percentile(self, share: float) -> float:
        """The time in milliseconds that this share of the requests was answered in."""
        return sorted(self.each)[min(len(self.each) - 1, int(share * len(self.each)))] * 1000

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.each) / self.together


def send(url: str, *, requests: int, clients: int = 1) -> Measured:
    """Send this many requests from so many clients at once; every answer is read and compared."""
    measured = Measured()
    began = time.perf_counter()
    asyncio.run(_all(url, requests, clients, measured))
    measured.together = time.perf_counter() - began
    return measured


async def _all(url: str, requests: int, clients: int, measured: Measured) -> None:
    shares = [requests // clients + (number < requests % clients) for number in range(clients)]
    await asyncio.gather(*(_client(url, share, measured) for share in shares))


async def _client(url: str, requests: int, measured: Measured) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
    for _ in range(requests):
        began = time.perf_counter()
        writer.write(request)
        answer = await _answer(reader)
        measured.each.append(time.perf_counter() - began)
        if WANTED not in answer:
            raise AssertionError(answer)
    writer.close()
    await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if b"content-length" in fields:
        return await reader.readexactly(int(fields[b"content-length"]))
    body = b""
    while size := int(await reader.readline(), 16):  # chunked
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body
