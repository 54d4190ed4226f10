"""What every deployed function's role allows and has to allow, to be compared with what was used."""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay import decisions
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.control import command
from constructs_lib.local.overlay.function_needs import needs_of


@command("grants")
def grants(_told: dict[str, Any]) -> object:
    """List every function with its role, what that is allowed, and what it has to be; the journal is complete then."""
    decisions.flush()
    evaluator = base("core.iam_evaluator")
    found = []
    for (account, _, name), function in base("services.lambda_svc")._functions.all_items():
        role = (function.get("config") or {}).get("Role", "").rpartition("/")[2]
        policies = evaluator._gather_role_policies(role, account)
        allowed = [
            {"actions": each.actions, "resources": each.resources or ["*"]}
            for statements in policies
            for each in statements
            if each.effect == "Allow" and each.actions and not each.not_resources
        ]
        found.append({"function": name, "role": role, "allowed": allowed, "needed": needs_of(function)})
    return found
