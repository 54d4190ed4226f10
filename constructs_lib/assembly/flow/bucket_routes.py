"""Where a bucket's events go: functions, queues and topics it notifies, the default bus, its replicas and access logs.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.described import event, object_event, object_records
from constructs_lib.assembly.flow.message import ANYTHING, Message, Objects, Passage, lesser
from constructs_lib.assembly.flow.route import Filter, Route
from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.text_set import Extent, TextSet, relation
from constructs_lib.assembly.value import Text, Value, options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.resource import Resource

BUCKET, FUNCTION, QUEUE, TOPIC = "AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::SNS::Topic"
BUS = "AWS::Events::EventBus"
CDK_NOTIFICATIONS = "Custom::S3BucketNotifications"  # what CDK's own `add_event_notification` makes
DEFAULT_BUS = Text.of("default")
PUT = "ObjectCreated:Put"
CREATED = frozenset({PUT, "ObjectCreated:Post", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload"})


@frozen
class Wanted:
    """What one notification asks for.

    Args:
        event: The event, perhaps ending in a star: `s3:ObjectCreated:*`.
        keys: Of which objects.
    """

    event: str
    keys: TextSet

    def is_told_of(self, kind: str) -> bool:
        """Whether it asks for this kind of event."""
        asked = self.event.removeprefix("s3:")
        return kind.startswith(asked[:-1]) if asked.endswith("*") else kind == asked


# (property of the bucket, property that names the target, its type), and the same as CDK's custom resource says it
NATIVE = (
    ("LambdaConfigurations", "Function", FUNCTION),
    ("QueueConfigurations", "Queue", QUEUE),
    ("TopicConfigurations", "Topic", TOPIC),
)
CUSTOM = (
    ("LambdaFunctionConfigurations", "LambdaFunctionArn", FUNCTION),
    ("QueueConfigurations", "QueueArn", QUEUE),
    ("TopicConfigurations", "TopicArn", TOPIC),
)


def bucket_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways that begin at buckets."""
    for bucket in assembly.of_type(BUCKET):
        yield from _notifications(assembly, bucket, bucket, NATIVE)
        yield from _replication(assembly, bucket)
        yield from _access_logs(assembly, bucket)
    for custom in assembly.of_type(CDK_NOTIFICATIONS):
        source = assembly.target(custom.value("BucketName"), BUCKET)
        if source is not None:
            yield from _notifications(assembly, source, custom, CUSTOM)


def _notifications(
    assembly: Assembly, bucket: Node, by: Resource, shapes: tuple[tuple[str, str, str], ...]
) -> Iterator[Route]:
    wanted: dict[Node, list[Wanted]] = defaultdict(list)
    for name, target_name, kind in shapes:
        for told in by.values("NotificationConfiguration", name, "*"):
            target = assembly.target(told.get(target_name), kind) if isinstance(told, dict) else None
            if isinstance(told, dict) and target is not None:
                wanted[target] += _asked(told)
    for target, asked in wanted.items():
        yield Route(
            bucket, target, by, "notifies", _filter(asked, is_function=target.type == FUNCTION), is_asynchronous=True
        )
    if _tells_event_bridge(by):
        bus = assembly.target(DEFAULT_BUS, BUS)
        if bus is not None:
            yield Route(bucket, bus, by, "tells", _as_event(bucket))


def _tells_event_bridge(by: Resource) -> bool:
    at = ("NotificationConfiguration", "EventBridgeConfiguration")
    if not by.values(*at):
        return False
    enabled = (*by.texts(*at, "EventBridgeEnabled"), *(each for each in by.values(*at, "EventBridgeEnabled")))
    return all(str(each).lower() != "false" for each in enabled)


def _asked(told: Mapping[str, Value]) -> Iterator[Wanted]:
    keys = TextSet.any()
    for rule in _rules(told.get("Filter")):
        name, value = _text(rule.get("Name")), _text(rule.get("Value"))
        if name is None or value is None:
            continue
        match (name.literal or "").lower():
            case "prefix":
                keys &= TextSet.prefix(value)
            case "suffix":
                keys &= TextSet.suffix(value)
    for name_of_event in ("Event", "Events"):
        for each in options(told.get(name_of_event)):
            for one in each if isinstance(each, list) else (each,):
                if isinstance(one, Text):
                    yield Wanted(one.literal or "s3:*", keys)


def _rules(told: Value) -> Iterator[Mapping[str, Value]]:
    """The rules of a filter: CloudFormation and S3's own interface nest them under other names."""
    for each in options(told):
        if isinstance(each, list):
            for one in each:
                yield from _rules(one)
        elif isinstance(each, dict) and "Name" in each:
            yield each
        elif isinstance(each, dict):
            for one in each.values():
                yield from _rules(one)


