"""The Lambda Runtime API, as a custom runtime (`provided.al2023`) speaks it, in front of an environment's channel.

A bootstrap asks over HTTP for its next event and posts the answer; what it says goes on as the frames that our own
bootstraps write themselves. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
import threading
from typing import TYPE_CHECKING, Any

from constructs_lib.local.executor.loopback_server import Call, Reply

if TYPE_CHECKING:
    import socket

VERSION = "2018-06-01"
RESPONSE_LIMIT_BYTES = 6_291_556
_HEAD = struct.Struct(">I")
_ACCEPTED = Reply.of_json(202, {"status": "OK"})


class RuntimeApi:
    """Stands where a bootstrap of ours would stand: at the function's end of the channel.

    Args:
        connection: That end.
    """

    def __init__(self, connection: socket.socket) -> None:
        """Take over the end of the channel."""
        self._connection = connection
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._is_started = False
        self._current = ""  # the request that waits for its answer

    def answer(self, call: Call) -> Reply:
        """Answer a call to the Runtime API."""
        match call.method, *call.path[1:]:
            case ["GET", "runtime", "invocation", "next"]:
                return self._next()
            case ["POST", "runtime", "invocation", request_id, "response"]:
                return self._respond(call, request_id)
            case ["POST", "runtime", "invocation", request_id, "error"]:
                return self._fail(call, request_id)
            case ["POST", "runtime", "init", "error"]:
                return self._fail_to_start(call)
        return _refusal(404, "NotFound", f"there is no {call.method} /{'/'.join(call.path)}")

    def close(self) -> None:
        """Let go of the channel."""
        self._connection.close()

    def _next(self) -> Reply:
        with self._reading:
            self._tell("idle" if self._is_started else "ready")
            self._is_started = True
            message = self._receive()
            self._current = message["id"]
        headers = {
            "Lambda-Runtime-Aws-Request-Id": message["id"],
            "Lambda-Runtime-Deadline-Ms": str(message["deadline"]),
            "Lambda-Runtime-Invoked-Function-Arn": message["arn"],
        }
        if message["trace"] is not None:
            headers["Lambda-Runtime-Trace-Id"] = message["trace"]
        if message["client"] is not None:
            headers["Lambda-Runtime-Client-Context"] = json.dumps(message["client"])
        return Reply.of_json(200, message["event"], headers)

    def _respond(self, call: Call, request_id: str) -> Reply:
        refusal = self._refuses(request_id)
        if refusal is not None:
            return refusal
        if call.header("Lambda-Runtime-Function-Response-Mode").lower() == "streaming":
            self._stream(call)
            return _ACCEPTED
        body = bytearray()
        for part in call.parts():
            if len(body) <= RESPONSE_LIMIT_BYTES:  # what is beyond is read, and not kept
                body += part
        self._tell("response", raw=bytes(body))
        if len(body) > RESPONSE_LIMIT_BYTES:
            told = f"Exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
            return _refusal(413, "RequestEntityTooLarge", told)
        return _ACCEPTED

    def _stream(self, call: Call) -> None:
        """Pass on what comes; a trailer tells of a failure in the middle."""
        self._tell("begin", call.header("Content-Type") or "application/octet-stream")
        for part in call.parts():
            self._tell("part", base64.b64encode(part).decode())
        error_type = call.trailers.get("lambda-runtime-function-error-type")
        if error_type is None:
            self._tell("end")
            return
        try:
            told = json.loads(base64.b64decode(call.trailers.get("lambda-runtime-function-error-body", "")))
        except (binascii.Error, ValueError):
            told = None
        self._tell("error", told if isinstance(told, dict) else {"errorType": error_type, "errorMessage": error_type})

    def _fail(self, call: Call, request_id: str) -> Reply:
        refusal = self._refuses(request_id)
        if refusal is not None:
            return refusal
        self._tell("error", _failure(call))
        return _ACCEPTED

    def _fail_to_start(self, call: Call) -> Reply:
        if self._is_started:
            return _refusal(403, "InvalidStateTransition", "Transition from Running to InitError is not allowed.")
        self._tell("init-error", _failure(call))
        return _ACCEPTED

    def _refuses(self, request_id: str) -> Reply | None:
        """Why an answer is not for the request that waits for one."""
        with self._writing:
            if request_id == self._current:
                self._current = ""
                return None
        if not self._current:
            told = "Transition from Ready to InvocationResponse is not allowed."
            return _refusal(403, "InvalidStateTransition", told)
        return _refusal(400, "InvalidRequestID", "Invalid request ID")

    def _tell(self, kind: str, payload: Any = None, raw: bytes | None = None) -> None:
        frame: dict[str, Any] = {"kind": kind, "payload": payload}
        if raw is not None:
            frame["raw"] = base64.b64encode(raw).decode()
        body = json.dumps(frame).encode()
        with self._writing:
            self._connection.sendall(_HEAD.pack(len(body)) + body)

    def _receive(self) -> dict[str, Any]:
        (length,) = _HEAD.unpack(self._exactly(_HEAD.size))
        message: dict[str, Any] = json.loads(self._exactly(length))
        return message

    def _exactly(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            part = self._connection.recv(size - len(found))
            if not part:
                raise ConnectionResetError
            found += part
        return bytes(found)


def _failure(call: Call) -> dict[str, Any]:
    """The error a runtime reports; what it leaves out is filled in from the header, as Lambda does."""
    named = call.header("Lambda-Runtime-Function-Error-Type") or "Runtime.Unknown"
    try:
        told = json.loads(call.body() or b"{}")
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    return {"errorType": named, "errorMessage": "", **told}


def _refusal(status: int, error_type: str, message: str) -> Reply:
    return Reply.of_json(status, {"errorMessage": message, "errorType": error_type})
