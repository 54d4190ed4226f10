"""Calls are authorized under the actions AWS asks for: batches as single calls, statements of PartiQL on their tables.

Stock asks for `sqs:SendMessageBatch` and `sns:PublishBatch`, which are no actions, so that the right grant denies them;
and for `dynamodb:ExecuteStatement` on everything. A key of KMS that is named by its alias is authorized on the alias.
What AWS asks besides is not asked: `s3:PutObjectTagging` for a tag, and `s3:ListBucket` to be told that a key is not
there, without which the answer is 403.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

_ACTIONS = "core.iam_actions"
SINGLE = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
}
PARTIQL = frozenset({"dynamodb:ExecuteStatement", "dynamodb:BatchExecuteStatement", "dynamodb:ExecuteTransaction"})
_NAME = r'(?:"(?P<{0}quoted>[^"]+)"|(?P<{0}>[\w.-]+?))'
_STATEMENT = re.compile(
    r"\s*(?P<verb>select\b.*?\bfrom|insert\s+into|update|delete\s+from|exists\s*\(\s*select\b.*?\bfrom)\s+"
    + _NAME.format("table")
    + r'(?:\."(?P<indexquoted>[^"]+)"|\.(?P<index>[\w-]+))?(?=[\s;)]|$)',
    re.IGNORECASE | re.DOTALL,
)
_VERBS = {"select": "PartiQLSelect", "insert": "PartiQLInsert", "update": "PartiQLUpdate", "delete": "PartiQLDelete"}
ACL_HEADERS = ("x-amz-acl", "x-amz-grant-read", "x-amz-grant-full-control")


def _wrap_action(stock: Any) -> Any:
    def extract_iam_action(  # noqa: PLR0917 (the signature of the base)
        service: str, method: str, path: str, headers: Any, body: bytes, query_params: Any
    ) -> Any:
        found = stock(service, method, path, headers, body, query_params)
        return SINGLE.get(found, found)

    return extract_iam_action


def _wrap_transaction(stock: Any) -> Any:
    def dynamodb_transaction_checks(iam_action: str, body: bytes, region: str, account_id: str) -> Any:
        if iam_action not in PARTIQL:
            return stock(iam_action, body, region, account_id)
        return [_statement_check(each, region, account_id) for each in _statements(body)]

    return dynamodb_transaction_checks


def _statements(body: bytes) -> list[str]:
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return []
    if not isinstance(told, dict):
        return []
    several = told.get("Statements") or told.get("TransactStatements") or [told]
    statements = [each.get("Statement") for each in several if isinstance(each, dict)]
    return [each for each in statements if isinstance(each, str)]


def _statement_check(statement: str, region: str, account: str) -> tuple[str, str]:
    """The action and the table or index of one statement; what cannot be read is authorized on everything."""
    found = _STATEMENT.match(statement)
    if found is None:
        return "dynamodb:PartiQLSelect", "*"
    verb = found["verb"].split()[0].partition("(")[0].lower()
    action = f"dynamodb:{_VERBS.get(verb, 'PartiQLSelect')}"
    table = found["tablequoted"] or found["table"]
    arn = table if table.startswith("arn:") else f"arn:aws:dynamodb:{region}:{account}:table/{table}"
    index = found["indexquoted"] or found["index"]
    return action, f"{arn}/index/{index}" if index else arn


def _wrap_s3(stock: Any) -> Any:
    def s3_additional_checks(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        checks = stock(method, path, headers, body, query_params)
        action = base(_ACTIONS)._s3_action(method, path, query_params)
        bucket, _, key = path.lstrip("/").partition("/")
        if not key:
            return checks
        arn = f"arn:aws:s3:::{bucket}/{key}"
        if action == "PutObject" and headers.get("x-amz-tagging"):
            checks = [*checks, ("s3:PutObjectTagging", arn)]
        if action == "PutObject" and any(headers.get(each) for each in ACL_HEADERS):
            checks = [*checks, ("s3:PutObjectAcl", arn)]
        if action == "GetObject" and _is_missing(bucket, key):
            checks = [*checks, ("s3:ListBucket", f"arn:aws:s3:::{bucket}")]
        return checks

    return s3_additional_checks


def _is_missing(bucket: str, key: str) -> bool:
    """Whether there is such a bucket, and no such object in it."""
    found = base("services.s3")._buckets.get(bucket)
    return found is not None and key not in found["objects"]


def _wrap_resource(stock: Any) -> Any:
    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        found: str = stock(service, method, path, headers, body, *rest)
        if service == "kms" and ":alias/" in found:
            key = base("services.kms")._resolve_key(found.split(":", 5)[-1])
            return found if key is None else str(key["Arn"])
        return found

    return extract_resource_arn


_REQUEST = ("service", "method", "path", "headers", "body", "query_params")
PATCHES = (
    Patch(_ACTIONS, "extract_iam_action", _REQUEST, _wrap_action),
    Patch(_ACTIONS, "extract_resource_arn", (*_REQUEST, "region", "account_id"), _wrap_resource),
    Patch(_ACTIONS, "dynamodb_transaction_checks", ("iam_action", "body", "region", "account_id"), _wrap_transaction),
    Patch(_ACTIONS, "s3_additional_checks", ("method", "path", "headers", "body", "query_params"), _wrap_s3),
)
