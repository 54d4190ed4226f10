"""Carries what a function streams from the thread that waits for it to the request that answers with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from constructs_lib.local.overlay import reused_threads
from constructs_lib.local.overlay.lambda_executor import streaming_to


@dataclass(frozen=True, slots=True)
class Begun:
    """The function begins to answer."""

    content_type: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The function is done.

    Args:
        result: What the base calls the result of an execution.
    """

    result: dict[str, Any]


Step = Begun | bytes | Ended


class Relay:
    """Runs a function and hears it; to be made and asked on the event loop."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._loop = asyncio.get_running_loop()
        self._steps: asyncio.Queue[Step] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self, execute: Callable[..., Any], *arguments: Any) -> None:
        """Run the function on a thread of its own."""

        async def run() -> None:
            with streaming_to(self):
                result = await reused_threads.run(execute, *arguments)
            self._steps.put_nowait(Ended(result))

        self._task = asyncio.create_task(run())

    async def next(self) -> Step:
        """What happens next; the end is the last of it.

        Raises:
            Exception: The embedded AWS itself failed.
        """
        if self._task is None or (self._task.done() and self._steps.empty()):
            raise RuntimeError("there is nothing more to hear")
        asking = asyncio.ensure_future(self._steps.get())
        await asyncio.wait({asking, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done() and self._task.exception() is not None:
            asking.cancel()
            self._task.result()
        return await asking

    def begin(self, content_type: str) -> None:
        """Hear that the function begins."""
        self._loop.call_soon_threadsafe(self._steps.put_nowait, Begun(content_type))

    def part(self, data: bytes) -> None:
        """Hear a part."""
        self._loop.call_soon_threadsafe(self._steps.put_nowait, data)
