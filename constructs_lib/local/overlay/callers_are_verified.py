"""Who says to be somebody is verified, or refused; that includes the root user.

Stock takes three kinds of callers for the root user without any check: an `Authorization` header of another kind than
AWS's (`Bearer x`), the root key with any secret, and any account id as a key. Who signs nothing may list all buckets.

With this patch the root key is verified like the keys of users and sessions: its secret is `test`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

_EVALUATOR = "core.iam_evaluator"
_PIN = ("method", "raw_path", "query_params", "raw_headers", "handshake")
CREDENTIALS_IN_QUERY = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "AWSAccessKeyId", "Signature")
FOR_SIGNED_CALLERS_ONLY = {"s3:ListAllMyBuckets", "s3:CreateBucket"}  # what no policy of a bucket can open


def _wrap_root_key(_stock: Any) -> Any:
    def is_root_key(access_key_id: str) -> bool:
        return not access_key_id  # no key is exempt from verification; who the root user is, is decided elsewhere

    return is_root_key


def _wrap_pin(stock: Any) -> Any:
    def pin(method: str, raw_path: str, query_params: Any, raw_headers: Any, handshake: bool = False) -> None:
        stock(method, raw_path, query_params, raw_headers, handshake)
        evaluator = base(_EVALUATOR)
        authorization = next((value.decode("latin-1") for name, value in raw_headers if _is_authorization(name)), "")
        if evaluator._signed_request.get() is None and (authorization or _names_somebody(query_params)):
            claimed = base("core.router").extract_access_key_id({"authorization": authorization}, query_params)
            request = evaluator.SignedRequest(claimed, method, raw_path, query_params, {}, unverifiable=True)
            evaluator._signed_request.set(request)

    return pin


def _is_authorization(name: bytes) -> bool:
    return name.lower() == b"authorization"


def _names_somebody(query_params: Mapping[str, Any] | None) -> bool:
    names = {name.lower() for name in query_params or {}}
    return any(name.lower() in names for name in CREDENTIALS_IN_QUERY)


def _wrap_identity(stock: Any) -> Any:
    def identity(access_key_id: str) -> Any:
        evaluator = base(_EVALUATOR)
        if not access_key_id or not evaluator.is_root_access_key(access_key_id):
            return stock(access_key_id)
        account = base("core.responses").get_account_id()
        return {
            "accessKey": access_key_id,
            "accountId": account,
            "userArn": f"arn:aws:iam::{account}:root",
            "userId": account,
            "principalOrgId": evaluator._principal_org_id(account),
            "session": None,
        }

    return identity


def _wrap_enforce(stock: Any) -> Any:
    def enforce(access_key_id: str, iam_action: str, *rest: Any, **named: Any) -> Any:
        evaluator = base(_EVALUATOR)
        if evaluator._anonymous.get() and iam_action in FOR_SIGNED_CALLERS_ONLY:
            return evaluator.AuthError("MissingAuthenticationToken", "Access Denied")
        return stock(access_key_id, iam_action, *rest, **named)

    return enforce


PATCHES = (
    Patch(_EVALUATOR, "_is_root_key", ("access_key_id",), _wrap_root_key),
    Patch(_EVALUATOR, "pin_signed_request", _PIN, _wrap_pin),
    Patch("app", "pin_signed_request", _PIN, _wrap_pin),
    Patch(_EVALUATOR, "resolve_caller_identity", ("access_key_id",), _wrap_identity),
    Patch(
        _EVALUATOR,
        "enforce",
        ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"),
        _wrap_enforce,
    ),
)
