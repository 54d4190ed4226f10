"""GET /users: everyone in the table, a page at a time. Calls dynamodb:Scan."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Tracer
from botocore.config import Config

from . import page_token

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, ScanInputTypeDef

DEFAULT_LIMIT = 25
MAX_LIMIT = 100
FIELDS = ("id", "name", "email", "created_at")  # what a caller sees of a user, whatever else the table holds

logger = Logger()
tracer = Tracer(patch_modules=["botocore"])

# Made once per execution environment. botocore waits a minute by default, longer than the function has.
dynamodb = boto3.client("dynamodb", config=Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard"}))
USERS_TABLE = os.environ["USERS_TABLE"]


class InvalidParameter(ValueError):  # noqa: N818 - what the caller sent, answered 400; not an error of ours
    """A query parameter that cannot be used."""

    def __init__(self, field: str, message: str) -> None:
        """Name the parameter and what it must be."""
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Page:
    """Which users are asked for: at most `limit` of them, after the user `after`."""

    limit: int
    after: str | None


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)  # the answer holds what users told us
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer the request, and never raise: an error of ours is logged whole and answered 500 without its details."""
    try:
        return answer(200, list_page(requested_page(event)))
    except InvalidParameter as error:
        logger.info("request refused", status=400, field=error.field, reason=str(error))
        problem = {"field": error.field, "message": str(error)}
        return failure(400, "invalid_request", "the query has invalid parameters", context, fields=[problem])
    except Exception:
        logger.exception("request failed")
        return failure(500, "internal_error", "something went wrong on our side", context)


def requested_page(event: dict[str, Any]) -> Page:
    """Read `limit` and `next` from the query.

    Raises:
        InvalidParameter: One of them cannot be used.
    """
    query: dict[str, str] = event.get("queryStringParameters") or {}
    limit = query.get("limit", str(DEFAULT_LIMIT))
    if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= MAX_LIMIT:
        raise InvalidParameter("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    token = query.get("next")
    if token is None:
        return Page(int(limit), None)
    try:
        return Page(int(limit), page_token.decode(token))
    except ValueError as error:
        raise InvalidParameter("next", "must be the next of an earlier answer, unchanged") from error


@tracer.capture_method(capture_response=False)
def list_page(page: Page) -> dict[str, Any]:
    """Scan one page of users."""
    scan: ScanInputTypeDef = {
        "TableName": USERS_TABLE,
        "Limit": page.limit,
        "ProjectionExpression": ", ".join(f"#{field}" for field in FIELDS),
        "ExpressionAttributeNames": {f"#{field}": field for field in FIELDS},
    }
    if page.after is not None:
        scan["ExclusiveStartKey"] = {"id": {"S": page.after}}
    found = dynamodb.scan(**scan)
    last = found.get("LastEvaluatedKey")
    return {
        "users": [visible(item) for item in found["Items"]],
        "next": None if last is None else page_token.encode(last["id"]["S"]),
    }


def visible(item: dict[str, AttributeValueTypeDef]) -> dict[str, str]:
    """Return the fields of a stored user as text."""
    return {field: item[field]["S"] for field in FIELDS if "S" in item.get(field, {})}


def answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """Answer with JSON."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


def failure(status: int, code: str, message: str, context: LambdaContext, **details: Any) -> dict[str, Any]:
    """Answer with an error, in the shape all routes share."""
    return answer(
        status, {"error": {"code": code, "message": message, **details, "request_id": context.aws_request_id}}
    )
