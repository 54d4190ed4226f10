"""A table gets the recovery, expiry, encryption, protection and tags its template declares.

Stock drops `PointInTimeRecoverySpecification`, `TimeToLiveSpecification` and `SSESpecification` of a table, and
everything in `Replicas` of a global table, where the CDK's `TableV2` puts them; it replaces a global table on any
update, which loses its items, and deletes a table that is protected.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODULE = "services.cloudformation.provisioners"
_TABLE = "_RESOURCE_HANDLERS/AWS::DynamoDB::Table"
_GLOBAL = "_RESOURCE_HANDLERS/AWS::DynamoDB::GlobalTable"
_OF_A_REPLICA = ("DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "Tags", "TableClass")


def flattened(props: Mapping[str, Any], region: str) -> dict[str, Any]:
    """The properties of a global table with those of its replica in this region on top."""
    replicas = props.get("Replicas") or []
    here: Mapping[str, Any] = next((each for each in replicas if each.get("Region") == region), {})
    own = {name: here[name] for name in _OF_A_REPLICA if name in here}
    sse = props.get("SSESpecification")
    return {**props, **own, **({} if sse is None else {"SSESpecification": _sse(sse)})}


def _sse(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The API says `Enabled` where CloudFormation says `SSEEnabled`."""
    enabled = declared.get("SSEEnabled", declared.get("Enabled", False))
    return {
        "Enabled": str(enabled).lower() == "true",
        **{name: declared[name] for name in ("SSEType", "KMSMasterKeyId") if name in declared},
    }


def _here(props: Mapping[str, Any]) -> dict[str, Any]:
    return flattened(props, base("core.responses").get_region())


def _apply(name: str, props: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    """Bring the table to what the template declares, where that differs from before."""
    tables = base("services.dynamodb")
    recovery = "PointInTimeRecoverySpecification"
    if props.get(recovery) != old.get(recovery):
        _checked(tables._update_continuous_backups({"TableName": name, recovery: props.get(recovery) or {}}))
    expiry = "TimeToLiveSpecification"
    if props.get(expiry) != old.get(expiry):
        wanted = props.get(expiry) or {**(old.get(expiry) or {}), "Enabled": False}
        _checked(tables._update_ttl({"TableName": name, expiry: _with_boolean(wanted)}))
    sse = "SSESpecification"
    if props.get(sse) != old.get(sse):
        _checked(tables._update_table({"TableName": name, sse: _sse(props.get(sse) or {})}))


def _with_boolean(expiry: Mapping[str, Any]) -> dict[str, Any]:
    return {**expiry, "Enabled": str(expiry.get("Enabled", False)).lower() == "true"}


def _checked(answer: tuple[int, Any, bytes]) -> None:
    status, _, body = answer
    if status >= 400:  # noqa: PLR2004 (the first status of an error)
        raise ValueError(json.loads(body).get("message", body))


def _wrap_create(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        declared = _here(props)
        name, attributes = stock(logical_id, declared, stack_name)
        _apply(name, declared, {})
        return name, attributes

    return create


def _wrap_update(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Any:
        old, declared = _here(old_props), _here(new_props)
        if not any(each.get("TableName") for each in (old, declared)) and all(
            old.get(each) == declared.get(each) for each in ("KeySchema", "LocalSecondaryIndexes")
        ):
            # One that was imported has another name than stock would give it, which takes it for renamed.
            old, declared = ({**each, "TableName": physical_id} for each in (old, declared))
        name, attributes = stock(physical_id, old, declared, stack_name, logical_id)
        _apply(name, declared, old if name == physical_id else {})
        return name, attributes

    return update


def _wrap_global_update(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str) -> Any:
        old, declared = _here(old_props), _here(new_props)
        # Without a name stock makes one from the physical id, takes the table for renamed and drops every item.
        named = {**declared, "TableName": declared.get("TableName") or physical_id}
        name, attributes = stock(physical_id, old, named, stack_name)
        _apply(name, declared, old if name == physical_id else {})
        return name, attributes

    return update


def _wrap_delete(stock: Any) -> Any:
    def delete(physical_id: str, props: Any) -> None:
        table = base("services.dynamodb")._tables.get(physical_id)
        if table is not None and table.get("DeletionProtectionEnabled"):
            raise ValueError(
                "Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first."
            )
        stock(physical_id, props)

    return delete


PATCHES = (
    Patch(_MODULE, f"{_TABLE}/create", ("logical_id", "props", "stack_name"), _wrap_create),
    Patch(
        _MODULE, f"{_TABLE}/update", ("physical_id", "old_props", "new_props", "stack_name", "logical_id"), _wrap_update
    ),
    Patch(_MODULE, f"{_TABLE}/delete", ("physical_id", "props"), _wrap_delete),
    Patch(_MODULE, f"{_GLOBAL}/create", ("logical_id", "props", "stack_name"), _wrap_create),
    Patch(_MODULE, f"{_GLOBAL}/update", ("physical_id", "old_props", "new_props", "stack_name"), _wrap_global_update),
    Patch(_MODULE, f"{_GLOBAL}/delete", ("physical_id", "props"), _wrap_delete),
)
