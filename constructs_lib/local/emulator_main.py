"""The child process of `Emulator`: serve the base on the sockets it is handed, until its parent is gone.

Standard input carries one line of orders and is then the lifeline: at its end the process stops. Standard output
carries one line of report. Both are ours alone; whatever anyone prints goes to standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from constructs_lib.local.overlay import Overlay, front_door
from constructs_lib.local.overlay.base import Orders, base
from constructs_lib.local.plain_http import KEEP_ALIVE_SECONDS, PlainFirst
from constructs_lib.local.strays import end_strays
from constructs_lib.problem import LocalError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Asgi = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Any]], Awaitable[None]]

GRACE_SECONDS = 0.3  # what a request in flight may still take when we are told to stop
LAST_RESORT_SECONDS = 40.0  # after the parent is gone nobody else would end a process that hangs


def main() -> int:
    """Take orders, check the base, serve."""
    report = os.fdopen(os.dup(1), "wb", buffering=0)
    _allow_many_files()
    os.dup2(2, 1)  # a stray print must not look like a report
    told = json.loads(_first_line())
    orders = _orders(told)
    try:
        overlay = Overlay(orders)
    except LocalError as error:
        problems = [{"what": each.what, "where": each.where, "fix": each.fix} for each in error.problems]
        report.write(json.dumps({"problems": problems}).encode() + b"\n")
        return 1
    try:
        application = _application(base("app").app, orders, report.write)
        shortcut = overlay.shortcut(orders.app_port)
        with asyncio.Runner(loop_factory=lambda: PlainFirst(application, shortcut)) as runner:
            runner.run(_serve(orders, overlay, application))
    finally:
        overlay.close()
        end_strays(orders.work)
        shutil.rmtree(orders.work, ignore_errors=True)
    if told["unsaved"]:  # the state was saved when the server shut down
        Path(told["unsaved"]).unlink(missing_ok=True)
    return 0


def _orders(told: dict[str, Any]) -> Orders:
    log_file, journal = told["log_file"], told["journal"]
    return Orders(
        sockets=tuple(told["sockets"]),
        app_port=told["app_port"],
        endpoint=told["endpoint"],
        region=told["region"],
        work=Path(told["work"]),
        log_file=None if log_file is None else Path(log_file),
        journal=None if journal is None else Path(journal),
        lets_denied_pass=told["iam"] == "warn",
        key=told["key"],
    )


def _allow_many_files() -> None:
    """Each environment and each idle connection holds a few; the usual soft limit is 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems allow less than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _first_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 1)  # byte by byte, so that nothing of the lifeline sits in a buffer
        if not part:
            break
        line += part
    return line


async def _serve(orders: Orders, overlay: Overlay, application: Any) -> None:
    config = Config()
    config.bind = [f"fd://{each}" for each in orders.sockets]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.keep_alive_max_requests = sys.maxsize  # a connection closed under a client's next request is an error there
    config.graceful_timeout = GRACE_SECONDS
    config.loglevel = "WARNING"
    config.h11_pass_raw_headers = True  # REST APIs hand on the names of headers as they were sent
    for each in orders.sockets:
        os.set_inheritable(each, False)
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    _stop_at_end_of_lifeline(stopping, loop)
    _stop_at_signals(stopping, loop)

    async def stop_asked() -> None:
        await stopping.wait()
        # The server waits for every request it has begun, and those wait for functions that may never end.
        loop.call_later(GRACE_SECONDS, overlay.end_functions)
        if isinstance(loop, PlainFirst):
            await loop.finish(GRACE_SECONDS)

    await serve(application, config, shutdown_trigger=stop_asked)


def _application(base_app: Asgi, orders: Orders, report: Callable[[bytes], object]) -> Asgi:
    """The base behind the front door, reporting once when it is up."""
    inner = front_door.wrap(base_app, orders.app_port, orders.key)

    async def application(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] != "lifespan":
            await inner(scope, receive, send)
            return

        async def send_and_report(message: dict[str, Any]) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                report(json.dumps({"ready": os.getpid()}).encode() + b"\n")

        await base_app(scope, receive, send_and_report)

    return application


def _stop_at_end_of_lifeline(stopping: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    """Stop when the parent closes its end of our standard input, which it does even when it is killed."""

    def wait_for_end() -> None:
        while os.read(0, 4096):
            pass
        timer = threading.Timer(LAST_RESORT_SECONDS, os._exit, args=(1,))
        timer.daemon = True
        timer.start()
        try:
            loop.call_soon_threadsafe(stopping.set)
        except RuntimeError:
            return  # the loop has ended already

    threading.Thread(target=wait_for_end, name="lifeline", daemon=True).start()


def _stop_at_signals(stopping: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)


if __name__ == "__main__":
    sys.exit(main())
