"""What somebody may write, send, invoke or start: by the permissions of their role, or by what they are made to do.

Only actions that can make something run. https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from constructs_lib.assembly.arn import Arn
from constructs_lib.assembly.flow.addressed import APIS, TABLES
from constructs_lib.assembly.flow.described import own_event, record_of
from constructs_lib.assembly.flow.message import ANYTHING, Message, Objects, Request, lesser
from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.policies.action_names import spelled
from constructs_lib.assembly.policies.permissions import (
    Grant,
    Permissions,
    denied_keys,
    denies_node,
    extent_on,
    has_wildcard,
    keys_in,
    surely_keys_in,
)
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.text_set import Extent, TextSet
from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from constructs_lib.assembly.model import Assembly, Node

BUCKET, QUEUE, TOPIC, BUS = "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Events::EventBus"
FUNCTION, MACHINE, STREAM = "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine", "AWS::Kinesis::Stream"
FIREHOSE, LOG_GROUP = "AWS::KinesisFirehose::DeliveryStream", "AWS::Logs::LogGroup"
PUT = "ObjectCreated:Put"


Conditions = Mapping[str, Mapping[str, tuple[Text, ...]]]


@frozen
class Write:
    """Something that somebody may write.

    Args:
        node: Where to.
        message: What.
        extent: Whether everything that this permission allows goes there, some, or nothing since it is denied.
        how: What allows it, for a message.
        why: Why the extent is what it is.
    """

    node: Node
    message: Message
    extent: Extent
    how: str
    why: str = ""


def _objects(kinds: str, *possible: str) -> Callable[[TextSet], Message]:
    told = frozenset({kinds})
    return lambda keys: Message(objects=Objects(told, told | frozenset(possible), keys))


# What each action on objects makes happen: the plain thing first.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
ON_OBJECTS: Mapping[str, Callable[[TextSet], Message]] = {
    "s3:putobject": _objects(PUT, "ObjectCreated:Post", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload"),
    "s3:deleteobject": _objects("ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"),
    "s3:deleteobjectversion": _objects("ObjectRemoved:Delete"),
    "s3:putobjectacl": _objects("ObjectAcl:Put"),
    "s3:putobjecttagging": _objects("ObjectTagging:Put"),
    "s3:deleteobjecttagging": _objects("ObjectTagging:Delete"),
    "s3:deleteobjectversiontagging": _objects("ObjectTagging:Delete"),
    "s3:putobjectversionacl": _objects("ObjectAcl:Put"),
    "s3:putobjectversiontagging": _objects("ObjectTagging:Put"),
    "s3:restoreobject": _objects("ObjectRestore:Post", "ObjectRestore:Completed"),
}
RECORDS: Mapping[str, tuple[str, ...]] = {
    "dynamodb:putitem": ("INSERT", "MODIFY"),
    "dynamodb:updateitem": ("INSERT", "MODIFY"),
    "dynamodb:deleteitem": ("REMOVE",),
    "dynamodb:batchwriteitem": ("INSERT", "MODIFY", "REMOVE"),
    "dynamodb:partiqlinsert": ("INSERT",),
    "dynamodb:partiqlupdate": ("MODIFY",),
    "dynamodb:partiqldelete": ("REMOVE",),
}
SENT: Mapping[str, tuple[str, ...]] = {
    "sqs:sendmessage": (QUEUE,),
    "sns:publish": (TOPIC,),
    "kinesis:putrecord": (STREAM,),
    "kinesis:putrecords": (STREAM,),
    "firehose:putrecord": (FIREHOSE,),
    "firehose:putrecordbatch": (FIREHOSE,),
    "lambda:invokefunction": (FUNCTION,),
    "lambda:invokeasync": (FUNCTION,),
    "lambda:invokefunctionurl": (FUNCTION,),
    "states:startexecution": (MACHINE,),
    "states:startsyncexecution": (MACHINE,),
    "states:redriveexecution": (MACHINE,),
    "logs:putlogevents": (LOG_GROUP,),
    "events:putevents": (BUS,),
    "execute-api:invoke": APIS,
    **dict.fromkeys(RECORDS, TABLES),
}
ACTIONS: tuple[str, ...] = (*ON_OBJECTS, *SENT)
EQUALS = ("StringEquals", "StringLike", "StringEqualsIfExists", "StringLikeIfExists")
FOR_ALL, FOR_ANY = "ForAllValues:", "ForAnyValue:"
BY_URL, ADDRESS = "lambda:invokefunctionurl", "AWS::Lambda::Url"
# Keys that only a request for a list of keys has: under a condition on one, nothing that writes is allowed.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
ABOUT_LISTS = frozenset({"s3:prefix", "s3:delimiter", "s3:max-keys"})
HOLD_WHEN_ABSENT = ("Not", "IfExists", "ForAllValues", "Null")
DECIDING = (*EQUALS[:2], "StringEqualsIgnoreCase", "StringNotEquals", "StringNotLike")
SOMETHING = TextSet.glob("?*")  # no object has an empty key
BEYOND = "the permissions boundary does not let it through"
NOT_BY_DEFAULT = "only when a parameter of the template says so"


class Writers:
    """Finds what roles may write, among the places from which something goes on.

    Args:
        assembly: The assembly.
        places: Every place from which something goes on, or that runs.
    """

    def __init__(self, assembly: Assembly, places: Iterator[Node]) -> None:
        self._assembly = assembly
        self._places: dict[str, list[Node]] = {}
        self._by_resource: dict[Text, list[Node]] = {}
        for node in places:
            self._places.setdefault(node.type, []).append(node)
            for arn in assembly.arns(node):
                told = Arn.parse(arn)
                self._by_resource.setdefault(arn if told is None else told.resource, []).append(node)

    def of(self, permissions: Permissions, actions: tuple[str, ...] = ACTIONS) -> Iterator[Write]:
        """Yield what a role may write, or what of it some actions can."""
        for grant in permissions.grants(actions):
            yield from self.by(grant, permissions)

    def by(self, grant: Grant, permissions: Permissions) -> Iterator[Write]:
        """Yield what a role may write by one grant, less what denies it."""
        if grant.action in ON_OBJECTS:
            yield from () if _asks_for_lists(grant) else self._to_buckets(permissions, grant)
        else:
            yield from self._to_nodes(permissions, grant)

    def _to_buckets(self, permissions: Permissions, grant: Grant) -> Iterator[Write]:
        for bucket in self._buckets_in(grant.pattern):
            name = bucket.name
            found = keys_in(grant.pattern, name) if bucket.type == BUCKET else None
            if found is None:
                continue
            allowed, extent = found
            for but in grant.but:
                allowed -= surely_keys_in(but, name)
            keys, why = allowed, BEYOND
            boundary = permissions.boundary_resources(grant.action)
            if boundary is not None:
                within = [told for each in boundary if (told := keys_in(each, name)) is not None]
                keys &= _union(told[0] for told in within)
            for statement in permissions.denials(grant.action, bucket):
                keys -= denied_keys(statement, name)
                why = f"{statement.source.path} denies {spelled(grant.action)} there"
            how = _how(grant)
            if keys is found[0] or not (keys & SOMETHING).is_empty():
                yield self._conditional(grant, Write(bucket, ON_OBJECTS[grant.action](keys), extent, how))
            if keys is not allowed and not allowed.is_subset(keys):
                # What would be written if nobody denied it: to show what the denial is good for.
                yield Write(bucket, ON_OBJECTS[grant.action](allowed - keys), Extent.NONE, how, why)

    def _buckets_in(self, pattern: Text) -> Sequence[Node]:
        """The buckets that a pattern could mean: the one it names, or all when it has a wildcard for the name."""
        told = Arn.parse(pattern)
        name = Text(pattern.parts[:1]) if told is None else told.resource.split("/", 1)[0]
        return self._places.get(BUCKET, ()) if has_wildcard(name) else self._by_resource.get(name, ())

    def _to_nodes(self, permissions: Permissions, grant: Grant) -> Iterator[Write]:
        for node, extent in self._meant(grant):
            arn = self._assembly.arns(node)[0]
            how = _how(grant)
            denials = [each for each in permissions.denials(grant.action, node) if denies_node(each, arn)]
            message = self._message(grant, node, permissions)
            if denials:
                why = f"{denials[0].source.path} denies {spelled(grant.action)} there"
                yield Write(node, message, Extent.NONE, how, why)
            elif not permissions.is_within_boundary(grant.action, arn):
                yield Write(node, message, Extent.NONE, how, BEYOND)
            else:
                yield self._conditional(grant, Write(node, message, extent, how))

    def _meant(self, grant: Grant) -> Iterator[tuple[Node, Extent]]:
        """The places that a grant means, and whether it names them."""
        kinds = SENT[grant.action]
        if grant.action == "execute-api:invoke":
            yield from self._apis(grant)
            return
        pattern = _unqualified(grant.pattern) if FUNCTION in kinds or MACHINE in kinds else grant.pattern
        told = Arn.parse(pattern)
        resource = pattern if told is None else told.resource
        if has_wildcard(resource):
            candidates = [node for kind in kinds for node in self._places.get(kind, ())]
        else:
            # What is only known as a parameter may be of any type.
            candidates = [node for node in self._by_resource.get(resource, ()) if node.type in {*kinds, ""}]
        if grant.action == BY_URL:
            candidates = [node for node in candidates if node in self._addressed or not isinstance(node, Resource)]
        for node in candidates:
            arns = self._assembly.arns(node)
            extent = extent_on(pattern, arns)
            if extent is not Extent.NONE and not any(extent_on(each, arns) is Extent.ALL for each in grant.but):
                yield node, extent

    @cached_property
    def _addressed(self) -> frozenset[Node]:
        """The functions that have a URL."""
        told = (each.value("TargetFunctionArn") for each in self._assembly.of_type(ADDRESS))
        found = (self._assembly.target(each, FUNCTION) for each in told)
        return frozenset(each for each in found if each is not None)

    def _apis(self, grant: Grant) -> Iterator[tuple[Node, Extent]]:
        for kind in APIS:
            for node in self._places.get(kind, ()):
                if _call_of(grant.pattern, node.name) is not None:
                    told = Arn.parse(grant.pattern)
                    is_named = told is not None and told.resource.split("/", 1)[0] == node.name
                    yield node, Extent.ALL if is_named else Extent.SOME

    def _message(self, grant: Grant, node: Node, permissions: Permissions) -> Message:
        if grant.action in RECORDS:
            return self._record(grant, node)
        if grant.action == "events:putevents":
            sources, types = (
                _less_denied(_asked(grant.conditions, key), key, permissions, self._assembly.arns(node)[0])
                for key in ("events:source", "events:detail-type")
            )
            return Message(body=own_event(sources, types, node))
        if grant.action == "execute-api:invoke":
            return Message(request=_call_of(grant.pattern, node.name))
        return ANYTHING

    def _record(self, grant: Grant, node: Node) -> Message:
        """The record that a table's stream has of a change."""
        keys = _asked(grant.conditions, "dynamodb:leadingkeys") if "dynamodb:leadingkeys" in _keys(grant) else None
        return record_of(node, RECORDS[grant.action], keys)

    def _conditional(self, grant: Grant, write: Write) -> Write:
        """A write that is allowed under a condition which is not known to hold is perhaps none."""
        if not grant.is_sure:
            write = replace(write, extent=lesser(write.extent, Extent.SOME), why=NOT_BY_DEFAULT)
        read = {"events:source", "events:detail-type", "events:eventbusinvocation", "dynamodb:leadingkeys"}
        if not grant.is_conditional or _keys(grant) <= read | {"dynamodb:attributes"}:
            return write
        unread = sorted(_keys(grant) - read)
        why = f"only under a condition on {', '.join(unread)}"
        return replace(write, extent=lesser(write.extent, Extent.SOME), why=why)


