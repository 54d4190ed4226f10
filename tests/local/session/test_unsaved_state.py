"""A run that is killed loses what it changed, and the next one says so."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from constructs_lib.local.emulator import Emulator, Settings
from tests.local.runtime.deployed import Deployed

if TYPE_CHECKING:
    from pathlib import Path


def queues(emulator: Emulator) -> list[str]:
    urls: list[str] = Deployed(emulator.endpoint).client("sqs").list_queues().get("QueueUrls", [])
    return [url.rpartition("/")[2] for url in urls]


def test_nothing_is_lost_when_a_run_ends_in_order(tmp_path: Path) -> None:
    with Emulator.start(Settings(state=tmp_path)) as first:
        Deployed(first.endpoint).client("sqs").create_queue(QueueName="kept")
        assert first.unsaved_since == ""
    with Emulator.start(Settings(state=tmp_path)) as second:
        assert (second.unsaved_since, queues(second)) == ("", ["kept"])


def test_the_next_run_says_so_when_one_is_killed(tmp_path: Path) -> None:
    with Emulator.start(Settings(state=tmp_path)) as first:
        Deployed(first.endpoint).client("sqs").create_queue(QueueName="kept")
    with Emulator.start(Settings(state=tmp_path)) as killed:
        Deployed(killed.endpoint).client("sqs").create_queue(QueueName="lost")
        os.kill(killed.pid, signal.SIGKILL)
        while killed.is_running:
            pass
    with Emulator.start(Settings(state=tmp_path)) as third:
        assert third.unsaved_since.endswith(" UTC")
        assert queues(third) == ["kept"]
    with Emulator.start(Settings(state=tmp_path)) as fourth:
        assert fourth.unsaved_since == ""


def test_a_run_that_keeps_nothing_has_nothing_to_lose() -> None:
    with Emulator.start(Settings()) as first:
        os.kill(first.pid, signal.SIGKILL)
    with Emulator.start(Settings()) as second:
        assert second.unsaved_since == ""
