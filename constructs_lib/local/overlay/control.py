"""What whoever started the embedded AWS may ask of it beyond AWS's own APIs: reset, faults, the clock, ...

Each command is one function, registered by the file that knows how:

    @command("reset")
    def reset(told: dict[str, Any]) -> object: ...

`POST /_constructs_lib/control/<command>` with a JSON object runs it in a thread and answers its JSON. It answers nobody
but who shows the key, which the process that started this one has, and keeps where its user alone can read.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from typing import TYPE_CHECKING, Any

from constructs_lib.local.json_lines import json_object
from constructs_lib.local.overlay.base import base, log
from constructs_lib.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[[dict[str, Any]], object]

PREFIX = "/_constructs_lib/control/"
KEY_HEADER = b"x-constructs-lib-key"

_commands: dict[str, Command] = {}


def command(name: str) -> Callable[[Command], Command]:
    """Register what answers to this name."""

    def register(function: Command) -> Command:
        if name in _commands:
            raise ValueError(f"there are two commands {name}")
        _commands[name] = function
        return function

    return register


def shows_key(scope: dict[str, Any], key: str) -> bool:
    """Whether the request comes from who knows the key."""
    shown = dict(scope.get("headers", [])).get(KEY_HEADER, b"")
    return bool(key) and hmac.compare_digest(shown, key.encode())


async def answer(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any], key: str) -> None:
    """Run the command that is asked for."""
    function = _commands.get(scope["path"].removeprefix(PREFIX))
    if not shows_key(scope, key):
        await _send(send, 403, {"message": "Forbidden"})
    elif scope["method"] != "POST" or function is None:
        await _send(send, 404, {"message": f"there is no such command; there are {', '.join(sorted(_commands))}"})
    else:
        await _send(send, *await _run(function, json_object(await _body(receive))))


async def _run(function: Command, told: dict[str, Any]) -> tuple[int, object]:
    try:
        return 200, await asyncio.to_thread(function, told)
    except ProblemError as error:
        problems = [{"what": each.what, "where": each.where, "fix": each.fix} for each in error.problems]
        return 400, {"problems": problems}
    except Exception as error:  # a command that breaks must not break the connection it was asked on
        log.exception("a command failed")
        return 500, {"message": f"{type(error).__name__}: {error}"}


async def _body(receive: Callable[..., Any]) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if not message.get("more_body"):
            return body


async def _send(send: Callable[..., Any], status: int, answered: object) -> None:
    content = json.dumps(answered, default=str).encode()
    await base("app")._send_response(send, status, {"Content-Type": "application/json"}, content)
