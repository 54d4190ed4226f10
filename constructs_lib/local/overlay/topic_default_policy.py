"""The policy a topic has from the start lets its owner in, and nobody else.

Stock reads it as a grant to everybody in the account: a role without `sns:Publish` publishes, and so do S3 and
EventBridge.
https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
"""

from __future__ import annotations

import json
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

DEFAULT = "__default_policy_ID"
ADMITTED = {"cloudwatch.amazonaws.com"}  # whose alarms need no more than the default


def _wrap_identity(stock: Any) -> Any:
    def topic_policy_for_arn(topic_arn: str) -> Any:
        found = stock(topic_arn)
        return ("", found[1]) if found is not None and _is_default(found[0]) else found

    return topic_policy_for_arn


def _wrap_service(stock: Any) -> Any:
    def topic_policy_allows(topic_arn: str, service: str, source_arn: str, source_account: str) -> bool:
        topic = base("services.sns")._topic_by_arn_any_scope(topic_arn)
        policy = ((topic or {}).get("attributes") or {}).get("Policy") or ""
        if base("app").AUTH and _is_default(policy):
            return service in ADMITTED
        return bool(stock(topic_arn, service, source_arn, source_account))

    return topic_policy_allows


def _is_default(policy: str) -> bool:
    return bool(policy) and json.loads(policy).get("Id") == DEFAULT


PATCHES = (
    Patch("services.sns", "topic_policy_for_arn", ("topic_arn",), _wrap_identity),
    Patch(
        "services.sns",
        "topic_policy_allows",
        ("topic_arn", "service", "source_arn", "source_account"),
        _wrap_service,
    ),
)
