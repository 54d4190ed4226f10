"""Small apps to guard, and rules that say what a test wants to hear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.finding import Finding, Severity, Unknown, finding, unknown
from constructs_lib.guards.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

Template = dict[str, Any]
VISIBILITY = "queue-visibility-covers-timeout"


def impatient(metadata: Template | None = None, **top: Any) -> Template:
    """A queue whose messages come back while their handler works: what `queue-visibility-covers-timeout` refuses."""
    queue: Template = {"Type": "AWS::SQS::Queue"}
    if metadata is not None:
        queue["Metadata"] = metadata
    return {
        **top,
        "Resources": {
            "Queue": queue,
            "Handler": {"Type": "AWS::Lambda::Function", "Properties": {"Timeout": 60}},
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "FunctionName": {"Ref": "Handler"},
                },
            },
        },
    }


def patient() -> Template:
    """The same, made safe."""
    template = impatient()
    template["Resources"]["Queue"]["Properties"] = {"VisibilityTimeout": 360}
    return template


def acknowledged(*entries: object) -> Template:
    """Metadata that acknowledges."""
    return {"constructs-lib": {"acknowledge": list(entries)}}


def queues(*names: str) -> Assembly:
    return Assembly.of({"Shop": {"Resources": {name: {"Type": "AWS::SQS::Queue"} for name in names}}})


def complains(rule_id: str, severity: Severity = Severity.ERROR, **more: Any) -> Rule:
    """A rule that finds every queue wrong."""

    def check(assembly: Assembly) -> Iterator[Finding]:
        for queue in assembly.of_type("AWS::SQS::Queue"):
            yield finding(queue, problem=f"{queue} is a queue", fix="make it a topic", **more)

    return Rule(rule_id, severity, check)


def wonders(rule_id: str) -> Rule:
    """A rule that can tell of no queue."""

    def check(assembly: Assembly) -> Iterator[Unknown]:
        for queue in assembly.of_type("AWS::SQS::Queue"):
            yield unknown(queue, what=f"whether {queue} is a queue", reason="nobody said so")

    return Rule(rule_id, Severity.ERROR, check)


def breaks(rule_id: str) -> Rule:
    """A rule that fails inside, after its first finding."""

    def check(assembly: Assembly) -> Iterator[Finding]:
        yield finding(assembly.resources[0], problem="this much was found", fix="mend it")
        raise KeyError("VisibilityTimeout")

    return Rule(rule_id, Severity.ERROR, check)
