"""Threads for work that may call back into this process: as many as are asked for, each used again.

A bound would be a deadlock, since a function may call another one and wait for it. The base starts a thread for every
call, which costs more than the call does of everything else.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import queue
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

IDLE_SECONDS = 30.0  # how long a thread waits for more
STEP_SECONDS = 0.05  # limits end together in such steps, since a timer for each would cost more than it is good for

Jobs = queue.SimpleQueue[Callable[[], None]]
Limited = dict[int, set[asyncio.Future[Any]]]  # what a limit waits for, by its step

_idle: list[Jobs] = []  # the latest comes last, and is the first to be used again
_limited: WeakKeyDictionary[asyncio.AbstractEventLoop, Limited] = WeakKeyDictionary()


class LateError(Exception):
    """The work takes longer than it may; it goes on."""


def start(work: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
    """Run this on a thread, in a copy of the context of now; to be called on an event loop, which gets the result."""
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    future: asyncio.Future[Any] = loop.create_future()
    jobs = _jobs_of_a_thread()

    def job() -> None:
        result, failure = None, None
        try:
            result = context.run(work, *arguments)
        except BaseException as error:  # whoever waits gets it
            failure = error
        _idle.append(jobs)  # first, so that whoever gets the result finds a thread for what comes next
        try:
            loop.call_soon_threadsafe(_settle, future, result, failure)
        except RuntimeError:
            return  # the loop has ended, and nobody waits

    jobs.put(job)
    return future


async def run(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run this on a thread and wait for it; it goes on when nobody waits any more."""
    return await start(work, *arguments)


async def run_within(seconds: float, work: Callable[..., Any], *arguments: Any) -> Any:
    """Run this on a thread and wait for it so long, or a step longer.

    Raises:
        LateError: That was not enough.
    """
    future = start(work, *arguments)
    loop = asyncio.get_running_loop()
    limited = _limited.setdefault(loop, {})
    step = math.ceil((loop.time() + seconds) / STEP_SECONDS)
    if step not in limited:
        limited[step] = set()
        loop.call_at(step * STEP_SECONDS, _end, limited, step)
    waiting = limited[step]
    waiting.add(future)
    try:
        return await future
    finally:
        waiting.discard(future)


def _end(limited: Limited, step: int) -> None:
    for future in limited.pop(step):
        if not future.done():
            future.set_exception(LateError)


def _settle(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if future.done():
        return  # nobody waits any more
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)


def _jobs_of_a_thread() -> Jobs:
    """What a thread takes its work from that has none at this moment."""
    try:
        return _idle.pop()
    except IndexError:
        jobs: Jobs = queue.SimpleQueue()
        threading.Thread(target=_serve, args=(jobs,), daemon=True, name="reused").start()
        return jobs


def _serve(jobs: Jobs) -> None:
    while True:
        try:
            jobs.get(timeout=IDLE_SECONDS)()
        except queue.Empty:
            try:
                _idle.remove(jobs)
            except ValueError:
                continue  # somebody has just taken this thread, and work is on its way
            return
