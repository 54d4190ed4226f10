"""Clients that never stop asking, and remember what they were promised."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

HUNG_SECONDS = 25.0  # more than any timeout of the app; who waits longer waits in vain
CREATED = 201


@dataclass
class Clients:
    """Threads that create items, one after the other, wherever `url` points.

    Args:
        url: Where to ask; may change at any time, empty while nothing answers.
        promised: The items that were answered with 201.
        created: How many were, also those that were announced lost later.
        failed: How many were not, or got no answer at all.
        hung: How long each answer took that took too long.
    """

    url: str = ""
    promised: set[str] = field(default_factory=set)
    created: int = 0
    failed: int = 0
    hung: list[float] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, count: int) -> None:
        """Begin to ask."""
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> int:
        """Ask no more; how many threads do not come back."""
        self._over.set()
        for thread in self._threads:
            thread.join(HUNG_SECONDS)
        return sum(thread.is_alive() for thread in self._threads)

    def _ask_on(self) -> None:
        while not self._over.is_set():
            url = self.url
            if not url:
                time.sleep(0.02)
                continue
            item, began = f"item-{next(self._numbers)}", time.monotonic()
            is_created = _create(url, item)
            took = time.monotonic() - began
            with self._lock:
                if is_created:
                    self.promised.add(item)
                    self.created += 1
                else:
                    self.failed += 1
                if took > HUNG_SECONDS:
                    self.hung.append(took)


def _create(url: str, item: str) -> bool:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=2 * HUNG_SECONDS)
    try:
        connection.request("POST", f"/items/{item}", b"")
        return connection.getresponse().status == CREATED
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
