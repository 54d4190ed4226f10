"""Hands out the credentials a deployed function runs with, so that the local run can prove what its role may do.

Real roles trust the Lambda service alone: nobody else may assume them, not even the root of the account. Lambda itself
gets its credentials from inside the base, and so does this address. It answers nobody but the process that started
this one: that one alone knows the key.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.control import shows_key
from constructs_lib.local.overlay.decisions import PROOF

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "/_constructs_lib/role-session"


async def answer(scope: dict[str, Any], send: Callable[..., Any], key: str) -> None:
    """Answer `?function=<name>&region=<region>` with the environment variables that hold the credentials.

    With `&for=proof` they are of a session of its own, whose calls are no calls of the function.
    """
    if not shows_key(scope, key):
        await _send(send, 403, {"message": "Forbidden"})
        return
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    name, region = query.get("function", [""])[0], query.get("region", [""])[0]
    functions = base("services.lambda_svc")._functions
    responses = base("core.responses")
    with responses.request_scope(responses.get_account_id(), region):
        function = functions.get(name)
    if function is None:
        await _send(send, 404, {"message": f"there is no function {name} in {region}"})
        return
    configuration = function["config"]
    if query.get("for") == ["proof"]:
        arn = f"{configuration['FunctionArn']}:{PROOF}"
        configuration = {**configuration, "FunctionArn": arn, "FunctionName": PROOF}
    await _send(send, 200, base("core.lambda_runtime").execution_credentials(configuration))


async def _send(send: Callable[..., Any], status: int, answered: dict[str, str]) -> None:
    await base("app")._send_response(send, status, {"Content-Type": "application/json"}, json.dumps(answered).encode())
