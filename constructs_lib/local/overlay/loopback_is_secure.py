"""A call over loopback counts as a call over TLS.

Stock sets `aws:SecureTransport` to false for http on 127.0.0.1, so that every bucket, queue and topic with the usual
TLS-only policy denies everything. Nothing leaves this machine on loopback, and on AWS the same call would use TLS.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from constructs_lib.local.overlay.patching import Patch


def _wrap(stock: Any) -> Any:
    def pin_request_origin(source_ip: str, secure_transport: bool) -> None:
        stock(source_ip, secure_transport or ip_address(source_ip).is_loopback)

    return pin_request_origin


PATCHES = (Patch("app", "pin_request_origin", ("source_ip", "secure_transport"), _wrap),)
