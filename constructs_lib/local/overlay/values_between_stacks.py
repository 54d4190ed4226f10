"""What one stack takes from another: an output of another region is found, and an export stays while it is imported.

Stock looks for every output in the region of whoever asks, and lets an update take away what others import.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

OUTPUT = "Fn::GetStackOutput"


def _wrap_references(stock: Any) -> Any:
    def _resolve_refs(value: Any, *told: Any, **named: Any) -> Any:
        asked = value.get(OUTPUT) if isinstance(value, dict) else None
        if not isinstance(asked, dict) or "Region" not in asked:
            return stock(value, *told, **named)
        known = {name: stock(each, *told, **named) for name, each in asked.items()}
        region = known.pop("Region")
        with base("services.cloudformation.stacks")._stack_region_context({"_region": str(region)}):
            return stock({OUTPUT: known}, *told, **named)

    return _resolve_refs


def _wrap_outputs(stock: Any) -> Any:
    def _resolve_stack_outputs(*told: Any) -> Any:
        outputs, exports = stock(*told)
        stack_name = told[PARAMETERS_OF_OUTPUTS.index("stack_name")]
        stack = base("services.cloudformation")._stacks.get(stack_name) or {}
        for output in stack.get("Outputs", []):
            name = output.get("ExportName")
            now = exports.get(name, {}).get("Value")
            if name and now != output["OutputValue"]:
                users = [user for user in _importing(name) if user != stack_name]
                if users:
                    act = "delete" if now is None else "update"
                    raise ValueError(f"Cannot {act} export {name} as it is in use by {', '.join(users)}.")
        return outputs, exports

    return _resolve_stack_outputs


def _importing(export: str) -> list[str]:
    imports = base("services.cloudformation.handlers")._imported_export_names
    return [
        name
        for name, stack in base("services.cloudformation")._stacks.items()
        if "DELETE" not in stack.get("StackStatus", "DELETE") and export in imports(stack, name)
    ]


PARAMETERS = ("value", "resources", "params", "conditions", "mappings", "stack_name", "stack_id")
PARAMETERS_OF_OUTPUTS = (
    "outputs_defs",
    "conditions",
    "resources",
    "param_values",
    "mappings",
    "stack_name",
    "stack_id",
)
PATCHES = (
    *(
        Patch(f"services.cloudformation.{module}", "_resolve_refs", PARAMETERS, _wrap_references)
        for module in ("engine", "stacks")
    ),
    Patch("services.cloudformation.stacks", "_resolve_stack_outputs", PARAMETERS_OF_OUTPUTS, _wrap_outputs),
)
