"""Function URLs: at an address of this machine, streamed where the URL says so, refused where no policy lets in.

Stock gives them AWS's host name, which leads nowhere from here, lets everybody call whatever the policy of the
function says, answers a stream only at its end, and shows callers the error of a function.
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from constructs_lib.local.overlay import reused_threads, trace
from constructs_lib.local.overlay.authority import is_enforced
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.decisions import settle
from constructs_lib.local.overlay.function_invocation import SYNCHRONOUS_LIMIT_BYTES, payload_of, throttled
from constructs_lib.local.overlay.http_api_result import internal_server_error, response_of
from constructs_lib.local.overlay.http_api_sendable import flaw
from constructs_lib.local.overlay.lambda_executor import request_identity
from constructs_lib.local.overlay.patching import Patch
from constructs_lib.local.overlay.relay import Begun, Ended, Relay

INVOKE_URL, INVOKE = "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"
_KEYS = {INVOKE_URL: {"lambda:FunctionUrlAuthType": "NONE"}, INVOKE: {"lambda:InvokedViaFunctionUrl": "true"}}
HTTP_ANSWER = "application/vnd.awslambda.http-integration-response"
_HEAD_END = b"\0" * 8
_HEAD_LIMIT_BYTES = 1 << 16

Answer = tuple[int, dict[str, Any], Any]


def _wrap_request(stock: Any) -> Any:
    async def handle_function_url_request(  # noqa: PLR0917 (the signature of the base)
        url_id: str,
        method: str,
        path: str,
        headers: Any,
        body: bytes,
        query_params: Any,
        resolved: Any = None,
        source_ip: Any = None,
    ) -> Any:
        lambda_svc = base("services.lambda_svc")
        resolved = resolved or lambda_svc.resolve_function_url(url_id)
        if resolved is None or (method == "OPTIONS" and resolved[4].get("Cors")):
            return await stock(url_id, method, path, headers, body, query_params, resolved, source_ip)
        account, region, name, qualifier, settings = resolved
        cors = lambda_svc._function_url_cors_headers(settings, headers)
        reference = f"arn:aws:lambda:{region}:{account}:function:{name}" + (f":{qualifier}" if qualifier else "")
        record, configuration, _ = lambda_svc._get_func_record_for_ref_in_scope(
            reference, account_id=account, region=region
        )
        request_id = str(uuid.uuid4())
        own = {"Content-Type": "application/json", "x-amzn-RequestId": request_id, **cors}
        is_open = settings.get("AuthType") == "NONE"
        if record is None or not _may_call(record, reference, headers, query_params, is_open=is_open):
            return 403, {**own, "x-amzn-ErrorType": "AccessDeniedException"}, b'{"Message":"Forbidden"}'
        if len(body) > SYNCHRONOUS_LIMIT_BYTES:
            return 413, own, b'{"message":"Request Entity Too Large"}'
        event = lambda_svc._build_function_url_event(
            url_id,
            account,
            region,
            method,
            path,
            headers,
            body,
            query_params,
            source_ip=source_ip or base("core.responses").get_request_client_ip(),
            anonymous=is_open,
            trace_root=trace.header_now(),
        )
        event["requestContext"]["requestId"] = request_id
        execution = lambda_svc._execution_record_for_config(record, {**configuration, "FunctionArn": reference})
        is_streamed = settings.get("InvokeMode") == "RESPONSE_STREAM"
        with request_identity(request_id):
            status, answered, content = await (_stream if is_streamed else _buffer)(execution, event)
        if flaw(status, answered):
            status, answered, content = _bad_gateway()
        lambda_svc._apply_headers_case_insensitively(answered, {**cors, "x-amzn-RequestId": request_id})
        return status, answered, content

    return handle_function_url_request


def _may_call(record: dict[str, Any], reference: str, headers: Any, query_params: Any, *, is_open: bool) -> bool:
    """Whether the caller may: since October 2025 that takes two grants, on the URL and on the function behind it.

    The base has asked for the first one where the URL wants signatures.
    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    if is_open:
        return not is_enforced() or not any(_refusal(record, reference, action) for action in _KEYS)
    if not base("services.lambda_svc")._function_url_is_signed(headers, query_params):
        return False
    denial = base("app")._enforce_data_plane(
        "lambda", INVOKE, headers, query_params, "", resource_arn=reference, service_context=_KEYS[INVOKE]
    )
    return denial is None


def _refusal(record: dict[str, Any], reference: str, action: str) -> str:
    """Why a caller who says nothing of himself may not; empty when he may."""
    told = f"User: anonymous is not authorized to perform: {action} on resource: {reference}"
    return settle("anonymous", action, reference, "" if _lets_everybody_in(record, reference, action) else told)