def _how(grant: Grant) -> str:
    return f"may {spelled(grant.action)} on {grant.pattern} (allowed by {grant.by})"


def _union(sets: Iterator[TextSet]) -> TextSet:
    union = TextSet.none()
    for each in sets:
        union |= each
    return union


def _keys(grant: Grant) -> set[str]:
    return {key for wanted in grant.conditions.values() for key in wanted}


def _asks_for_lists(grant: Grant) -> bool:
    """Whether a condition asks for a key that is in no request which writes."""
    return any(
        key in ABOUT_LISTS and not any(each in operator for each in HOLD_WHEN_ABSENT)
        for operator, wanted in grant.conditions.items()
        for key in wanted
    )


def _less_denied(allowed: TextSet, key: str, permissions: Permissions, bus: Text) -> TextSet:
    """What is left of the values of a key when what is denied by their values, and nothing else, is taken away."""
    for statement in permissions.conditional_denials("events:putevents"):
        [*operators] = statement.conditions
        if len(operators) != 1 or set(statement.conditions[operators[0]]) != {key} or not denies_node(statement, bus):
            continue
        # That one entry of several is denied denies them all; that all of them are, says nothing of one.
        operator = operators[0].removeprefix(FOR_ANY)
        if operator in DECIDING:
            allowed -= _asked({operator: statement.conditions[operators[0]]}, key)
    return allowed


