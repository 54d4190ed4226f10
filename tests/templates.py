"""Reading templates in tests: what a role may do, as a whole set, so that a superset fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aws_cdk as cdk

Template = dict[str, Any]


def template_of(stack: cdk.Stack) -> Template:
    from aws_cdk.assertions import Template as Synthesized  # noqa: PLC0415 - most readers of templates need no CDK

    return dict(Synthesized.from_stack(stack).to_json())


def resources_of(template: Template, kind: str) -> dict[str, Any]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] == kind}


def permissions_of(template: Template, role_prefix: str) -> set[tuple[str, str]]:
    """Every (action, resource) of the role whose logical id starts with `role_prefix`, conditions appended."""
    roles = [name for name in resources_of(template, "AWS::IAM::Role") if name.startswith(role_prefix)]
    assert len(roles) == 1, f"{role_prefix!r} names {len(roles)} roles: {roles}"
    found: set[tuple[str, str]] = set()
    for policy in resources_of(template, "AWS::IAM::ManagedPolicy").values():
        if {"Ref": roles[0]} in policy["Properties"]["Roles"]:
            found |= set(_pairs(policy["Properties"]["PolicyDocument"]))
    return found


def statements_of(template: Template) -> Iterator[dict[str, Any]]:
    """Every statement of every identity policy of a template."""
    for policy in resources_of(template, "AWS::IAM::ManagedPolicy").values():
        yield from policy["Properties"]["PolicyDocument"]["Statement"]


def _pairs(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for statement in document["Statement"]:
        denied = {"Allow": "", "Deny": "deny "}[statement["Effect"]]
        for action in _list(statement["Action"]):
            for resource in _list(statement["Resource"]):
                condition = f" if {json.dumps(statement['Condition'])}" if "Condition" in statement else ""
                yield denied + action, show(resource) + condition


def show(value: object) -> str:
    """An intrinsic as a reader would say it: `Table.Arn`, `Bucket/*`."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{name}.{attribute}"
        case {"Fn::Join": ["", list(parts)]}:
            return "".join(show(part) for part in parts)
        case _:
            return json.dumps(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
