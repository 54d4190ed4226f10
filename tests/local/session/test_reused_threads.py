"""Threads are used again, and there are always enough of them."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.local.overlay import reused_threads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

_told: contextvars.ContextVar[str] = contextvars.ContextVar("told", default="")


@pytest.fixture(autouse=True)
def _no_threads_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(reused_threads, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(reused_threads, "_idle", [])
    yield
    for thread in threading.enumerate():
        if thread.name == "reused":
            thread.join(60)


async def _waited(awaited: Awaitable[Any]) -> Any:
    return await awaited


def test_one_after_the_other_run_on_one_thread() -> None:
    async def run() -> set[int]:
        return {await reused_threads.run(threading.get_ident) for _ in range(20)}

    assert len(asyncio.run(run())) == 1


def test_many_at_once_have_one_each() -> None:
    barrier = threading.Barrier(40)

    async def run() -> list[int]:
        return list(await asyncio.gather(*(reused_threads.run(barrier.wait, 5) for _ in range(40))))

    assert sorted(asyncio.run(run())) == list(range(40))


def test_a_thread_ends_when_nobody_needs_it() -> None:
    async def run() -> threading.Thread:
        thread: threading.Thread = await reused_threads.run(threading.current_thread)
        return thread

    thread = asyncio.run(run())
    thread.join(60)
    assert not thread.is_alive()
    assert asyncio.run(run()).ident is not None


def test_what_fails_fails_for_whoever_waits_and_the_thread_goes_on() -> None:
    async def run() -> tuple[int, int]:
        first = await reused_threads.run(threading.get_ident)
        for error in (ValueError, SystemExit):
            with pytest.raises(error):
                await reused_threads.run(_raise, error)
        return first, await reused_threads.run(threading.get_ident)

    first, second = asyncio.run(run())
    assert first == second


def test_it_sees_the_context_of_its_caller_and_leaves_none() -> None:
    async def run() -> list[str]:
        _told.set("caller")
        seen = [await reused_threads.run(_told.get)]
        await reused_threads.run(_told.set, "thread")
        _told.set("another")
        return [*seen, await reused_threads.run(_told.get)]

    assert asyncio.run(run()) == ["caller", "another"]


def test_it_goes_on_when_nobody_waits_any_more() -> None:
    released, done = threading.Event(), threading.Event()

    def work() -> None:
        released.wait(60)
        done.set()

    async def run() -> None:
        task = asyncio.ensure_future(_waited(reused_threads.run(work)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        released.set()

    asyncio.run(run())
    assert done.wait(60)


class TestLimit:
    def test_what_takes_longer_is_late_and_goes_on(self) -> None:
        released, done = threading.Event(), threading.Event()

        def work() -> None:
            released.wait(60)
            done.set()

        async def run() -> float:
            began = asyncio.get_running_loop().time()
            with pytest.raises(reused_threads.LateError):
                await reused_threads.run_within(0.1, work)
            took = asyncio.get_running_loop().time() - began
            released.set()
            assert await reused_threads.run_within(5, done.wait, 5)
            return took

        assert asyncio.run(run()) >= 0.1

    def test_each_has_its_own(self) -> None:
        async def run() -> list[object]:
            works = [reused_threads.run_within(limit, time.sleep, 0.3) for limit in (0.1, 5, 0.1, 5)]
            return [type(each) for each in await asyncio.gather(*works, return_exceptions=True)]

        late, on_time = reused_threads.LateError, type(None)
        assert asyncio.run(run()) == [late, on_time, late, on_time]

    def test_a_time_that_ran_out_in_the_work_itself_is_an_error_of_the_work(self) -> None:
        with pytest.raises(TimeoutError):
            asyncio.run(_waited(reused_threads.run_within(5, _raise, TimeoutError)))

    def test_nothing_is_left_of_many(self) -> None:
        async def run() -> int:
            for _ in range(200):
                await reused_threads.run_within(0.1, int)
            left: int = sum(map(len, reused_threads._limited[asyncio.get_running_loop()].values()))
            return left

        assert asyncio.run(run()) == 0


def _raise(error: type[BaseException]) -> None:
    raise error
