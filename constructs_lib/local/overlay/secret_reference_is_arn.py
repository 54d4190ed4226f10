"""`Ref` of a secret is its ARN, as the CloudFormation reference says.

Stock answers its name, so that a policy with `Resource: {Ref: Secret}`, which is what the CDK writes, grants nothing.
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

TABLE = "_RESOURCE_HANDLERS/AWS::SecretsManager::Secret"


def _name_of(physical_id: str) -> str:
    """The key of the base's own table, which is the name."""
    name, _ = base("services.secretsmanager")._resolve(physical_id)
    return str(name) if name else physical_id


def _wrap_create(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        _, attributes = stock(logical_id, props, stack_name)
        return attributes["Arn"], attributes

    return create


def _wrap_update(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Any:
        _, attributes = stock(_name_of(physical_id), old_props, new_props, stack_name, logical_id)
        return attributes["Arn"], attributes

    return update


def _wrap_delete(stock: Any) -> Any:
    def delete(physical_id: str, props: Any) -> None:
        stock(_name_of(physical_id), props)

    return delete


_MODULE = "services.cloudformation.provisioners"
PATCHES = (
    Patch(_MODULE, f"{TABLE}/create", ("logical_id", "props", "stack_name"), _wrap_create),
    Patch(
        _MODULE,
        f"{TABLE}/update",
        ("physical_id", "old_props", "new_props", "stack_name", "logical_id"),
        _wrap_update,
    ),
    Patch(_MODULE, f"{TABLE}/delete", ("physical_id", "props"), _wrap_delete),
)
