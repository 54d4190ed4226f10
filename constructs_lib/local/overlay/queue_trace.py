"""A message carries the trace of the call that sent it.

Stock keeps a trace only when the sender spells it out as a message system attribute; the SDKs send a header instead.
https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
"""

from __future__ import annotations

from typing import Any

from constructs_lib.local.overlay import trace
from constructs_lib.local.overlay.patching import Patch


def _wrap(stock: Any) -> Any:
    def build_send_sys_attrs(now: float, sys_attrs_input: Any) -> Any:
        attributes = stock(now, sys_attrs_input)
        if "AWSTraceHeader" not in attributes and trace.header_now():
            attributes["AWSTraceHeader"] = trace.header_now()
        return attributes

    return build_send_sys_attrs


PATCHES = (Patch("services.sqs", "_build_send_sys_attrs", ("now", "sys_attrs_input"), _wrap),)
