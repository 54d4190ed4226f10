"""An alias with weights leads to one version or the other; what is reserved for a function counts for its versions.

Stock always runs the first version of an alias; a published version has all the concurrency there is, and no policy.
https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
"""

from __future__ import annotations

import random
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

_dice = random.SystemRandom()


def _wrap(stock: Any) -> Any:
    def get_func_record_for_ref(function_ref: str) -> Any:
        record, configuration, name = stock(function_ref)
        function, _, _ = base("services.lambda_svc")._get_base_func_record_for_ref(function_ref)
        if record is None or function is None:
            return record, configuration, name
        record = _chosen(function, function_ref) or record
        if record is not function:
            record = {**record, "concurrency": function.get("concurrency"), "policy": function.get("policy")}
        return record, record["config"], name

    return get_func_record_for_ref


def _chosen(function: dict[str, Any], reference: str) -> dict[str, Any] | None:
    """The version the dice choose for an alias; nothing where it is the first one, or there are no weights."""
    _, qualifier = base("services.lambda_svc")._resolve_name_and_qualifier(reference)
    alias = (function.get("aliases") or {}).get(qualifier) or {}
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    left = _dice.random()
    for version, weight in weights.items():
        left -= float(weight)
        if left < 0:
            found: dict[str, Any] | None = (function.get("versions") or {}).get(str(version))
            return found
    return None


PATCHES = (Patch("services.lambda_svc", "_get_func_record_for_ref", ("function_ref",), _wrap),)
