"""What a function returned that no HTTP answer can hold is a failure of the integration.

Stock hands it to the server, which breaks off the connection in the middle: a status that only announces another one
(101), a header whose name or value has characters no header may have, a cookie with a line break.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from constructs_lib.local.overlay.http_api_result import Response, internal_server_error
from constructs_lib.local.overlay.patching import Patch

FIRST_FINAL, LAST_STATUS = 200, 599
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # https://www.rfc-editor.org/rfc/rfc9110#name-tokens
UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_log = logging.getLogger("constructs_lib.local")


def flaw(status: int, headers: Mapping[str, Any]) -> str:
    """What is wrong with an answer; empty when it can be sent."""
    if not FIRST_FINAL <= status <= LAST_STATUS:
        return f"status {status} ends no call"
    for name, value in _lines(headers):
        if NAME.fullmatch(name) is None:
            return f"{name!r} is no name of a header"
        if UNSENDABLE.search(value) is not None:
            return f"header {name} has the value {value!r}"
    return ""


def _lines(headers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            yield name, str(each)


def _wrap(stock: Any) -> Any:
    async def execute(api_id: str, stage: str, path: str, method: str, *rest: Any) -> Response:
        status, headers, body = await stock(api_id, stage, path, method, *rest)
        found = flaw(status, headers)
        if found:
            _log.error("%s %s of API %s has no answer: %s", method, path, api_id, found)
            return internal_server_error()
        return status, headers, body

    return execute


PATCHES = (
    Patch(
        "services.apigateway",
        "_handle_execute_in_scope",
        ("api_id", "stage", "path", "method", "headers", "body", "query_params", "owner_account_id", "owner_region",
         "raw_query_string"),
        _wrap,
    ),
)  # fmt: skip
