"""What does not change in a nested stack keeps its attributes when the stack is updated.

Stock forgets them, so that an update fails as soon as something refers to one: the ARN of a log group, say.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

from __future__ import annotations

import inspect
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch


def _wrap(stock: Any) -> Any:
    signature = inspect.signature(stock)

    def _update_resource(*told: Any, **named: Any) -> Any:
        call = signature.bind(*told, **named)
        call.apply_defaults()
        if call.arguments["old_attrs"] is None:  # the caller is the update of a nested stack
            stack = base("services.cloudformation")._stacks.get(call.arguments["stack_name"]) or {}
            resource = stack.get("_resources", {}).get(call.arguments["logical_id"]) or {}
            call.arguments["old_attrs"] = resource.get("Attributes")
        return stock(*call.args, **call.kwargs)

    return _update_resource


PATCHES = (
    Patch(
        "services.cloudformation.provisioners",
        "_update_resource",
        ("resource_type", "physical_id", "old_props", "new_props", "stack_name", "logical_id", "old_attrs"),
        _wrap,
    ),
)
