"""Invoke and InvokeWithResponseStream, as Lambda answers them.

Stock takes a body that is no JSON for an empty event and one of any size, hands no client context over, answers a
stream only when the function is done, with the end of it in a shape no SDK reads, knows no weights of an alias, and
tells the caller another request id than the function. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import base64
import binascii
import contextvars
import json
import re
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from constructs_lib.local.overlay import event_stream, reused_threads
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.lambda_executor import request_identity, with_client_context
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.relay import Ended, Relay

SYNCHRONOUS_LIMIT_BYTES = 6_291_456  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ASYNCHRONOUS_LIMIT_BYTES = 1_048_576
CLIENT_CONTEXT_LIMIT_BYTES = 3_583
_PATH = re.compile(r"/[0-9-]+/functions/([^/]+)/(invocations|response-streaming-invocations)/?")
_TYPES = {
    "invocations": ("Event", "DryRun", "RequestResponse"),
    "response-streaming-invocations": ("DryRun", "RequestResponse"),
}

Answer = tuple[int, dict[str, str], Any]

# The id the base answers a request with: of an invocation the function hears it, too.
_front_id: contextvars.ContextVar[str] = contextvars.ContextVar("front_id", default="")


class RefusalError(Exception):
    """The call is not made.

    Args:
        status: The status of the answer.
        code: AWS's name of the error.
        message: What it tells.
        more: More members of the answer.
    """

    def __init__(self, status: int, code: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.told = {"message": message, **more}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks for."""

    record: dict[str, Any]
    event: Any
    kind: str
    is_streamed: bool
    wants_log: bool
    client_context: Any
    request_id: str

    @property
    def headers(self) -> dict[str, str]:
        """What every answer to it carries."""
        version = self.record["config"].get("Version") or "$LATEST"
        return {"X-Amz-Executed-Version": version}


def _wrap(stock: Any) -> Any:
    async def handle_request(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        found = _PATH.fullmatch(path) if method == "POST" else None
        if found is None:
            return await stock(method, path, headers, body, query_params)
        try:
            asked = _asked(unquote(found[1]), found[2], headers, body, query_params)
        except RefusalError as error:
            told = json.dumps({"Type": "User", **error.told}).encode()
            return error.status, {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}, told
        if (asked.record["config"].get("DurableConfig") or {}).get("Enabled"):
            return await stock(method, path, headers, body, query_params)
        if asked.kind == "DryRun":
            return 204, asked.headers, b""
        with request_identity(asked.request_id), with_client_context(asked.client_context):
            if asked.kind == "Event":
                base("services.lambda_svc").invoke_async_with_retry(asked.record, asked.event)
                _measure(asked, {}, 0.0)
                return 202, asked.headers, b""
            return await (_stream(asked) if asked.is_streamed else _invoke(asked))

    return handle_request


def _asked(name: str, operation: str, headers: Any, body: bytes, query_params: Any) -> Asked:
    kind = headers.get("x-amz-invocation-type") or "RequestResponse"
    if kind not in _TYPES[operation]:
        known = ", ".join(_TYPES[operation])
        told = f"1 validation error detected: Value '{kind}' at 'invocationType' failed to satisfy constraint: "
        raise RefusalError(400, "ValidationException", f"{told}Member must satisfy enum value set: [{known}]")
    limit = ASYNCHRONOUS_LIMIT_BYTES if kind == "Event" else SYNCHRONOUS_LIMIT_BYTES
    if len(body) > limit:
        told = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        if kind == "Event":
            told = f"{len(body)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
        raise RefusalError(413, "RequestEntityTooLargeException", told)
    record = _record(name, query_params)
    return Asked(
        record=record,
        event=_event(body),
        kind=kind,
        is_streamed=operation != "invocations",
        wants_log=headers.get("x-amz-log-type", "").lower() == "tail",
        client_context=_client_context(headers.get("x-amz-client-context", "")) if kind != "Event" else None,
        request_id=_front_id.get() or str(uuid.uuid4()),
    )


def _record(name: str, query_params: Any) -> dict[str, Any]:
    """The function, version or alias, under the ARN it is asked for."""
    lambda_svc = base("services.lambda_svc")
    function, qualifier = lambda_svc._resolve_request_scoped_name_and_qualifier(name)
    qualifier = qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier") or None
    reference = f"{function}:{qualifier}" if qualifier else function
    record, configuration, _ = lambda_svc._get_func_record_for_ref(reference)
    arn = lambda_svc._func_arn(function) + (f":{qualifier}" if qualifier else "")
    if record is None or configuration is None:
        raise RefusalError(404, "ResourceNotFoundException", f"Function not found: {arn}")
    found: dict[str, Any] = lambda_svc._execution_record_for_config(record, {**configuration, "FunctionArn": arn})
    if (
        found["config"].get("State") == "Pending"
        and (found["config"].get("SnapStart") or {}).get("OptimizationStatus") == "On"
    ):
        told = (
            "The operation cannot be performed at this time. The function is currently in the following state: Pending"
        )
        raise RefusalError(409, "ResourceConflictException", told)
    return found


def _event(body: bytes) -> Any:
    if not body.strip():
        return {}
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        told = f"Could not parse request body into json: Could not parse payload into json: {error}"
        raise RefusalError(400, "InvalidRequestContentException", told) from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"Unrecognized token '{name}'")


