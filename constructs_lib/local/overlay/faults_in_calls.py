"""Faults that meet calls of AWS's APIs, after they have been authorized and before anything is done.

What fails answers as the service would, in its protocol and with its status, so that SDKs try again as they would.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay import faults
from constructs_lib.local.overlay.base import base

if TYPE_CHECKING:
    from constructs_lib.local.executor.executor import Executor

Answer = tuple[int, dict[str, str], bytes]

# What each service says when it is asked too often, where it is not `ThrottlingException` with 400.
_THROTTLED = {
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "kinesis": ("ProvisionedThroughputExceededException", 400),
    "lambda": ("TooManyRequestsException", 429),
    "s3": ("SlowDown", 503),
    "sns": ("Throttling", 400),
    "sqs": ("RequestThrottled", 400),
    "sts": ("Throttling", 400),
    "iam": ("Throttling", 400),
}
# What each service says when it fails itself, where it is not `InternalFailure` with 500.
_INTERNAL = {
    "dynamodb": "InternalServerError",
    "lambda": "ServiceException",
    "s3": "InternalError",
    "secretsmanager": "InternalServiceError",
    "ssm": "InternalServerError",
    "sns": "InternalError",
}
_STATUS = {
    "SlowDown": 503,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
    "TooManyRequestsException": 429,
    "AccessDenied": 403,
    "NoSuchKey": 404,
    "NoSuchBucket": 404,
    "PreconditionFailed": 412,
}
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


class FaultsInCalls:
    """Lets faults happen in calls.

    Args:
        executor: What runs functions.
    """

    def __init__(self, executor: Executor) -> None:
        """Remember what to kill in."""
        self._executor = executor

    def install(self) -> None:
        """Stand in front of every service."""
        if not base("app").AUTH:
            faults.callers_are_unknown()
        handlers = base("app").SERVICE_HANDLERS
        for service, handler in list(handlers.items()):
            handlers[service] = self._in_front_of(service, handler)

    def _in_front_of(self, service: str, handler: Any) -> Any:
        async def handle(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
            if faults.are_there_any():
                action = base("core.iam_actions").extract_iam_action(service, method, path, headers, body, query_params)
                caller = _calling_function(headers, query_params)
                struck = faults.in_calls(action, caller) if action else []
                failed = await self._failed(service, action, caller, struck, headers) if struck else None
                if failed is not None:
                    return failed
            return await handler(method, path, headers, body, query_params)

        return handle

    async def _failed(
        self, service: str, action: str, caller: str, struck: list[faults.Fault], headers: Any
    ) -> Answer | None:
        """The answer instead of that of the service, if there is one."""
        for each in struck:
            if each.kind == "delay":
                await asyncio.sleep(each.options["seconds"])
        for each in struck:
            if each.kind == "kill":
                await asyncio.to_thread(self._executor.end_running, caller)
                return _answer(service, action, headers, ("ServiceUnavailable", 503), "nobody hears this")
            if each.kind == "throttle":
                throttled = _THROTTLED.get(service, ("ThrottlingException", _CLIENT_ERROR))
                return _answer(service, action, headers, throttled, "Rate exceeded")
            if each.kind == "error":
                code = each.options["code"] or _INTERNAL.get(service, "InternalFailure")
                status = each.options["status"] or status_of(code)
                return _answer(service, action, headers, (code, status), each.options["message"])
        return None


def status_of(code: str) -> int:
    """The status a service sends this error with; most are the caller's fault."""
    fallback = _SERVER_ERROR if code.startswith(("Internal", "ServiceException")) else _CLIENT_ERROR
    return _STATUS.get(code, fallback)


def _calling_function(headers: Any, query_params: Any) -> str:
    """The function that calls, empty for others: Lambda names its sessions after it."""
    if not base("app").AUTH:
        # Without IAM every function has the key of the account, which nobody else uses.
        key = base("core.router").extract_access_key_id(headers, query_params)
        return faults.SOME_FUNCTION if key == base("core.responses").get_account_id() else ""
    principal = base("core.iam_evaluator").request_caller_arn(headers, query_params) or ""
    return str(principal.partition(":assumed-role/")[2].partition("/")[2])


def _answer(service: str, action: str, headers: Any, error: tuple[str, int], message: str) -> Answer:
    actions, (code, status) = base("core.iam_actions"), error
    _, told, body = actions.access_denied_response(
        service, action, "", str(uuid.uuid4()), error_code=code, message=message, headers=headers
    )
    if status >= _SERVER_ERROR:
        body = body.replace(b"<Type>Sender<", b"<Type>Receiver<")
        told = {name: value.replace(";Sender", ";Receiver") for name, value in told.items()}
    return status, told, body
