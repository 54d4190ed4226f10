"""What the page calls: routes of the deployed APIs, and functions."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import TYPE_CHECKING, Any

from constructs_lib.local.page.asked import text
from constructs_lib.local.page.clients import TRACE_HEADER
from constructs_lib.local.signed_call import call
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from constructs_lib.local.page.asked import Asked
    from constructs_lib.local.page.clients import PageClients

METHOD = re.compile(r"[A-Za-z]{1,20}")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
SHOWN_BYTES = 1_000_000  # of an answer; no browser shows more with pleasure


def call_route(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Call a deployed API, signed as whoever is chosen; no other address is called."""
    method, path = text(asked, "method"), text(asked, "path")
    if METHOD.fullmatch(method) is None or not path.startswith("/"):
        problem = Problem(what=f"{method} {path} cannot be called", where="Try it", fix="write GET, and a path like /a")
        raise LocalError(problem)
    credentials, region = clients.credentials_of(text(asked, "caller", default="none"))
    headers = _headers(text(asked, "headers", default=""))
    began = time.monotonic()
    with clients.trace() as trace:
        answer = call(
            method.upper(),
            clients.aws.url + path,
            body=text(asked, "body", default="").encode(),
            headers={TRACE_HEADER: f"Root={trace}"} | headers,
            credentials=credentials,
            region=region,
        )
    return {
        "status": answer.status,
        "reason": answer.reason,
        "milliseconds": round((time.monotonic() - began) * 1000, 1),
        "trace": trace,
        "headers": [list(each) for each in answer.headers],
        "bytes": len(answer.body),
        **shown(answer.body),
    }


def invoke(clients: PageClients, asked: Asked) -> dict[str, Any]:
    """Run a function with an event, and wait for its answer."""
    functions, event = clients.client("lambda", text(asked, "region")), text(asked, "event")
    try:
        json.loads(event)
    except ValueError as error:
        raise LocalError(Problem(what=f"the event is no JSON: {error}", where="Invoke", fix="mend the JSON")) from error
    began = time.monotonic()
    with clients.trace() as trace:
        answer = functions.invoke(FunctionName=text(asked, "function"), Payload=event.encode(), LogType="Tail")
    return {
        "trace": trace,
        "error": answer.get("FunctionError", ""),
        "milliseconds": round((time.monotonic() - began) * 1000, 1),
        "log": base64.b64decode(answer.get("LogResult", "")).decode(errors="replace"),
        **shown(answer["Payload"].read()),
    }


def shown(content: bytes) -> dict[str, str]:
    """Return bytes as a text to show, JSON in lines."""
    try:
        told = content[:SHOWN_BYTES].decode()
    except UnicodeDecodeError:
        return {"text": f"{len(content):,} bytes that are no text"}
    try:
        return {"text": json.dumps(json.loads(told), indent=2, ensure_ascii=False)}
    except (ValueError, RecursionError):
        return {"text": told}


def _headers(lines: str) -> dict[str, str]:
    found = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        name, _, value = line.partition(":")
        if HEADER_NAME.fullmatch(name.strip()) is None or not value.isprintable():
            raise LocalError(Problem(what=f"{line!r} is no header", where="Try it", fix="write name: value"))
        found[name.strip()] = value.strip()
    return found
