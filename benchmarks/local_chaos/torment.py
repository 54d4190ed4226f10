"""One run: kills at random, starts again, compares what is there with what was promised."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.local_chaos.app import STACK
from benchmarks.local_chaos.load import Clients
from constructs_lib.local import LocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = 6
PAUSES = (0.2, 1.2)  # seconds between two kills
OF_HANDLERS, IN_ORDER = 0.85, 0.05  # shares of what is done; the rest are kills of the embedded AWS
SETTLE_SECONDS = 60.0


@dataclass
class Tally:
    """What was done, and what went wrong.

    Args:
        handlers: Handlers that were killed.
        servers: Times the embedded AWS was killed.
        orderly: Times it was stopped in order.
        created: Items that were created, as their clients were told.
        failed: Requests that failed, of which clients were told.
        lost: Promised items that are not there though nobody said so.
        unannounced: Times the embedded AWS was killed and the next start did not say so.
        hung: Answers that took longer than any timeout allows.
        orphans: Processes that outlived their run.
        unworked: Items whose message was never worked on, though nothing was announced lost.
    """

    handlers: int = 0
    servers: int = 0
    orderly: int = 0
    created: int = 0
    failed: int = 0
    lost: list[str] = field(default_factory=list)
    unannounced: int = 0
    hung: int = 0
    orphans: list[int] = field(default_factory=list)
    unworked: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """Everything that was killed."""
        return self.handlers + self.servers


def torment(assembly: Path, state: Path, *, kills: int, seed: int) -> Tally:
    """Kill this often, in an order the seed decides."""
    chance, victims = random.Random(seed), random.Random(seed)
    tally, clients = Tally(), Clients()
    aws = LocalAws.from_assembly(assembly, state=state)
    works, safe = [aws.emulator.work], set[str]()
    clients.url = aws.url
    clients.start(CLIENTS)
    try:
        while tally.kills < kills:
            time.sleep(chance.uniform(*PAUSES))
            choice = chance.random()
            if choice < OF_HANDLERS:
                tally.handlers += _kill_a_handler(aws, victims)
                continue
            is_orderly = choice > 1 - IN_ORDER
            clients.url = ""
            if is_orderly:
                aws.stop()
                tally.orderly += 1
            else:
                os.kill(aws.emulator.pid, signal.SIGKILL)
                tally.servers += 1
                aws.stop()
            safe = set(clients.promised) if is_orderly else safe
            aws = LocalAws.from_assembly(assembly, state=state)
            works.append(aws.emulator.work)
            if not is_orderly:
                tally.unannounced += not aws.emulator.unsaved_since
                clients.promised &= safe  # what the last orderly end has saved
            tally.lost += sorted(safe - _items(aws))
            clients.url = aws.url
        tally.hung += clients.stop()
        tally.hung += len(clients.hung)
        tally.lost += sorted(clients.promised - _items(aws))
        tally.unworked = _unworked(aws, clients.promised - safe)
    finally:
        clients.stop()
        aws.stop()
    tally.created, tally.failed = clients.created, clients.failed
    tally.orphans = [pid for work in works for pid in _processes_of(work)]
    return tally


def _kill_a_handler(aws: LocalAws, victims: random.Random) -> bool:
    found = sorted(_processes_of(aws.emulator.work))
    if not found:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(victims.choice(found), signal.SIGKILL)
        return True
    return False


def _processes_of(work: Path) -> Iterator[int]:
    """Processes that run code of the embedded AWS with this working folder."""
    mark = os.fsencode(f"LAMBDA_TASK_ROOT={work}{os.sep}")
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if any(each.startswith(mark) for each in path.read_bytes().split(b"\0")):
                yield int(path.parent.name)


def _items(aws: LocalAws) -> set[str]:
    table = aws.outputs[STACK]["TableName"]
    pages = aws.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return {item["id"]["S"] for page in pages for item in page["Items"]}


def _unworked(aws: LocalAws, promised: set[str]) -> list[str]:
    """The items whose message nobody has worked on, after all have had the time."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        items = _items(aws)
        missing = sorted(item for item in promised if f"worked/{item}" not in items)
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(0.2)
