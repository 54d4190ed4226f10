"""Whether a function's own policy lets a service invoke it: what `AWS::Lambda::Permission` grants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ACTION = "lambda:InvokeFunction"


def allows(policy: Mapping[str, Any] | None, function_arn: str, service: str, source_arn: str, account: str) -> bool:
    """Whether a statement of the policy allows the service to invoke the function for the source."""
    statements = (policy or {}).get("Statement") or []
    return any(_statement_allows(each, function_arn, service, source_arn, account) for each in statements)


def _statement_allows(
    statement: Mapping[str, Any], function_arn: str, service: str, source_arn: str, account: str
) -> bool:
    principal = statement.get("Principal")
    services = principal.get("Service") if isinstance(principal, dict) else principal
    if statement.get("Effect") != "Allow" or not _is_one_of(service, services):
        return False
    if statement.get("Action") not in {ACTION, "lambda:*"} or statement.get("Resource") != function_arn:
        return False
    known = {"aws:sourcearn": source_arn, "aws:sourceaccount": account}
    for operator, tests in (statement.get("Condition") or {}).items():
        for name, wanted in tests.items():
            actual = known.get(name.lower())
            if actual is None or not _matches(operator, actual, wanted):
                return False
    return True


def _is_one_of(service: str, named: Any) -> bool:
    names = named if isinstance(named, list) else [named]
    return service in names or "*" in names


def _matches(operator: str, actual: str, wanted: Any) -> bool:
    patterns = wanted if isinstance(wanted, list) else [wanted]
    if operator in {"ArnLike", "StringLike"}:
        return any(_glob(str(each), actual) for each in patterns)
    return actual in patterns  # StringEquals, ArnEquals


def _glob(pattern: str, text: str) -> bool:
    parts = re.split(r"([*?])", pattern)
    expression = "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(expression, text) is not None
