"""A template whose resources need each other in a circle is refused before anything is made.

Stock finds the circle while it deploys, and leaves a stack that failed.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

CIRCLE = "Circular dependency between resources: "
PARAMETERS = ("template", "conditions", "params")


def _wrap(stock: Any) -> Any:
    def validate_template_support(template: Any, conditions: Any, params: Any = None) -> Any:
        answer = stock(template, conditions, params=params)
        resources = template.get("Resources") if isinstance(template, dict) else None
        is_decided = bool(conditions) or not template.get("Conditions")  # what a condition leaves out is in no circle
        if isinstance(resources, dict) and is_decided and not template.get("Transform"):
            told = {name: each for name, each in resources.items() if isinstance(each, dict)}
            try:
                base("services.cloudformation.engine")._topological_sort(told, conditions or {})
            except ValueError as error:
                names = str(error).rpartition(": ")[2]
                raise ValueError(f"{CIRCLE}[{names}]") from error
        return answer

    return validate_template_support


PATCHES = tuple(
    Patch(f"services.cloudformation.{module}", "validate_template_support", PARAMETERS, _wrap)
    for module in ("handlers", "changesets")
)
