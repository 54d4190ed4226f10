"""GET /accounts/{id}: what an account has, in cents. Logs in as ledger_reader."""

from __future__ import annotations

import json
import os
import re
import ssl
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Tracer
from pg8000 import native

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
SECONDS = 5

logger = Logger()
tracer = Tracer(patch_modules=["botocore"])
tls = ssl.create_default_context()  # verified against the authorities the system knows, Amazon's among them
rds = boto3.client("rds")  # for signing alone: no call is made
connections: list[native.Connection] = []  # one at most: an environment serves one request at a time


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer the request, and never raise."""
    account = (event.get("pathParameters") or {}).get("id", "")
    if not ACCOUNT.fullmatch(account):
        return failure(400, "invalid_request", "the path has an invalid account id", context)
    try:
        found = ask(account)
    except Exception:
        logger.exception("request failed")
        return failure(500, "internal_error", "something went wrong on our side", context)
    if found is None:
        return failure(404, "not_found", "there is no account with this id", context)
    return answer(200, found)


def ask(account: str) -> dict[str, Any] | None:
    """Read the balance; a connection that was ended meanwhile is opened anew, once."""
    kept = bool(connections)
    try:
        rows = connection().run("SELECT amount, entries FROM balance WHERE account_id = :account", account=account)
    except (native.InterfaceError, OSError):
        connections.clear()
        if not kept:
            raise
        return ask(account)
    return {"id": account, "balance": rows[0][0], "entries": rows[0][1]} if rows else None


def connection() -> native.Connection:
    """The connection of this environment; a token takes the place of a password."""
    if not connections:
        host, port, user = (os.environ[f"DATABASE_{name}"] for name in ("HOST", "PORT", "USER"))
        token = rds.generate_db_auth_token(DBHostname=host, Port=int(port), DBUsername=user)
        database = os.environ["DATABASE_NAME"]
        connections.append(
            native.Connection(
                user, host=host, port=int(port), database=database, password=token, ssl_context=tls, timeout=SECONDS
            )
        )
    return connections[0]


def answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """Answer with JSON."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


def failure(status: int, code: str, message: str, context: LambdaContext) -> dict[str, Any]:
    """Answer in the shape all routes share."""
    return answer(status, {"error": {"code": code, "message": message, "request_id": context.aws_request_id}})
