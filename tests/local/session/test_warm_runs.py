"""What is slow is waited for elsewhere, whatever becomes of what was started beside it."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from constructs_lib.local.executor.deadline import Deadline
from constructs_lib.local.executor.invocation import Invocation, Kept
from constructs_lib.local.executor.run import Run
from constructs_lib.local.executor.warm_runs import WarmRuns
from constructs_lib.local.overlay import decisions, journal
from constructs_lib.local.overlay.warm_path import WarmPath

if TYPE_CHECKING:
    from constructs_lib.local.executor.environment import Environment

INVOCATION = Invocation({}, "request", "arn", None)
LONGEST_SECONDS = 60


class Silent:
    """An environment that never answers."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()

    @property
    def number(self) -> int:
        return self.ours.fileno()

    def begin(self, invocation: Invocation, *, is_quick: bool) -> Run:
        assert is_quick
        started, kept = time.monotonic(), Kept()
        return Run(invocation, started, Deadline(started, 60), kept, kept, is_sent=True)

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


class Asked:
    """A caller who is told that it takes longer."""

    def __init__(self) -> None:
        self.told = asyncio.Event()

    def answered(self, *_: object) -> None:
        raise AssertionError("nobody has answered")

    def is_slow(self, *_: object) -> None:
        self.told.set()


class Failing(Asked):
    def is_slow(self, *told: object) -> None:
        super().is_slow(*told)
        raise OSError("no space left")


def start(runs: WarmRuns, silent: Silent, asked: Asked) -> Asked:
    runs.start(cast("Environment", silent), INVOCATION, asked)
    return asked


async def told(asked: Asked) -> bool:
    return await asyncio.wait_for(asked.told.wait(), LONGEST_SECONDS)


def test_one_caller_who_fails_keeps_nobody_else_waiting() -> None:
    environments = [Silent() for _ in range(4)]
    problems: list[Any] = []

    async def ask() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: problems.append(context["exception"]))
        runs = WarmRuns(loop)
        before = [
            start(runs, each, asked)
            for each, asked in zip(environments[:3], (Asked(), Failing(), Asked()), strict=True)
        ]
        for each in before:
            assert await told(each)
        assert await told(start(runs, environments[3], Asked()))

    try:
        asyncio.run(ask())
    finally:
        for each in environments:
            each.close()
    assert [str(each) for each in problems] == ["no space left"]


def test_environment_that_was_closed_meanwhile_is_told_of_too() -> None:
    closed, other = Silent(), Silent()

    async def ask() -> None:
        runs = WarmRuns(asyncio.get_running_loop())
        gone, still = start(runs, closed, Asked()), start(runs, other, Asked())
        closed.close()
        assert await told(gone)
        assert await told(still)

    try:
        asyncio.run(ask())
    finally:
        other.close()


def test_request_that_a_full_disk_cannot_tell_of_goes_the_usual_way_and_keeps_nothing() -> None:
    given_back: list[object] = []
    plan: Any = SimpleNamespace(
        function="function", reference="arn", is_enforced=True, may_run_now=lambda: True, take_slot=lambda: "slot",
        give_back_slot=given_back.append,
    )  # fmt: skip
    executor = SimpleNamespace(take_idle=lambda _: "environment", give_back=given_back.append)
    known: Any = SimpleNamespace(root="1-2-3", event=SimpleNamespace(text=lambda *_: "{}"))
    path = WarmPath(cast("Any", SimpleNamespace(executor=executor)), 0)
    decisions.forget()
    journal.open_journal(Path("/dev/full"))
    try:
        assert not path._begin(cast("Any", None), known, plan, b"")
    finally:
        journal.open_journal(None)
        decisions.forget()
    assert given_back == ["slot", "environment"]
