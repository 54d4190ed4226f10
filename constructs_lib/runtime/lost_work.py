"""Notices what a record handler started and did not wait for, and a frozen environment would lose."""

from __future__ import annotations

import inspect
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, TextIO

from constructs_lib.runtime.refusals import LostWork

GRACE_S = 0.05  # for threads that are about to end
NEVER_AWAITED = re.compile(r"coroutine '(?P<name>.+)' was never awaited")
IDLE_IN = ("_worker", "concurrent", "futures", "thread.py")  # where a pool's thread waits for its next task


def run_watched(work: Callable[[], object]) -> None:
    """Run `work`, and see that it leaves nothing behind.

    Raises:
        LostWork: A thread still runs, or a coroutine was made and never awaited.
    """
    before = set(threading.enumerate())
    dropped: list[str] = []
    with _dropped_coroutines(dropped):
        result = work()
        if inspect.isawaitable(result):
            dropped.append(getattr(result, "__qualname__", type(result).__name__))
            if inspect.iscoroutine(result):
                result.close()  # it has not begun, and now never will
        del result
    if dropped:
        raise LostWork(f"never awaited: {', '.join(dropped)}. Await it: asyncio.run(...) in a plain function")
    running = _still_running(before)
    if running:
        raise LostWork(f"threads still running when the handler returned: {', '.join(running)}. Join them")


@contextmanager
def _dropped_coroutines(names: list[str]) -> Iterator[None]:
    """Collect the coroutines that die without having run; every other warning goes where it went before."""
    with warnings.catch_warnings():
        warnings.filterwarnings("always", NEVER_AWAITED.pattern.partition("(")[0], RuntimeWarning)
        show = warnings.showwarning

        def collect(  # noqa: PLR0917 - as Python calls it
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            found = NEVER_AWAITED.search(str(message))
            if found is None:
                show(message, category, filename, lineno, file, line)
            else:
                names.append(found["name"])

        warnings.showwarning = collect
        yield


def _still_running(before: set[threading.Thread]) -> list[str]:
    started = [thread for thread in threading.enumerate() if thread not in before]
    end = time.monotonic() + GRACE_S
    for thread in started:
        if not _is_idle(thread):
            thread.join(max(0.0, end - time.monotonic()))
    return [thread.name for thread in started if thread.is_alive() and not _is_idle(thread)]


def _is_idle(thread: threading.Thread) -> bool:
    """Tell whether a thread belongs to a pool and waits for work: a pool is made to outlive a record."""
    frames: dict[int, Any] = sys._current_frames()
    frame = frames.get(thread.ident or 0)
    if frame is None:
        return not thread.is_alive()
    return (frame.f_code.co_name, *PurePath(frame.f_code.co_filename).parts[-3:]) == IDLE_IN
