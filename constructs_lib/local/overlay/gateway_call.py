"""One call to a deployed API, and what becomes known of it on its way: the variables of its access log.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
"""

from __future__ import annotations

import base64
import contextvars
import re
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from constructs_lib.local.overlay.base import base

VARIABLE = re.compile(r"\$context\.([A-Za-z_][\w:-]*(?:\.[A-Za-z_][\w:-]*)*)")
TRACE_HEADER = "x-amzn-trace-id"


@dataclass(slots=True)
class Call:
    """One call.

    Args:
        request_id: The id API Gateway gives it.
        extended_id: The other id it has in a REST API, and the only one in an HTTP API.
        trace: Its trace header.
        host: The name it was asked under.
        source_ip: Where it came from.
        started: When, in seconds of the clock.
        said: The variables known so far, without the `$context.` before their names.
        is_http_api: Whether it is an HTTP API that answers.
        request: The request to a REST API, as the base has it.
    """

    request_id: str
    extended_id: str
    trace: str
    host: str
    source_ip: str
    started: float = field(default_factory=time.time)
    said: dict[str, Any] = field(default_factory=dict)
    is_http_api: bool = False
    request: dict[str, Any] = field(default_factory=dict)

    def say(self, variables: Mapping[str, Any]) -> None:
        """Note what became known."""
        self.said.update(variables)

    def text(self, line: str) -> str:
        """The line with its variables filled in; what is not known is a dash."""
        return VARIABLE.sub(lambda match: _text(self.said.get(match[1])), line)


_current: contextvars.ContextVar[Call | None] = contextvars.ContextVar("call", default=None)


def begin(headers: Mapping[str, str]) -> Call:
    """Begin a call, which is the current one from here on."""
    now = f"{int(time.time()):08x}"
    call = Call(
        request_id=str(uuid.uuid4()),
        extended_id=base64.b64encode(secrets.token_bytes(11)).decode(),
        trace=headers.get(TRACE_HEADER) or f"Root=1-{now}-{secrets.token_hex(12)}",
        host=headers.get("host", ""),
        source_ip=base("core.responses").get_request_client_ip() or "127.0.0.1",
    )
    _current.set(call)
    return call


def current() -> Call:
    """The call that is being answered."""
    return _current.get() or begin({})


def forget() -> None:
    """Forget who has called how often, and what authorizers said."""
    rest, http = base("services.apigateway_v1"), base("services.apigateway")
    for held in (rest._throttle_state, rest._quota_state, rest._authorizer_cache, http._authorizer_cache):
        held.clear()


def request_time(call: Call) -> str:
    """When it began, as API Gateway writes it."""
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(call.started))


def _text(value: Any) -> str:
    if value is None or value == "":
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)
