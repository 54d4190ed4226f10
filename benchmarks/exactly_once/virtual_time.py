"""Threads on a virtual clock: one runs at a time, and time passes only while all of them sleep."""

from __future__ import annotations

import datetime as dt
import heapq
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

from aws_lambda_powertools.utilities.idempotency import base as idempotency
from aws_lambda_powertools.utilities.idempotency.persistence import base, datarecord, dynamodb

EPOCH_S = 1_800_000_000
FOREVER_MS = 10**9


class Killed(BaseException):
    """The environment is gone: nothing of it runs any more."""


@dataclass(eq=False)
class Task:
    """What one invocation runs.

    Args:
        work: It.
        kill_ms: When Lambda kills it.
    """

    work: Callable[[], None]
    kill_ms: int
    wakes: threading.Semaphore
    alarm: tuple[int, Callable[[], None]] | None = None
    is_dead: bool = False


class VirtualTime:
    """A clock, and a few threads that wait for it."""

    def __init__(self, threads: int) -> None:
        self.now_ms = 0
        self._until_ms = 0
        self._sleeping: list[tuple[int, int, Task]] = []
        self._count = 0
        self._waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._handed_back = threading.Semaphore(0)
        self._current: Task | None = None
        # All are there from the start: a thread that appears while a record is handled would be that record's.
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def reset(self) -> None:
        """Begin anew, once nothing sleeps any more."""
        assert not self._sleeping
        self.now_ms = 0

    def start(self, work: Callable[[], None], kill_ms: int) -> None:
        """Run a task as soon as time passes."""
        task = Task(work, kill_ms, threading.Semaphore(0))
        self._waiting.put(task)
        self._sleep_until(self.now_ms, task)

    def advance(self, until_ms: int | None, has_ended: Callable[[], bool]) -> None:
        """Let time pass until something has ended, at most until a moment."""
        self._until_ms = FOREVER_MS if until_ms is None else until_ms
        while not has_ended() and self._sleeping and self._sleeping[0][0] <= self._until_ms:
            at, _, task = heapq.heappop(self._sleeping)
            self.now_ms = max(self.now_ms, at)
            self._current = task
            task.wakes.release()
            self._handed_back.acquire()
        if not has_ended() and until_ms is not None:
            self.now_ms = max(self.now_ms, until_ms)

    def sleep(self, milliseconds: int) -> None:
        """Let time pass for the running task.

        Raises:
            Killed: Its environment does not live that long.
        """
        task = self.current
        if task.is_dead:
            raise Killed
        wakes = min(self.now_ms + milliseconds, task.kill_ms, task.alarm[0] if task.alarm else FOREVER_MS)
        if wakes > self._until_ms or (self._sleeping and self._sleeping[0][0] <= wakes):
            self._sleep_until(wakes, task)
            self._handed_back.release()
            task.wakes.acquire()
        self.now_ms = max(self.now_ms, wakes)
        if self.now_ms >= task.kill_ms:
            self.kill()
        if task.alarm is not None and self.now_ms >= task.alarm[0]:
            ring, task.alarm = task.alarm[1], None
            ring()

    def kill(self) -> None:
        """End the environment of the running task.

        Raises:
            Killed: Always.
        """
        self.current.is_dead = True
        raise Killed

    @property
    def current(self) -> Task:
        assert self._current is not None
        return self._current

    @contextmanager
    def alarm(self, seconds: float, ring: Callable[[], None]) -> Iterator[None]:
        """Interrupt the running task as a signal would."""
        task = self.current
        task.alarm = (self.now_ms + round(seconds * 1000), ring)
        try:
            yield
        finally:
            task.alarm = None

    @contextmanager
    def is_what_powertools_reads(self) -> Iterator[None]:
        """Show Powertools this clock instead of the machine's."""
        clock = self

        class VirtualDatetime(dt.datetime):
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> VirtualDatetime:
                return cls.fromtimestamp(EPOCH_S + clock.now_ms / 1000, tz)

        modules: list[ModuleType] = [idempotency, base, datarecord, dynamodb]
        for module in modules:
            vars(module)["dt"] = SimpleNamespace(datetime=VirtualDatetime, timedelta=dt.timedelta)
        try:
            yield
        finally:
            for module in modules:
                vars(module)["dt"] = dt

    def _sleep_until(self, at_ms: int, task: Task) -> None:
        self._count += 1
        heapq.heappush(self._sleeping, (at_ms, self._count, task))

    def _run(self) -> None:
        while (task := self._waiting.get()) is not None:
            task.wakes.acquire()
            task.work()
            self._handed_back.release()
