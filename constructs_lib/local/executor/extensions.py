"""The Lambda Extensions API of one environment: who has registered, and which events each has yet to fetch.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from constructs_lib.local.executor.loopback_server import Call, Reply

if TYPE_CHECKING:
    from collections.abc import Collection

    from constructs_lib.local.executor.function import Function
    from constructs_lib.local.executor.invocation import Invocation

VERSION = "2020-01-01"
INVOKE, SHUTDOWN = "INVOKE", "SHUTDOWN"
_IDENTIFIER = "Lambda-Extension-Identifier"


@dataclass(slots=True)
class _Extension:
    """One that has registered."""

    name: str
    events: frozenset[str]
    pending: list[dict[str, Any]] = field(default_factory=list)
    is_waiting: bool = False


class Extensions:
    """What the extensions of an environment are told, and whether they are done with it.

    Args:
        function: The function they come with.
        external: The names of the programs in `/opt/extensions`.
    """

    def __init__(self, function: Function, external: Collection[str]) -> None:
        """Wait for the external ones to register."""
        self._function = function
        self._external = frozenset(external)
        self._known: dict[str, _Extension] = {}
        self._changed = threading.Condition()
        self._is_over = False
        self.failure = ""  # what an extension reported before it gave up

    @property
    def are_registered(self) -> bool:
        """Whether anybody has registered."""
        return bool(self._known)

    def answer(self, call: Call) -> Reply:
        """Answer a call to the Extensions API."""
        match call.method, *call.path[1:]:
            case ["POST", "extension", "register"]:
                return self._register(call)
            case ["GET", "extension", "event", "next"]:
                return self._next(call)
            case ["POST", "extension", "init" | "exit", "error"]:
                return self._give_up(call)
        return _refusal(404, "Extension.NotFound", f"there is no {call.method} /{'/'.join(call.path)}")

    def begin(self, invocation: Invocation, deadline_ms: int) -> None:
        """Tell of an invocation whoever wants to hear of them."""
        event: dict[str, Any] = {
            "eventType": INVOKE,
            "deadlineMs": deadline_ms,
            "requestId": invocation.request_id,
            "invokedFunctionArn": invocation.arn,
        }
        if invocation.trace is not None:
            event["tracing"] = {"type": "X-Amzn-Trace-Id", "value": invocation.trace}
        self._publish(event)

    def shut_down(self, reason: str, seconds: float) -> None:
        """Tell of the end of the environment."""
        deadline_ms = int((time.time() + seconds) * 1000)
        self._publish({"eventType": SHUTDOWN, "shutdownReason": reason, "deadlineMs": deadline_ms})

    def await_idle(self, seconds: float) -> bool:
        """Wait until everybody who was told of something asks for the next, and the external ones have registered."""
        with self._changed:
            self._changed.wait_for(self._are_idle, seconds)
            return self._are_idle()

    def close(self) -> None:
        """Nobody hears of anything any more."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _are_idle(self) -> bool:
        if self.failure:
            return True
        registered = {each.name for each in self._known.values()}
        return self._external <= registered and not any(
            each.pending or not each.is_waiting for each in self._known.values()
        )

    def _publish(self, event: dict[str, Any]) -> None:
        with self._changed:
            for each in self._known.values():
                if event["eventType"] in each.events:
                    each.pending.append(event)
            self._changed.notify_all()

    def _register(self, call: Call) -> Reply:
        name = call.header("Lambda-Extension-Name")
        if not name:
            return _refusal(403, "Extension.InvalidExtensionName", "Empty extension name")
        try:
            events = frozenset(json.loads(call.body() or b"{}").get("events", []))
        except (ValueError, AttributeError, TypeError):
            return _refusal(400, "InvalidRequestFormat", "the body is not a JSON object with a list of events")
        if not events <= {INVOKE, SHUTDOWN}:
            return _refusal(400, "Extension.InvalidEventType", "events can be INVOKE and SHUTDOWN")
        if SHUTDOWN in events and name not in self._external:
            told = "ShutdownEvent is not supported for internal extensions"
            return _refusal(400, "ShutdownEventNotSupportedForInternalExtension", told)
        identifier = str(uuid.uuid4())
        with self._changed:
            if any(each.name == name for each in self._known.values()):
                return _refusal(403, "Extension.AlreadyRegisteredError", f"the extension {name} has registered before")
            self._known[identifier] = _Extension(name, events)
        function = self._function
        told_of = {"functionName": function.name, "functionVersion": function.version, "handler": function.handler}
        if "accountId" in call.header("Lambda-Extension-Accept-Feature"):
            told_of["accountId"] = function.arn.split(":")[4]
        return Reply.of_json(200, told_of, {_IDENTIFIER: identifier})

    def _next(self, call: Call) -> Reply:
        extension = self._known.get(call.header(_IDENTIFIER))
        if extension is None:
            return _unknown(call)
        with self._changed:
            extension.is_waiting = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: extension.pending or self._is_over)
            if not extension.pending:
                raise ConnectionResetError
            event = extension.pending.pop(0)
            extension.is_waiting = False
        return Reply.of_json(200, event, {"Lambda-Extension-Event-Identifier": str(uuid.uuid4())})

    def _give_up(self, call: Call) -> Reply:
        if call.header(_IDENTIFIER) not in self._known:
            return _unknown(call)
        with self._changed:
            self.failure = call.header("Lambda-Extension-Function-Error-Type") or "Extension.UnknownReason"
            self._changed.notify_all()
        return Reply.of_json(202, {"status": "OK"})


def _unknown(call: Call) -> Reply:
    if not call.header(_IDENTIFIER):
        return _refusal(403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
    return _refusal(403, "Extension.UnknownExtensionIdentifier", "Unknown extension identifier")


def _refusal(status: int, error_type: str, message: str) -> Reply:
    return Reply.of_json(status, {"errorMessage": message, "errorType": error_type})
