"""What a rule says of a few resources, as the lines a user reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.finding import Finding
from constructs_lib.guards.rules import rule_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Properties = dict[str, Any]


def resource(kind: str, /, *, policy: str | None = None, **properties: Any) -> dict[str, Any]:
    """A resource as a template has it; `policy` is what becomes of it when it is deleted."""
    kept = {} if policy is None else {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}
    return {"Type": kind, "Properties": properties, **kept}


def judged(rule_id: str, resources: Mapping[str, Mapping[str, Any]], **template: Any) -> list[str]:
    """Every finding with its severity, and everything unknown, in the order the rule says it."""
    assembly = Assembly.of({"Shop": {"Resources": dict(resources), **template}})
    return [
        f"{found.severity.value}: {found}" if isinstance(found, Finding) else f"unknown: {found}"
        for found in rule_of(rule_id)(assembly)
    ]


def ids(rule_id: str, resources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """By what each finding would be acknowledged."""
    assembly = Assembly.of({"Shop": {"Resources": dict(resources)}})
    return [found.id for found in rule_of(rule_id)(assembly) if isinstance(found, Finding)]


def arn(logical_id: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def ref(logical_id: str) -> dict[str, str]:
    return {"Ref": logical_id}


def function(**properties: Any) -> dict[str, Any]:
    return resource("AWS::Lambda::Function", **properties)


def queue(**properties: Any) -> dict[str, Any]:
    return resource("AWS::SQS::Queue", **properties)


def mapping(source: Any, called: str = "Send", **properties: Any) -> dict[str, Any]:
    """A mapping from a queue, or from what an expression tells, to a function."""
    told = arn(source) if isinstance(source, str) else source
    kind = "AWS::Lambda::EventSourceMapping"
    return resource(kind, EventSourceArn=told, FunctionName=ref(called), **properties)
