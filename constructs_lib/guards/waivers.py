"""Safeguards that somebody gave up in the template, with the reason beside the resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constructs_lib.assembly.resource import Resource

WAIVED = "constructs-lib:waived"  # the key in a resource's metadata, which the constructs write


def is_waived(resource: Resource, safeguard: str) -> bool:
    """Whether a construct was told to do without this safeguard, and why.

    Example:
        >>> is_waived(route, "auth")  # SecureApiFunction(..., auth=Public("a health probe"))
        True
    """
    waived = resource.metadata.get(WAIVED)
    reason = waived.get(safeguard) if isinstance(waived, dict) else None
    return isinstance(reason, str) and bool(reason.strip())
