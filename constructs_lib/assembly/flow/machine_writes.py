"""What a workflow writes: what its tasks say, and where only the execution knows, what its role may.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.addressed import TABLES, api_at
from constructs_lib.assembly.flow.described import own_event, record_of
from constructs_lib.assembly.flow.message import ANYTHING, Message, Request
from constructs_lib.assembly.flow.writes import (
    ACTIONS,
    BUCKET,
    BUS,
    FIREHOSE,
    FUNCTION,
    MACHINE,
    ON_OBJECTS,
    QUEUE,
    RECORDS,
    STREAM,
    TOPIC,
    Write,
    Writers,
)
from constructs_lib.assembly.state_machine import Definition, State
from constructs_lib.assembly.text_set import Extent, TextSet
from constructs_lib.assembly.value import Text, Unknown, Value

if TYPE_CHECKING:
    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.policies.permissions import Permissions
    from constructs_lib.assembly.resource import Resource

SERVICE = re.compile(r"arn:aws[\w-]*:states:[^:]*:[^:]*:(?P<sdk>aws-sdk:)?(?P<service>[\w-]+):(?P<action>\w+)")
RENAMED = {"eventbridge": "events", "sfn": "states", "cloudwatchlogs": "logs"}
INVOKE = "lambda:invokefunction"
# The argument that names where a task writes, by the action.
NAMED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    INVOKE: ("FunctionName", (FUNCTION,)),
    "sqs:sendmessage": ("QueueUrl", (QUEUE,)),
    "sns:publish": ("TopicArn", (TOPIC,)),
    "states:startexecution": ("StateMachineArn", (MACHINE,)),
    "states:startsyncexecution": ("StateMachineArn", (MACHINE,)),
    "kinesis:putrecord": ("StreamName", (STREAM,)),
    "firehose:putrecord": ("DeliveryStreamName", (FIREHOSE,)),
    **dict.fromkeys(RECORDS, ("TableName", TABLES)),
}
# What one call is known to cause, while the permission for it also allows others.
CAUSES: Mapping[str, str] = {
    "s3:putobject": "ObjectCreated:Put",
    "s3:copyobject": "ObjectCreated:Copy",
    "s3:completemultipartupload": "ObjectCreated:CompleteMultipartUpload",
}
ALSO_CALLED = {
    "s3:completemultipartupload": "s3:putobject",
    "lambda:invoke": INVOKE,
    "s3:copyobject": "s3:putobject",
    "sqs:sendmessagebatch": "sqs:sendmessage",
}
ByRole = Callable[[str, str], Iterator[Write]]  # what a role may by an action, for a step of this description
CALLS = {"apigateway:invoke", "http:invoke"}
IS_DECIDED_LATER = re.compile(r"^\$|^\{%|States\.")


def machine_writes(
    assembly: Assembly, machine: Resource, writers: Writers, permissions: Permissions | None
) -> Iterator[Write]:
    """Yield what a workflow writes; what its role may, when its definition is not known."""
    definition = Definition.of(machine)
    if isinstance(definition, Unknown):
        if permissions is not None:
            yield from writers.of(permissions)
        return
    by_role = partial(_by_role, writers, permissions)
    for state in definition.states:
        yield from _written_by(assembly, state, by_role)


def _written_by(assembly: Assembly, state: State, by_role: ByRole) -> Iterator[Write]:
    how = f"does {state}"
    resource = state.resource
    if state.type == "Map" and isinstance(state.fields.get("ResultWriter"), dict):
        yield from _results(assembly, state, how, by_role)
    if state.type != "Task" or resource is None:
        return
    match = SERVICE.match(str(resource)) if ":states:::" in str(resource) else None
    if match is None:
        function = assembly.target(resource, FUNCTION)
        if function is not None:
            yield Write(function, ANYTHING, Extent.ALL, how)
        return
    service = RENAMED.get(match["service"], match["service"])
    called = f"{service}:{match['action'].lower()}"
    action = ALSO_CALLED.get(called, called)
    if called in CALLS:
        endpoint = _told(state.argument("ApiEndpoint"))
        api = api_at(assembly, endpoint) if endpoint is not None else None
        if api is not None:
            yield _call(state, api)
    elif action == "events:putevents":
        yield from _events(assembly, state, by_role)
    elif action in ON_OBJECTS:
        yield from _object(assembly, state, action, CAUSES.get(called), by_role)
    elif action in NAMED:
        argument, kinds = NAMED[action]
        name = _told(state.argument(argument))
        node = assembly.target(name, *kinds) if name is not None else None
        if node is not None:
            message = record_of(node, RECORDS[action]) if action in RECORDS else ANYTHING
            yield Write(node, message, Extent.ALL, how)
        else:
            yield from by_role(action, how)
    elif action in ACTIONS:
        yield from by_role(action, how)


def _by_role(writers: Writers, permissions: Permissions | None, action: str, how: str) -> Iterator[Write]:
    """What is decided while it runs is what the role allows."""
    if permissions is not None:
        for write in writers.of(permissions, (action,)):
            yield replace(write, how=f"{how}, which {write.how}")


def _call(state: State, api: Node) -> Write:
    how = f"does {state}"
    method, path = _told(state.argument("Method")), _told(state.argument("Path"))
    if method is None or path is None or method.literal is None:
        return Write(api, ANYTHING, Extent.SOME, how, "the path is not read")
    first, *rest = path.parts
    without_slash = Text.of(first.removeprefix("/") if isinstance(first, str) else first, *rest)
    called = Request(TextSet.exactly(method.literal.upper()), TextSet.exactly(without_slash))
    return Write(api, Message(request=called), Extent.ALL, how)


def _object(assembly: Assembly, state: State, action: str, causes: str | None, by_role: ByRole) -> Iterator[Write]:
    how = f"does {state}"
    bucket, key = _told(state.argument("Bucket")), _told(state.argument("Key"))
    node = assembly.target(bucket, BUCKET) if bucket is not None else None
    if node is None or key is None:
        for write in by_role(action, how):
            yield write if causes is None else replace(write, message=_only(causes, write.message))
    else:
        message = ON_OBJECTS[action](TextSet.exactly(key))
        yield Write(node, message if causes is None else _only(causes, message), Extent.ALL, how)


def _only(kind: str, message: Message) -> Message:
    """The same, caused by one call of which it is known what it does."""
    kinds = frozenset({kind})
    objects = message.objects
    return message if objects is None else replace(message, objects=replace(objects, kinds=kinds, possible=kinds))


def _results(assembly: Assembly, state: State, how: str, by_role: ByRole) -> Iterator[Write]:
    """A distributed map writes what its items gave into a bucket."""
    writer = state.fields.get("ResultWriter")
    told = writer.get("Arguments", writer.get("Parameters")) if isinstance(writer, dict) else None
    how = f"{how}, whose results it writes"
    bucket, prefix = (_told(told.get("Bucket")), _told(told.get("Prefix"))) if isinstance(told, dict) else (None, None)
    node = assembly.target(bucket, BUCKET) if bucket is not None else None
    if node is None:
        yield from by_role("s3:putobject", how)
    else:
        keys = TextSet.any() if prefix is None else TextSet.prefix(prefix)
        yield Write(node, ON_OBJECTS["s3:putobject"](keys), Extent.ALL, how)


def _events(assembly: Assembly, state: State, by_role: ByRole) -> Iterator[Write]:
    how = f"does {state}"
    entries = state.argument("Entries")
    for entry in entries if isinstance(entries, list) else (entries,):
        name = _told(entry.get("EventBusName", Text.of("default"))) if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or name is None or "EventBusName.$" in entry:
            yield from by_role("events:putevents", how)
            continue
        bus = assembly.target(name, BUS)
        source, detail_type = _told(entry.get("Source")), _told(entry.get("DetailType"))
        if bus is not None:
            described = own_event(
                TextSet.any() if source is None else TextSet.exactly(source),
                TextSet.any() if detail_type is None else TextSet.exactly(detail_type),
                bus,
            )
            yield Write(bus, Message(body=described), Extent.ALL, how)


def _told(value: Value) -> Text | None:
    """A text that the definition tells, and not only the execution knows."""
    if not isinstance(value, Text):
        return None
    first = value.parts[0] if value.parts else ""
    return None if isinstance(first, str) and IS_DECIDED_LATER.search(first) else value
