"""The failures Lambda itself reports about a function, under the names AWS gives them."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any

RESPONSE_LIMIT_BYTES = 6_291_556  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

_SIGNALS = {signal.SIGKILL: "killed", signal.SIGABRT: "aborted", signal.SIGSEGV: "segmentation fault"}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of the environment rather than of the handler.

    Args:
        error_type: The name the caller and Step Functions see.
        message: What the caller reads.
        status: What the REPORT line says.
        report_type: The error type of the REPORT line. Default: `error_type`.
    """

    error_type: str
    message: str
    status: str = "error"
    report_type: str = ""

    def payload(self) -> dict[str, Any]:
        """What the caller gets."""
        return {"errorType": self.error_type, "errorMessage": self.message}


def timed_out(request_id: str, seconds: float) -> Failure:
    """The function took longer than its timeout."""
    message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
    return Failure("Sandbox.Timedout", message, status="timeout")


def exited(request_id: str, code: int) -> Failure:
    """The process of the function ended without an answer."""
    if code == 0:
        message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
    elif code < 0:
        number = signal.Signals(-code)
        told = _SIGNALS.get(number, number.name.removeprefix("SIG").lower())
        message = f"RequestId: {request_id} Error: Runtime exited with error: signal: {told}"
    else:
        message = f"RequestId: {request_id} Error: Runtime exited with error: exit status {code}"
    return Failure("Runtime.ExitError", message)


def out_of_memory(request_id: str) -> Failure:
    """The process of the function outgrew its memory."""
    message = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
    return Failure("Runtime.ExitError", message, report_type="Runtime.OutOfMemory")


def fatal(request_id: str, payload: dict[str, Any]) -> Failure:
    """The process told why it ends; the caller gets what it told."""
    error_type = str(payload.get("errorType", "Runtime.Unknown"))
    return Failure(error_type, f"RequestId: {request_id} Error: {payload.get('errorMessage', '')}")


def response_too_large() -> Failure:
    """The answer is larger than Lambda lets through."""
    message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
    return Failure("Function.ResponseSizeTooLarge", message)


def cannot_start(reason: str) -> Failure:
    """No process can be started for the function on this machine."""
    return Failure("Runtime.InvalidEntrypoint", reason)


def extension_crashed(request_id: str, code: int) -> Failure:
    """An external extension ended before the environment did."""
    told = "exit status 0" if code == 0 else exited(request_id, code).message.rpartition("error: ")[2]
    return Failure("Extension.Crash", f"RequestId: {request_id} Error: {told}")


def extension_failed(request_id: str, error_type: str) -> Failure:
    """An extension reported that it gives up."""
    return Failure(error_type, f"RequestId: {request_id} Error: an extension gave up: {error_type}")
