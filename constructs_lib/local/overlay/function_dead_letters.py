"""The dead-letter queue of a function, which its role must be allowed to send to.

Stock drops `DeadLetterConfig` of a template and asks no role. Lambda refuses such a function:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from constructs_lib.local.overlay.authority import Role, here
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.delivery import ACTIONS, service_of
from constructs_lib.local.overlay.patching import Patch

_TYPE = "_RESOURCE_HANDLERS/AWS::Lambda::Function"
_NAMES = {"sqs": "SendMessage on SQS", "sns": "Publish on SNS"}


def _refuse(properties: Mapping[str, Any]) -> None:
    target = _target(properties)
    _, region = here()
    service = service_of(target)
    if not target or service not in _NAMES:
        return
    role = Role(properties.get("Role") or "", "awslambda")
    if denial := role.denial(ACTIONS[service], target, region=region, is_use=False):
        raise ValueError(f"The provided execution role does not have permissions to call {_NAMES[service]}: {denial}")


def _target(properties: Mapping[str, Any]) -> str:
    return (properties.get("DeadLetterConfig") or {}).get("TargetArn") or ""


def _apply(name: str, properties: Mapping[str, Any]) -> None:
    """Set it, and take it away where the template has none any more."""
    lambda_svc = base("services.lambda_svc")
    configuration = lambda_svc._functions[name]["config"]
    if _target(properties) != (configuration.get("DeadLetterConfig") or {}).get("TargetArn", ""):
        configuration["DeadLetterConfig"] = {"TargetArn": _target(properties)} if _target(properties) else {}


def _wrap_create(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        _refuse(props)
        physical_id, attributes = stock(logical_id, props, stack_name)
        _apply(physical_id, props)
        return physical_id, attributes

    return create


def _wrap_update(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Any:
        _refuse(new_props)
        new_id, attributes = stock(physical_id, old_props, new_props, stack_name, logical_id)
        _apply(new_id, new_props)
        return new_id, attributes

    return update


PATCHES = (
    Patch(
        "services.cloudformation.provisioners",
        f"{_TYPE}/create",
        ("logical_id", "props", "stack_name"),
        _wrap_create,
    ),
    Patch(
        "services.cloudformation.provisioners",
        f"{_TYPE}/update",
        ("physical_id", "old_props", "new_props", "stack_name", "logical_id"),
        _wrap_update,
    ),
)
