"""Whose pages may call an API from a browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aws_cdk as cdk

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals

HEADERS = ("authorization", "content-type", "x-amz-date", "x-amz-security-token")  # that a page may send
PREFLIGHT_MAX_AGE = cdk.Duration.hours(1)


def check_cors(origins: Sequence[str], refusals: Refusals) -> None:
    """Note origins that no browser sends."""
    if isinstance(origins, list) and cdk.Token.is_unresolved(origins):
        return
    if isinstance(origins, str | bytes) or not isinstance(origins, Sequence):
        refusals.refuse(f"cors_origins is {origins!r}, wanted a list", fix='write ["https://app.example.com"]')
        return
    if "*" in origins and len(origins) > 1:
        refusals.refuse(
            "cors_origins holds '*' beside others: every origin would be let in", fix="leave '*' out, or the others"
        )
    for origin in origins:
        if isinstance(origin, str) and (cdk.Token.is_unresolved(origin) or origin == "*"):
            continue
        if not isinstance(origin, str) or not _is_origin(origin):
            refusals.refuse(
                f"cors_origins holds {origin!r}, which is not an origin",
                fix="write scheme and host without a path: https://app.example.com",
            )


def _is_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:  # a host like [::1 that never ends
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not parts.path and not parts.query
