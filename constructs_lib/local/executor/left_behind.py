"""Notices what a Python handler started and did not wait for: threads, tasks, coroutines that never began.

Loaded by the bootstrap, in the function's own process: it imports nothing that the function has not, until it has.
"""

from __future__ import annotations

import re
import sys
import threading
import time
import warnings
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

GRACE_S = 0.05  # for threads that are about to end
FRAMES = 30
ORIGINS = 8  # frames a coroutine remembers of where it was made
NEVER_AWAITED = re.compile(r"coroutine '(?P<name>.+)' was never awaited")
MADE_AT = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<name>.+)')
IDLE_WORKER = ("_worker", "concurrent/futures/thread.py")  # where a pool's thread waits for its next task

Frames = list[dict[str, Any]]


class Watch:
    """Sees what is started between `begin` and `end`."""

    def __init__(self) -> None:
        """Take the places of `Thread.start` and of the warning of coroutines."""
        self._is_watching = False
        self._starts: dict[threading.Thread, Frames] = {}
        self._found: list[dict[str, Any]] = []
        self._has_asyncio = False
        self._loops: weakref.WeakSet[Any] = weakref.WeakSet()
        self._take_start()
        self._take_warning()

    def begin(self) -> None:
        """An invocation begins."""
        self._starts.clear()
        self._found.clear()
        self._take_asyncio()
        sys.set_coroutine_origin_tracking_depth(ORIGINS)
        self._is_watching = True

    def end(self) -> list[dict[str, Any]]:
        """It has ended: return what it left behind."""
        self._is_watching = False
        self._take_asyncio()
        if self._starts:
            self._found.extend(self._threads())
        for loop in list(self._loops):
            if not loop.is_closed():
                self._found.extend(self._tasks(loop))
        return self._found

    def forget(self) -> list[dict[str, Any]]:
        """It has failed: what it left behind is not what is wrong with it."""
        self._is_watching = False
        return []

    def _take_start(self) -> None:
        start, watch = threading.Thread.start, self

        def started(thread: threading.Thread) -> None:
            if watch._is_watching:
                watch._starts[thread] = _frames(sys._getframe(1))
            start(thread)

        threading.Thread.start = started  # type: ignore[method-assign, assignment]  # to see who starts threads

    def _take_warning(self) -> None:
        warnings.filterwarnings("always", "coroutine '", RuntimeWarning)
        show = warnings.showwarning

        def seen(  # noqa: PLR0917 (as Python calls it)
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: Any = None,
            line: Any = None,
        ) -> None:
            found = NEVER_AWAITED.search(str(message))
            if found is not None and self._is_watching:
                made = [
                    {"file": each["file"], "line": int(each["line"]), "name": each["name"]}
                    for each in MADE_AT.finditer(str(message))
                ]
                self._tell("coroutine", f"the coroutine {found['name']}", made[::-1], fix="await it")
            show(message, category, filename, lineno, file, line)

        warnings.showwarning = seen

    def _take_asyncio(self) -> None:
        """Once the function has imported it: what `asyncio.run` cancels at its end was waited for by nobody."""
        if self._has_asyncio or "asyncio.runners" not in sys.modules:
            return
        from asyncio import base_events, runners  # noqa: PLC0415 (it is imported already)

        self._has_asyncio = True
        run, cancel, watch = base_events.BaseEventLoop.run_until_complete, runners._cancel_all_tasks, self  # type: ignore[attr-defined]  # the one place that knows what it ends

        def run_until_complete(loop: Any, future: Any) -> Any:
            watch._loops.add(loop)
            return run(loop, future)

        def cancelled(loop: Any) -> None:
            if watch._is_watching:
                watch._found.extend(watch._tasks(loop))
            cancel(loop)

        base_events.BaseEventLoop.run_until_complete = run_until_complete  # type: ignore[method-assign, assignment]  # to know loops
        runners._cancel_all_tasks = cancelled  # type: ignore[attr-defined]  # likewise

    def _tell(self, kind: str, what: str, made: Frames, *, fix: str) -> None:
        self._found.append({"kind": kind, "what": what, "made": made, "fix": fix})

    def _threads(self) -> Iterator[dict[str, Any]]:
        deadline = time.monotonic() + GRACE_S
        for thread, frames in self._starts.items():
            if not _is_idle(thread):
                thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive() and not _is_idle(thread):
                fix = "join it before the handler returns, or shut its pool down"
                yield {"kind": "thread", "what": f"the thread {thread.name}", "made": frames, "fix": fix}

    def _tasks(self, loop: Any) -> Iterator[dict[str, Any]]:
        from asyncio import all_tasks  # noqa: PLC0415 (likewise)

        for task in all_tasks(loop):
            coroutine = task.get_coro()
            name = getattr(coroutine, "__qualname__", task.get_name())
            origin = getattr(coroutine, "cr_origin", None) or ()
            made = [{"file": file, "line": line, "name": function} for file, line, function in origin]
            yield {"kind": "task", "what": f"the task {name}", "made": made, "fix": "await it before the loop ends"}


def _frames(frame: FrameType | None) -> Frames:
    """The calls that led here, the nearest first."""
    found: Frames = []
    while frame is not None and len(found) < FRAMES:
        code = frame.f_code
        found.append({"file": code.co_filename, "line": frame.f_lineno, "name": code.co_name})
        frame = frame.f_back
    return found


def _is_idle(thread: threading.Thread) -> bool:
    """Tell whether a thread belongs to a pool and waits for work: a pool is made to outlive an invocation."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return not thread.is_alive()
    return frame.f_code.co_name == IDLE_WORKER[0] and frame.f_code.co_filename.endswith(IDLE_WORKER[1])
