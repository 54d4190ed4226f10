"""Where the events of a bus go: to the targets of its rules, in the shape that each rule gives them.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.addressed import node_at
from constructs_lib.assembly.flow.described import NO_ATTRIBUTES, constant_document, event, under
from constructs_lib.assembly.flow.matching import matched, unchanged
from constructs_lib.assembly.flow.message import Message, Passage
from constructs_lib.assembly.flow.route import Filter, Route
from constructs_lib.assembly.json_text import read_json
from constructs_lib.assembly.text_set import Extent, TextSet
from constructs_lib.assembly.value import Absent, Text, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.flow.message import Document
    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.resource import Resource

RULE, BUS, QUEUE = "AWS::Events::Rule", "AWS::Events::EventBus", "AWS::SQS::Queue"
MACHINE = "AWS::StepFunctions::StateMachine"
DEFAULT_BUS = Text.of("default")
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html
FORWARDED_ONCE = "EventBridge does not send on to a third bus what came from another one"
CHANGES = ("Input", "InputPath", "InputTransformer")
STATUS_CHANGE = "Step Functions Execution Status Change"
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


def bus_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways that begin at buses."""
    ways: dict[tuple[Node, Node, str], list[tuple[Resource, Value, Mapping[str, Value]]]] = defaultdict(list)
    for rule in assembly.of_type(RULE):
        if rule.lacks("EventPattern") or str(rule.value("State")) == "DISABLED":
            continue
        bus = assembly.target(rule.value("EventBusName") or DEFAULT_BUS, BUS)
        for told in rule.values("Targets", "*") if bus is not None else ():
            node = node_at(assembly, told.get("Arn")) if isinstance(told, dict) else None
            if bus is not None and node is not None and isinstance(told, dict):
                ways[bus, node, _shape(told)].append((rule, rule.value("EventPattern"), told))
                yield from _undelivered(assembly, bus, rule, told)
    for own in assembly.of_type(BUS):
        yield from _undelivered(assembly, own, own, {"DeadLetterConfig": own.value("DeadLetterConfig")})
    for (source, node, _), found in ways.items():
        first, _, target = found[0]
        passes = _filter([pattern for _, pattern, _ in found], target, to_bus=node.type == BUS)
        yield Route(source, node, first, "delivers to", passes, is_asynchronous=True)


def machine_events(assembly: Assembly) -> Iterator[Route]:
    """Yield what the default bus is told of standard workflows.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    bus = assembly.target(DEFAULT_BUS, BUS)
    if bus is None or not _asks_for_workflows(assembly, bus):
        return
    for machine in assembly.of_type(MACHINE):
        if machine.text("StateMachineType") == "EXPRESS":
            continue
        for statuses in (("RUNNING",), ENDED):  # every execution begins and ends
            told: Document = {
                **event("aws.states", STATUS_CHANGE, machine),
                ("detail", "stateMachineArn"): machine.arn,
                ("detail", "status"): TextSet.exactly(*statuses),
            }
            yield Route(machine, bus, machine, "reports its status to", _always(Message(body=told)))


def _asks_for_workflows(assembly: Assembly, bus: Node) -> bool:
    """Whether a rule of a bus may ask for what Step Functions says; most do not, and then nothing is cut there."""
    told = Message(body=event("aws.states", STATUS_CHANGE))
    return matched(list(patterns_on(assembly, bus)), told, unchanged).extent is not Extent.NONE


def patterns_on(assembly: Assembly, bus: Node) -> Iterator[Value]:
    """Yield the patterns of the rules of a bus."""
    for rule in assembly.of_type(RULE):
        if rule.lacks("EventPattern") or str(rule.value("State")) == "DISABLED":
            continue
        if assembly.target(rule.value("EventBusName") or DEFAULT_BUS, BUS) == bus:
            yield rule.value("EventPattern")


def _always(message: Message) -> Filter:
    return lambda _: Passage(Extent.ALL, message=message)


def _undelivered(
    assembly: Assembly, bus: Node, rule: Resource, target: Mapping[str, Value | Absent]
) -> Iterator[Route]:
    """What a target does not take goes to a queue, and what the bus itself cannot encrypt or decrypt."""
    config = target.get("DeadLetterConfig")
    queue = assembly.target(config.get("Arn"), QUEUE) if isinstance(config, dict) else None
    if queue is not None:
        why = "only what a target does not take"
        yield Route(bus, queue, rule, "leaves what cannot be delivered in", lambda _: Passage(Extent.SOME, why))


def _shape(target: Mapping[str, Value]) -> str:
    """What tells the rules apart that give a target something different."""
    return json.dumps({key: str(target.get(key)) for key in CHANGES})


def _filter(patterns: list[Value], target: Mapping[str, Value], *, to_bus: bool) -> Filter:
    def passes(message: Message) -> Passage:
        if to_bus and message.is_forwarded:
            return Passage(Extent.NONE, FORWARDED_ONCE)
        passage = matched(patterns, message, lambda document: _changed(document, target))
        return passage.carrying(replace(passage.message, is_forwarded=to_bus, attributes=NO_ATTRIBUTES))

    return passes


def _changed(body: Document, target: Mapping[str, Value]) -> Document:
    """What a rule makes of an event before it delivers it."""
    if "Input" in target:
        constant = target["Input"]
        return constant_document(read_json(constant, "the input")) if isinstance(constant, Text) else {}
    if "InputTransformer" in target:
        return {}
    path = target.get("InputPath")
    if path is None:
        return body
    for key in str(path).removeprefix("$").split("."):
        body = under(key, body) if key else body
    return body