def _lets_everybody_in(record: dict[str, Any], reference: str, action: str) -> bool:
    """Whether the policy of the function lets anybody do this, who need not say who they are."""
    for statement in (record.get("policy") or {}).get("Statement") or []:
        tests = {name: value for each in (statement.get("Condition") or {}).values() for name, value in each.items()}
        if (
            statement.get("Effect") == "Allow"
            and statement.get("Action") in {action, "lambda:*"}
            and statement.get("Principal") in ("*", {"AWS": "*"})
            and statement.get("Resource") == reference
            and tests.items() <= _KEYS[action].items()
        ):
            return True
    return False


async def _buffer(execution: dict[str, Any], event: Any) -> Answer:
    execute = base("services.lambda_svc")._execute_function_with_config_scope
    result = await reused_threads.run(execute, execution, event)
    failed = _failed(result)
    if failed is not None:
        return failed
    answered = response_of(result.get("body"))
    return _bad_gateway() if answered == internal_server_error() else answered


def _failed(result: dict[str, Any]) -> Answer | None:
    if result.get("throttle"):
        return throttled(result)
    return _bad_gateway() if result.get("error") else None


def _bad_gateway() -> Answer:
    """What a caller sees of anything that went wrong behind the URL."""
    return 502, {"Content-Type": "application/json"}, b"Internal Server Error"


async def _stream(execution: dict[str, Any], event: Any) -> Answer:
    relay = Relay()
    relay.start(base("services.lambda_svc")._execute_function_with_config_scope, execution, event)
    step = await relay.next()
    if isinstance(step, Ended):
        failed = _failed(step.result)
        return failed or (200, {"Content-Type": "application/octet-stream"}, payload_of(step.result))
    content_type = step.content_type if isinstance(step, Begun) else ""
    head, rest, end = await _head(relay) if content_type == HTTP_ANSWER else ({}, b"", None)
    if end is not None and end.result.get("error") and not rest:
        return _bad_gateway()
    answered: dict[str, Any] = {
        "Content-Type": "application/octet-stream" if content_type == HTTP_ANSWER else content_type
    }
    told = head.get("headers")
    base("services.lambda_svc")._apply_headers_case_insensitively(answered, told if isinstance(told, dict) else {})
    if isinstance(head.get("cookies"), list):
        answered["Set-Cookie"] = [str(each) for each in head["cookies"]]

    async def answer(send: Any, receive: Any) -> None:
        del receive
        left: Any = end
        if rest:
            await send({"type": "http.response.body", "body": rest, "more_body": True})
        while not isinstance(left, Ended):
            left = await relay.next()
            if isinstance(left, bytes):
                await send({"type": "http.response.body", "body": left, "more_body": True})
        # A stream that failed is cut off, so that no caller takes it for whole.
        if not left.result.get("error"):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return _status(head), answered, base("core.responses").StreamingResponse(answer)


async def _head(relay: Relay) -> tuple[dict[str, Any], bytes, Ended | None]:
    """Status and headers, what has come of the body after them, and the end if that has come, too."""
    received = b""
    while _HEAD_END not in received and len(received) < _HEAD_LIMIT_BYTES:
        step = await relay.next()
        if isinstance(step, Ended):
            return {}, received, step
        received += step if isinstance(step, bytes) else b""
    text, _, rest = received.partition(_HEAD_END)
    try:
        head = json.loads(text)
    except ValueError:
        return {}, received, None
    return (head, rest, None) if isinstance(head, dict) else ({}, received, None)


def _status(head: dict[str, Any]) -> int:
    """The status a head tells; 0, which no answer can have, where that is none."""
    status = head.get("statusCode", 200)
    return status if isinstance(status, int) else 0


def _wrap_create(stock: Any) -> Any:
    def create_function_url_config(func_name: str, data: Any, qualifier: Any) -> Any:
        status, headers, body = stock(func_name, data, qualifier)
        if status != 201:  # noqa: PLR2004 (Created)
            return status, headers, body
        lambda_svc = base("services.lambda_svc")
        settings = lambda_svc._function_urls[lambda_svc._url_config_key(func_name, qualifier)]
        settings["FunctionUrl"] = _here(settings["FunctionUrl"])
        if qualifier:
            settings["FunctionArn"] = f"{settings['FunctionArn']}:{qualifier}"
        return status, headers, json.dumps(settings).encode()

    return create_function_url_config


def _here(url: str) -> str:
    """The address of a URL on this machine."""
    host = url.partition("://")[2].removesuffix(".on.aws/")
    return f"http://{host}.localhost:{base('services.apigateway')._PORT}/"


PATCHES = (
    Patch(
        "services.lambda_svc",
        "handle_function_url_request",
        ("url_id", "method", "path", "headers", "body", "query_params", "resolved", "source_ip"),
        _wrap_request,
    ),
    Patch("services.lambda_svc", "_create_function_url_config", ("func_name", "data", "qualifier"), _wrap_create),
)