def _text(told: Value) -> Text | None:
    return next((each for each in options(told) if isinstance(each, Text)), None)


def _filter(wanted: list[Wanted], *, is_function: bool) -> Filter:
    def passes(message: Message) -> Passage:
        objects = message.objects
        if objects is None:
            return Passage(Extent.SOME, "it is not known what is written", message=ANYTHING)
        possible = [each for each in wanted if any(each.is_told_of(kind) for kind in objects.possible)]
        if not possible:
            asked = ", ".join(dict.fromkeys(each.event for each in wanted))
            return Passage(Extent.NONE, f"it asks for {asked}, and the writer causes {_listed(objects.possible)}")
        likely = [each for each in wanted if all(each.is_told_of(kind) for kind in objects.kinds)]
        found, extent = relation(objects.keys, _union(likely)), None
        if not likely or (found.extent is Extent.NONE and likely != possible):
            found = relation(objects.keys, _union(possible))
            extent = lesser(found.extent, Extent.SOME)
        going_on = ANYTHING if is_function else object_records(_told(objects, possible, is_plain=extent is None))
        return Passage(found.extent if extent is None else extent, found.why, going_on, found)

    return passes


def _told(objects: Objects, wanted: list[Wanted], *, is_plain: bool) -> Objects:
    """What of this is told: of the plain thing, or only of what may happen otherwise."""
    possible = frozenset(kind for kind in objects.possible if any(each.is_told_of(kind) for each in wanted))
    kinds = objects.kinds if is_plain else possible
    return replace(objects, kinds=kinds, possible=possible | kinds, keys=objects.keys & _union(wanted))


def _union(wanted: list[Wanted]) -> TextSet:
    keys = TextSet.none()
    for each in wanted:
        keys |= each.keys
    return keys


def _listed(kinds: frozenset[str]) -> str:
    return ", ".join(sorted(kinds))


def _as_event(bucket: Node) -> Filter:
    def passes(message: Message) -> Passage:
        if message.objects is None:
            return Passage(Extent.ALL, message=Message(body=event("aws.s3", by=bucket)))
        return Passage(Extent.ALL, message=object_event(bucket, message.objects))

    return passes


def _replication(assembly: Assembly, bucket: Resource) -> Iterator[Route]:
    for rule in bucket.values("ReplicationConfiguration", "Rules", "*"):
        if not isinstance(rule, dict) or str(rule.get("Status")) == "Disabled":
            continue
        destination = rule.get("Destination")
        target = assembly.target(destination.get("Bucket"), BUCKET) if isinstance(destination, dict) else None
        if target is not None:
            prefixes = list(_prefixes(rule))
            keys = TextSet.prefix(*prefixes) if prefixes else TextSet.any()
            yield Route(bucket, target, bucket, "replicates to", _replica(keys))


def _prefixes(rule: Mapping[str, Value]) -> Iterator[Text]:
    told = rule.get("Filter")
    places = [rule.get("Prefix")]
    if isinstance(told, dict):
        both = told.get("And")
        places += [told.get("Prefix"), both.get("Prefix") if isinstance(both, dict) else None]
    yield from (place for place in places if isinstance(place, Text) and place.parts)


def _replica(keys: TextSet) -> Filter:
    def passes(message: Message) -> Passage:
        objects = message.objects
        if objects is None:
            return Passage(Extent.SOME, "it is not known what is written")
        if objects.are_replicas:
            return Passage(Extent.NONE, "S3 does not replicate what replication wrote")
        if not objects.possible & CREATED:
            return Passage(Extent.NONE, f"replication copies what is created, not {_listed(objects.possible)}")
        found = relation(objects.keys, keys)
        copied = Objects(frozenset({PUT}), frozenset({PUT}), objects.keys & keys, are_replicas=True)
        return Passage.of(found, Message(objects=copied))

    return passes


def _access_logs(assembly: Assembly, bucket: Resource) -> Iterator[Route]:
    """Every access to a bucket makes an entry in its access logs: also that of writing such an entry.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
    """
    if bucket.lacks("LoggingConfiguration"):
        return
    told = bucket.value("LoggingConfiguration", "DestinationBucketName")
    target = bucket if told is None else assembly.target(told, BUCKET)
    prefix = bucket.value("LoggingConfiguration", "LogFilePrefix")
    keys = TextSet.prefix(prefix) if isinstance(prefix, Text) else TextSet.any()
    logs = Message(objects=Objects(frozenset({PUT}), frozenset({PUT}), keys))
    if target is not None:
        yield Route(bucket, target, bucket, "logs every access in", lambda _: Passage(Extent.ALL, message=logs))