def _client_context(header: str) -> Any:
    if not header:
        return None
    try:
        found = (
            json.loads(base64.b64decode(header, validate=True)) if len(header) <= CLIENT_CONTEXT_LIMIT_BYTES else None
        )
    except (ValueError, binascii.Error):
        found = None
    if not isinstance(found, dict):
        told = "Client context must be a valid Base64-encoded JSON object."
        raise RefusalError(400, "InvalidRequestContentException", told)
    return found


async def _invoke(asked: Asked) -> Answer:
    lambda_svc = base("services.lambda_svc")
    began = time.monotonic()
    result = await reused_threads.run(lambda_svc._execute_function_with_config_scope, asked.record, asked.event)
    _measure(asked, result, time.monotonic() - began)
    if result.get("throttle"):
        return throttled(result)
    if result.get("recursive"):
        return _stopped(result)
    headers = {"Content-Type": "application/json", **asked.headers}
    if asked.wants_log:
        headers["X-Amz-Log-Result"] = base64.b64encode(result.get("log", "").encode()).decode()
    if result.get("error"):
        headers["X-Amz-Function-Error"] = "Unhandled"
    return 200, headers, payload_of(result)


def _measure(asked: Asked, result: dict[str, Any], seconds: float) -> None:
    """Count it among the metrics of the function."""
    base("services.lambda_svc")._emit_lambda_metrics(
        asked.record["config"]["FunctionName"],
        duration_ms=seconds * 1000,
        error=bool(result.get("error")),
        throttle=bool(result.get("throttle")),
    )


async def _stream(asked: Asked) -> Answer:
    relay, began = Relay(), time.monotonic()
    relay.start(base("services.lambda_svc")._execute_function_with_config_scope, asked.record, asked.event)
    first = await relay.next()
    if isinstance(first, Ended) and first.result.get("throttle"):
        _measure(asked, first.result, 0.0)
        return throttled(first.result)
    if isinstance(first, Ended) and first.result.get("recursive"):
        return _stopped(first.result)

    async def answer(send: Any, receive: Any) -> None:
        del receive
        step, has_streamed = first, False

        async def tell(frame: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": frame, "more_body": more})

        while not isinstance(step, Ended):
            has_streamed = True
            for frame in event_stream.payload_chunks(step) if isinstance(step, bytes) else ():
                await tell(frame)
            step = await relay.next()
        if not has_streamed and not step.result.get("error"):
            for frame in event_stream.payload_chunks(payload_of(step.result)):
                await tell(frame)
        _measure(asked, step.result, time.monotonic() - began)
        await tell(event_stream.invoke_complete(_completion(asked, step.result)), more=False)

    headers = {"Content-Type": event_stream.CONTENT_TYPE, **asked.headers}
    return 200, headers, base("core.responses").StreamingResponse(answer)


def _completion(asked: Asked, result: dict[str, Any]) -> bytes:
    """How a stream ended; an error in the middle of it is told here alone."""
    told: dict[str, str] = {}
    if result.get("error"):
        body = result.get("body")
        told["ErrorCode"] = str(body.get("errorType") or "Unhandled") if isinstance(body, dict) else "Unhandled"
        told["ErrorDetails"] = payload_of(result).decode("utf-8", "replace")
    if asked.wants_log:
        told["LogResult"] = base64.b64encode(result.get("log", "").encode()).decode()
    return json.dumps(told).encode()


def payload_of(result: dict[str, Any]) -> bytes:
    """The bytes of a result: the function's own, if it chose them."""
    raw = result.get("raw")
    if isinstance(raw, bytes):
        return raw
    # As the runtimes write JSON: Python's with spaces, Node's without.
    separators = (", ", ": ") if result.get("is_spaced") else (",", ":")
    return json.dumps(result.get("body"), ensure_ascii=False, separators=separators).encode("utf-8", "surrogatepass")


def _stopped(result: dict[str, Any]) -> Answer:
    """What Lambda answers who goes on with a loop."""
    told = {"Type": "User", "Message": result["body"]["errorMessage"]}
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "RecursiveInvocationException"}
    return 400, headers, json.dumps(told).encode()


def throttled(result: dict[str, Any]) -> Answer:
    """What Lambda answers where a limit of concurrency is reached."""
    reason = (result.get("body") or {}).get("Reason", "ConcurrentInvocationLimitExceeded")
    told = json.dumps({"Reason": reason, "Type": "User", "message": "Rate Exceeded."}).encode()
    kind = {"Content-Type": "application/json", "x-amzn-ErrorType": "TooManyRequestsException"}
    return 429, kind, told


def _wrap_front(stock: Any) -> Any:
    async def dispatch_service_request(  # noqa: PLR0917 (the signature of the base)
        method: str, path: str, headers: Any, body: bytes, query_params: Any, request_id: str
    ) -> Any:
        _front_id.set(request_id)
        return await stock(method, path, headers, body, query_params, request_id)

    return dispatch_service_request


PATCHES = (
    Patch(
        "app",
        "_dispatch_service_request",
        ("method", "path", "headers", "body", "query_params", "request_id"),
        _wrap_front,
    ),
    Patch("services.lambda_svc", "handle_request", ("method", "path", "headers", "body", "query_params"), _wrap),
)