def _asked(conditions: Conditions, key: str) -> TextSet:
    """The values that conditions allow a key to have; any when they do not speak of it."""
    allowed = TextSet.any()
    for operator, wanted in conditions.items():
        plain = operator.removeprefix(FOR_ALL)
        if key not in wanted or plain.startswith(FOR_ANY):  # one of many entries is enough, the others may be anything
            continue
        if plain in EQUALS:
            allowed &= TextSet.glob(*wanted[key]) if "Like" in plain else TextSet.exactly(*wanted[key])
        elif plain == "StringNotEquals":
            allowed -= TextSet.exactly(*wanted[key])
        elif plain == "StringNotLike":
            allowed -= TextSet.glob(*wanted[key])
        elif plain == "StringEqualsIgnoreCase":
            allowed &= TextSet.exactly(*wanted[key], ignore_case=True)
    return allowed


def _unqualified(pattern: Text) -> Text:
    """An ARN without what comes after the name: a version, an alias, or a star for all of them."""
    pieces = pattern.split(":")
    named = 7  # arn, partition, service, region, account, kind, name
    if len(pieces) <= named:
        return pattern
    kept: list[Text] = [pieces[0]]
    for piece in pieces[1:named]:
        kept += [Text.of(":"), piece]
    return Text.of(*kept)


def _call_of(pattern: Text, api: Text) -> Request | None:
    """The calls of an API that a pattern means: `arn:...:execute-api:region:account:api/stage/METHOD/path`."""
    if pattern.literal == "*":
        return Request(TextSet.any(), TextSet.any())
    pieces = pattern.split(":", 5)
    if len(pieces) <= 5 or pieces[2].literal not in {"execute-api", "*"}:  # noqa: PLR2004 - the pieces of an ARN
        return None
    name, *rest = pieces[5].split("/", 3)
    if name != api and name.literal != "*":
        return None
    match rest:
        case [_, method, path]:
            return Request(TextSet.glob(method), TextSet.glob(path))
        case [_, method] if method.literal != "*":
            return Request(TextSet.glob(method), TextSet.any())
    return Request(TextSet.any(), TextSet.any())
