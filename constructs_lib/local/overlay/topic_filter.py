"""Which messages of a topic pass the filter of a subscription, and which filters are none.

Stock takes any JSON for a filter, matches numbers with texts, and does not look into arrays of objects, below what is
missing, or at null.
https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

MOST_KEYS = 5
BODY = "MessageBody"
_SERVICE = "services.sns"


def flaw(policy: str, scope: str) -> str:
    """What is wrong with a filter; empty when it is one."""
    if not policy:
        return ""
    _, reason = base("services.eventbridge")._parse_pattern_text(policy)
    if reason:
        return str(reason)
    read = json.loads(policy)
    if scope != BODY and any(isinstance(each, dict) for each in read.values()):
        return "Filter policy scope MessageAttributes does not support nested filter policy"
    if len(set(_keys(read))) > MOST_KEYS:
        return f"Filter policy can not have more than {MOST_KEYS} keys"
    return ""


def _keys(policy: Mapping[str, Any]) -> Iterator[str]:
    """The names of what a filter looks at, with those around them."""
    for name, rules in policy.items():
        if name == "$or" and isinstance(rules, list):
            for each in rules:
                yield from _keys(each)
        elif isinstance(rules, dict):
            yield from (f"{name}.{inner}" for inner in _keys(rules))
        else:
            yield name


def _wrap_match(stock: Any) -> Any:
    def matches(sub: Any, message_attributes: Any, message: str = "") -> bool:
        told = sub.get("attributes", {})
        if not told.get("FilterPolicy") or told.get("FilterPolicyScope") != BODY:
            return bool(stock(sub, message_attributes, message))
        try:
            body = json.loads(message)
        except ValueError:
            return False
        events = base("services.eventbridge")
        alternatives = events._compiled_pattern(told["FilterPolicy"]) or []
        return isinstance(body, dict) and any(each == {} or events._matches_detail(body, each) for each in alternatives)

    return matches


def _wrap_values(_stock: Any) -> Any:
    def values(attr: Any) -> list[Any]:
        """A text, a number, or what an array holds, each as what it is."""
        kind, raw = (attr.get("DataType") or "").partition(".")[0], attr.get("StringValue", "")
        if kind == "Number" or attr.get("DataType") == "String.Array":
            try:
                read = json.loads(raw)
            except ValueError:
                return [raw]
            found = read if isinstance(read, list) else [read]
            return [float(each) if kind == "Number" and not isinstance(each, bool) else each for each in found]
        return [raw]

    return values


def _wrap_value(stock: Any) -> Any:
    def matches(value: Any, rule: Any) -> bool:
        if isinstance(rule, bool) or rule is None:
            return value is rule
        wants_number = isinstance(rule, int | float) or (isinstance(rule, dict) and "numeric" in rule)
        if wants_number and (isinstance(value, bool) or not isinstance(value, int | float)):
            return False
        return bool(stock(value, rule))

    return matches


def _refusal(policy: str, scope: str) -> Any:
    found = flaw(policy, scope)
    return (
        base(_SERVICE)._error("InvalidParameter", f"Invalid parameter: FilterPolicy: {found}", 400) if found else None
    )


def _wrap_subscribe(stock: Any) -> Any:
    def subscribe(params: Any) -> Any:
        read = base(_SERVICE)._p
        told, number = {}, 1
        while key := read(params, f"Attributes.entry.{number}.key"):
            told[key] = read(params, f"Attributes.entry.{number}.value") or ""
            number += 1
        return _refusal(told.get("FilterPolicy", ""), told.get("FilterPolicyScope", "")) or stock(params)

    return subscribe


def _wrap_set(stock: Any) -> Any:
    def set_attributes(params: Any) -> Any:
        service = base(_SERVICE)
        name, value = service._p(params, "AttributeName"), service._p(params, "AttributeValue") or ""
        arn = service._p(params, "SubscriptionArn")
        topic = service._sub_arn_to_topic.get(arn)
        held = (service._find_subscription(topic, arn) or {}) if topic else {}
        scope = held.get("attributes", {}).get("FilterPolicyScope", "")
        return (_refusal(value, scope) if name == "FilterPolicy" else None) or stock(params)

    return set_attributes


def _wrap_create(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        policy = props.get("FilterPolicy") or ""
        text = policy if isinstance(policy, str) else json.dumps(policy)
        if found := flaw(text, props.get("FilterPolicyScope") or ""):
            raise ValueError(f"Invalid parameter: FilterPolicy: {found}")
        return stock(logical_id, props, stack_name)

    return create


PATCHES = (
    Patch(_SERVICE, "_matches_filter_policy", ("sub", "message_attributes", "message"), _wrap_match),
    Patch(_SERVICE, "_attr_candidate_values", ("attr",), _wrap_values),
    Patch(_SERVICE, "_value_matches", ("value", "rule"), _wrap_value),
    Patch(_SERVICE, "_subscribe", ("params",), _wrap_subscribe),
    Patch(_SERVICE, "_set_subscription_attributes", ("params",), _wrap_set),
    Patch(
        "services.cloudformation.provisioners",
        "_RESOURCE_HANDLERS/AWS::SNS::Subscription/create",
        ("logical_id", "props", "stack_name"),
        _wrap_create,
    ),
)
