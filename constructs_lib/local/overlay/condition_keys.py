"""Variables in policies, and condition keys that stock does not know or gets wrong.

Stock compares `aws:PrincipalArn` with the ARN of the session instead of the role's, takes `${aws:PrincipalTag/team}`
for plain text, and knows neither `aws:ViaAWSService`, `aws:PrincipalIsAWSService` nor what is said of a call to KMS.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

_EVALUATOR = "core.iam_evaluator"
_VARIABLE = re.compile(r"\$\{(?P<key>[^},]+)(?:,\s*'(?P<default>[^']*)')?\}")
_LITERAL = {"*": "*", "?": "?", "$": "$"}
NOTHING = "\0"  # in place of a variable that has no value: it fits nothing


def _wrap_key(stock: Any) -> Any:
    def resolve_condition_key(key: str, ctx: Any) -> Any:
        name = key.lower()
        if name == "aws:principalarn" and ":assumed-role/" in ctx.principal_arn:
            return _role_arn(ctx.principal_arn)
        found = stock(key, ctx)
        if found is None and name in {"aws:viaawsservice", "aws:principalisawsservice"}:
            is_service = name == "aws:principalisawsservice" and ctx.principal_type == "Service"
            return "true" if is_service else "false"
        return found

    return resolve_condition_key


def _role_arn(session_arn: str) -> str:
    """The ARN of the role of a session, with its path."""
    account, name = session_arn.split(":")[4], session_arn.split("/")[1]
    role = base("services.iam")._roles.get_scoped(account, None, name) or {}
    return str(role.get("Arn") or f"arn:aws:iam::{account}:role/{name}")


def _wrap_evaluate(stock: Any) -> Any:
    def evaluate(ctx: Any, policies: Any, *limits: Any) -> Any:
        layers = [type(layer)([_filled(each, ctx) for each in statements] for statements in layer) for layer in limits]
        return stock(ctx, [[_filled(each, ctx) for each in statements] for statements in policies], *layers)

    return evaluate


def _filled(statement: Any, ctx: Any) -> Any:
    """A statement with its variables filled in; most have none."""
    named = [*statement.resources, *statement.not_resources]
    conditions = statement.conditions if "${" in str(statement.conditions) else None
    if conditions is None and not any("${" in each for each in named):
        return statement
    return replace(
        statement,
        resources=[_text(each, ctx) for each in statement.resources],
        not_resources=[_text(each, ctx) for each in statement.not_resources],
        conditions=statement.conditions if conditions is None else _values(conditions, ctx),
    )


def _values(told: Any, ctx: Any) -> Any:
    if isinstance(told, dict):
        return {key: _values(each, ctx) for key, each in told.items()}
    if isinstance(told, list):
        return [_values(each, ctx) for each in told]
    return _text(told, ctx) if isinstance(told, str) else told


def _text(text: str, ctx: Any) -> str:
    def value(found: re.Match[str]) -> str:
        key = found["key"].strip()
        if key in _LITERAL:
            return _LITERAL[key]
        known = base(_EVALUATOR)._resolve_condition_key(key, ctx)
        if known is None or isinstance(known, list):
            return found["default"] if found["default"] is not None else NOTHING
        return str(known)

    return _VARIABLE.sub(value, text)


def _wrap_context(stock: Any) -> Any:
    def request_tag_context(service: str, iam_action: str, body: bytes, params: Any) -> Any:
        found = stock(service, iam_action, body, params)
        return {**found, **_of_kms(body)} if service == "kms" else found

    return request_tag_context


def _of_kms(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return {}
    if not isinstance(told, dict):
        return {}
    found: dict[str, Any] = {}
    context = told.get("EncryptionContext")
    if isinstance(context, dict) and context:
        found = {f"kms:EncryptionContext:{key}": value for key, value in context.items()}
        found["kms:EncryptionContextKeys"] = list(context)
    kms = base("services.kms")
    key = kms._resolve_key(str(told.get("KeyId") or ""))
    if key is not None:
        named = [f"alias/{alias.rpartition(':alias/')[2]}" for alias, of in kms._aliases.items() if of == key["KeyId"]]
        found |= {"kms:ResourceAliases": named, "kms:CallerAccount": key["Arn"].split(":")[4]}
    if str(told.get("KeyId", "")).startswith("alias/"):
        found["kms:RequestAlias"] = told["KeyId"]
    return found


PATCHES = (
    Patch(_EVALUATOR, "_resolve_condition_key", ("key", "ctx"), _wrap_key),
    Patch(_EVALUATOR, "evaluate", ("ctx", "policies", "limits"), _wrap_evaluate),
    Patch("core.iam_actions", "request_tag_context", ("service", "iam_action", "body", "params"), _wrap_context),
)
