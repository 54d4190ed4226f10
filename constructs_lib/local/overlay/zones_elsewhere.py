"""A record in a hosted zone that is not here leads nowhere, and stops nothing.

Stock refuses it, so that an app whose zone is another one's could not be run for a name nobody resolves here.
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

_MODULE = "services.cloudformation.provisioners"
_HANDLER = "_RESOURCE_HANDLERS/AWS::Route53::RecordSet"


def _is_elsewhere(props: Any) -> bool:
    """Whether the zone is named by an id that no zone here has."""
    zone = props.get("HostedZoneId")
    return isinstance(zone, str) and bool(zone) and zone.rpartition("/")[2] not in base("services.route53")._zones


def _made(props: Any) -> tuple[str, dict[str, str]]:
    name = f"{str(props.get('Name', '')).rstrip('.')}."
    return name, {"Name": name}


def _create(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        return _made(props) if _is_elsewhere(props) else stock(logical_id, props, stack_name)

    return create


def _update(stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str) -> Any:
        if _is_elsewhere(new_props):
            return _made(new_props)
        return stock(physical_id, old_props, new_props, stack_name)

    return update


PATCHES = (
    Patch(_MODULE, f"{_HANDLER}/create", ("logical_id", "props", "stack_name"), _create),
    Patch(_MODULE, f"{_HANDLER}/update", ("physical_id", "old_props", "new_props", "stack_name"), _update),
)
