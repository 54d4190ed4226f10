"""Where messages of devices go: a rule of AWS IoT reads the topics its query names, and passes them to its actions.

https://docs.aws.amazon.com/iot/latest/developerguide/iot-rule-actions.html
https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-from.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from constructs_lib.assembly.arn import Arn
from constructs_lib.assembly.flow.addressed import TABLES, api_at
from constructs_lib.assembly.flow.described import record_of
from constructs_lib.assembly.flow.message import ANYTHING, Message, Objects, Passage, lesser
from constructs_lib.assembly.flow.route import Route
from constructs_lib.assembly.flow.writes import PUT, Write
from constructs_lib.assembly.policies.action_names import spelled
from constructs_lib.assembly.policies.permissions import denies_node
from constructs_lib.assembly.text_set import Extent, TextSet
from constructs_lib.assembly.value import Text, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.flow.route import Filter
    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.policies.permissions import Permissions
    from constructs_lib.assembly.resource import Resource

RULE, BUCKET = "AWS::IoT::TopicRule", "AWS::S3::Bucket"
PUBLISH = ("iot:publish",)
# The key of an action that names where it leads to, and the type that is.
NAMED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "CloudwatchLogs": (("LogGroupName",), ("AWS::Logs::LogGroup",)),
    "DynamoDB": (("TableName",), TABLES),
    "DynamoDBv2": (("PutItem", "TableName"), TABLES),
    "Firehose": (("DeliveryStreamName",), ("AWS::KinesisFirehose::DeliveryStream",)),
    "Kinesis": (("StreamName",), ("AWS::Kinesis::Stream",)),
    "Lambda": (("FunctionArn",), ("AWS::Lambda::Function",)),
    "S3": (("BucketName",), (BUCKET,)),
    "Sns": (("TargetArn",), ("AWS::SNS::Topic",)),
    "Sqs": (("QueueUrl",), ("AWS::SQS::Queue",)),
    "StepFunctions": (("StateMachineName",), ("AWS::StepFunctions::StateMachine",)),
}
FROM = re.compile(r"\bfrom\s+(['\"])(?P<topic>[^'\"]+)\1(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
FILLED_IN = re.compile(r"\$\{[^}]*\}")  # while the rule runs
MANY_LEVELS, ONE_LEVEL = "#", "+"


def iot_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways that begin at rules on topics of devices."""
    rules = assembly.of_type(RULE)
    for rule in rules:
        if _is_off(rule):
            continue
        actions = rule.values("TopicRulePayload", "Actions", "*")
        failures = rule.values("TopicRulePayload", "ErrorAction")
        for told, does in (*((each, "passes on to") for each in actions), *((each, "reports to") for each in failures)):
            for kind, settings in told.items() if isinstance(told, dict) else ():
                if isinstance(settings, dict):
                    yield from _action(assembly, rule, kind, settings, does)


def published(assembly: Assembly, permissions: Permissions) -> Iterator[Write]:
    """Yield what a role may publish to topics that rules read."""
    rules = [each for each in assembly.of_type(RULE) if not _is_off(each)]
    for grant in permissions.grants(PUBLISH) if rules else ():
        denied = any(denies_node(each, grant.pattern) for each in permissions.denials(grant.action, permissions.role))
        for rule in rules:
            passage = _read(rule, _topics_of(grant.pattern))
            if passage.extent is Extent.NONE or not permissions.is_within_boundary(grant.action, grant.pattern):
                continue
            how = f"may {spelled(grant.action)} on {grant.pattern} (allowed by {grant.by})"
            extent = Extent.NONE if denied else passage.extent
            if grant.is_conditional or not grant.is_sure:
                extent = lesser(extent, Extent.SOME)
            yield Write(rule, ANYTHING, extent, how, passage.why)


def _action(assembly: Assembly, rule: Resource, kind: str, settings: dict[str, Value], does: str) -> Iterator[Route]:
    if kind == "Republish":
        topic = settings.get("Topic")
        topics = _filled_in(topic) if isinstance(topic, Text) else TextSet.any()
        for other in assembly.of_type(RULE):
            passage = _read(other, topics)
            if not _is_off(other) and passage.extent is not Extent.NONE:
                yield Route(rule, other, rule, "publishes to", _always(passage))
    elif kind == "Http":
        url = settings.get("Url")
        api = api_at(assembly, url) if isinstance(url, Text) else None
        if api is not None:
            yield Route(rule, api, rule, "calls", _always(Passage(Extent.ALL)))
    elif kind in NAMED:
        keys, types = NAMED[kind]
        named: Value = settings
        for key in keys:
            named = named.get(key) if isinstance(named, dict) else None
        node = assembly.target(named, *types) if named is not None else None
        if node is not None:
            passage = Passage(Extent.ALL, message=_message(kind, node, settings))
            yield Route(rule, node, rule, does, _always(passage), is_asynchronous=True)


def _message(kind: str, node: Node, settings: dict[str, Value]) -> Message:
    if kind.startswith("DynamoDB"):
        return record_of(node, ("INSERT", "MODIFY"))
    key = settings.get("Key")
    if kind == "S3" and isinstance(key, Text):
        put = frozenset({PUT})
        return Message(objects=Objects(put, put, _filled_in(key)))
    return ANYTHING


def _read(rule: Resource, topics: TextSet) -> Passage:
    """How much of what is published to some topics a rule reads."""
    told = rule.value("TopicRulePayload", "Sql")
    found = FROM.search(str(told)) if isinstance(told, Text) and not told.symbols else None
    if found is None:
        return Passage(Extent.SOME, "which topics it reads cannot be told")
    wanted = found["topic"]
    # One level is taken for many, as no pattern of letters can say which end at a slash.
    pattern = wanted.replace(ONE_LEVEL, "*").removesuffix(MANY_LEVELS) + ("*" if wanted.endswith(MANY_LEVELS) else "")
    read = TextSet.glob(pattern)
    if wanted.endswith(f"/{MANY_LEVELS}"):  # which means the level above it, too
        read |= TextSet.glob(pattern.removesuffix("/*"))
    if (topics & read).is_empty():
        return Passage(Extent.NONE, f"it reads {wanted}")
    if ONE_LEVEL in wanted or "where" in found["rest"].lower() or not topics.is_subset(read):
        return Passage(Extent.SOME, f"what it reads is {found[0].strip()}")
    return Passage(Extent.ALL)


def _topics_of(pattern: Text) -> TextSet:
    """The topics that a resource pattern means."""
    if pattern.literal == "*":
        return TextSet.any()
    arn = Arn.parse(pattern)
    if arn is None:
        return TextSet.any()
    before, *topic = arn.resource.split("topic/", 1)
    if topic and not before.parts:
        return TextSet.glob(topic[0])
    return TextSet.any() if arn.resource.startswith("*") or not arn.resource.literal else TextSet.none()


def _filled_in(text: Text) -> TextSet:
    return TextSet.glob(Text.of(*(FILLED_IN.sub("*", each) if isinstance(each, str) else each for each in text.parts)))


def _is_off(rule: Resource) -> bool:
    return str(rule.value("TopicRulePayload", "RuleDisabled")).lower() == "true"


def _always(passage: Passage) -> Filter:
    return lambda _: passage
