"""An alias with weights leads to one version or the other; what is reserved for a function counts for its versions.

Stock always runs the first version of an alias; a published version has all the concurrency there is, and no policy.
Where an API, a topic or a rule calls an alias, stock forgets it: the function is told the ARN of the version, and what
was configured for asynchronous calls of the alias does not count.
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
        _, qualifier = base("services.lambda_svc")._resolve_name_and_qualifier(function_ref)
        alias = (function.get("aliases") or {}).get(qualifier)
        record = _chosen(function, function_ref) or record
        configuration = record["config"]
        if record is not function:
            record = {**record, "concurrency": function.get("concurrency"), "policy": function.get("policy")}
        if alias is not None:
            configuration = {**configuration, "FunctionArn": f"{function['config']['FunctionArn']}:{qualifier}"}
        return record, configuration, name

    return get_func_record_for_ref


def has_weights(function: dict[str, Any], reference: str) -> bool:
    """Whether the dice choose the version."""
    return bool(_weights(function, reference))


def _weights(function: dict[str, Any], reference: str) -> dict[str, Any]:
    _, qualifier = base("services.lambda_svc")._resolve_name_and_qualifier(reference)
    alias = (function.get("aliases") or {}).get(qualifier) or {}
    weights: dict[str, Any] = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return weights


def _chosen(function: dict[str, Any], reference: str) -> dict[str, Any] | None:
    """The version the dice choose for an alias; nothing where it is the first one, or there are no weights."""
    left = _dice.random()
    for version, weight in _weights(function, reference).items():
        left -= float(weight)
        if left < 0:
            found: dict[str, Any] | None = (function.get("versions") or {}).get(str(version))
            return found
    return None


PATCHES = (Patch("services.lambda_svc", "_get_func_record_for_ref", ("function_ref",), _wrap),)
