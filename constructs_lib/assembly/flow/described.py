"""The documents that AWS makes of what happens, as far as a template tells what they will say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.event_pattern import ABSENT, UNKNOWN, Field
from constructs_lib.assembly.flow.message import NOTHING_ELSE, Message, Objects
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.text_set import TextSet
from constructs_lib.assembly.value import Text, Value

if TYPE_CHECKING:
    from constructs_lib.assembly.flow.message import Document, NothingElse
    from constructs_lib.assembly.model import Node

# What EventBridge says where S3's own notifications say something else.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
DETAIL_TYPES = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "ObjectTagging:Put": "Object Tags Added",
    "ObjectTagging:Delete": "Object Tags Deleted",
    "ObjectAcl": "Object ACL Updated",
    "ObjectRestore": "Object Restore Initiated",
}
REASONS = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectRemoved:Delete": "DeleteObject",
    "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
}
# Notifications have the key in the form of a URL, in which these stand for themselves.
UNCHANGED_IN_URLS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/")
AWS_SOURCES = TextSet.prefix("aws.")  # which nobody but AWS may send
# https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
KEYS_OF_EVENTS = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
# https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
KEYS_OF_NOTIFICATIONS = (
    "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL",
    "SigningCertUrl", "UnsubscribeURL", "UnsubscribeUrl", "MessageAttributes",
)  # fmt: skip
# What Lambda and Pipes get of a table's stream.
# https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
KEYS_OF_RECORDS = (
    "eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb", "userIdentity", "eventSourceARN",
)  # fmt: skip
IMAGES = {"NewImage": ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"), "OldImage": ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")}
VIEWS = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
ONLY_OF = {"NewImage": ("INSERT", "MODIFY"), "OldImage": ("MODIFY", "REMOVE")}
NO_ATTRIBUTES: Document = {(): NOTHING_ELSE}
NOTIFICATION: Document = {  # what a queue gets of a topic, unless the subscription is raw
    (): NOTHING_ELSE,
    **{(key,): UNKNOWN for key in KEYS_OF_NOTIFICATIONS},
    ("Type",): TextSet.exactly("Notification"),
}


def event(source: str | TextSet, detail_type: str | TextSet | None = None, by: Node | None = None) -> Document:
    """Describe an event of EventBridge; `by` is what it comes from, where that is known."""
    told: dict[tuple[str, ...], TextSet | Text | Field | NothingElse] = {(): NOTHING_ELSE}
    told |= {(key,): UNKNOWN for key in KEYS_OF_EVENTS}
    told["source",] = TextSet.exactly(source) if isinstance(source, str) else source
    if detail_type is not None:
        told["detail-type",] = TextSet.exactly(detail_type) if isinstance(detail_type, str) else detail_type
    if isinstance(by, Resource):
        told["account",] = TextSet.exactly(by.stack.pseudo_texts["account"])
    return told


def own_event(sources: TextSet, detail_types: TextSet, bus: Node) -> Document:
    """Describe what somebody puts on a bus: never in the name of AWS."""
    return event(sources - AWS_SOURCES, detail_types, bus)


def object_event(bucket: Node, objects: Objects) -> Message:
    """Describe what EventBridge is told of objects of a bucket.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    plain, otherwise = (_object_event(bucket, kinds, objects.keys) for kinds in (objects.kinds, objects.possible))
    return Message(body=plain, otherwise=None if objects.kinds == objects.possible else otherwise)


def _object_event(bucket: Node, kinds: frozenset[str], keys: TextSet) -> Document:
    reasons = {REASONS[kind] for kind in kinds if kind in REASONS}
    return {
        **event("aws.s3", TextSet.exactly(*sorted({_detail_type(kind) for kind in kinds})), bucket),
        ("detail", "bucket", "name"): bucket.name,
        ("detail", "object", "key"): keys,
        **({("detail", "reason"): TextSet.exactly(*sorted(reasons))} if reasons else {}),
    }


def object_records(objects: Objects) -> Message:
    """Describe the notification that a queue or topic gets of objects of a bucket; it has no attributes.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    plain, otherwise = (_object_records(kinds, objects.keys) for kinds in (objects.kinds, objects.possible))
    return Message(
        body=plain, otherwise=None if objects.kinds == objects.possible else otherwise, attributes=NO_ATTRIBUTES
    )


def _object_records(kinds: frozenset[str], keys: TextSet) -> Document:
    # In the form of a URL a key can be told only where that changes nothing.
    is_plain = keys.letters() <= UNCHANGED_IN_URLS
    return {
        (): NOTHING_ELSE,
        ("Records",): UNKNOWN,
        ("Records", "eventName"): TextSet.exactly(*sorted(kinds)),
        ("Records", "eventSource"): TextSet.exactly("aws:s3"),
        **({("Records", "s3", "object", "key"): keys} if is_plain else {}),
    }


def record_of(table: Node, events: tuple[str, ...], keys: TextSet | None = None) -> Message:
    """Describe what a table's stream tells of a change.

    What is put into a table that forgets by itself is removed some day, by DynamoDB.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html

    Args:
        table: The table.
        events: What the change may be: INSERT, MODIFY, REMOVE.
        keys: What the partition key may be, where that is known.
    """
    forgets = isinstance(table, Resource) and str(table.value("TimeToLiveSpecification", "Enabled")).lower() == "true"
    plain = {**_record(table, events, keys), ("userIdentity",): ABSENT}  # it tells who removed what nobody did
    is_forgotten = forgets and events != ("REMOVE",)
    return Message(body=plain, otherwise=_record(table, (*events, "REMOVE"), keys) if is_forgotten else None)


def _record(table: Node, events: tuple[str, ...], keys: TextSet | None) -> Document:
    told: dict[tuple[str, ...], TextSet | Text | Field | NothingElse] = {
        (): NOTHING_ELSE,
        **{(key,): UNKNOWN for key in KEYS_OF_RECORDS},
        ("eventName",): TextSet.exactly(*events),
    }
    view = str(table.value("StreamSpecification", "StreamViewType")) if isinstance(table, Resource) else ""
    missing = {image for image, views in IMAGES.items() if view in VIEWS and view not in views}
    missing |= {image for image, of in ONLY_OF.items() if not set(of) & set(events)}
    told |= {("dynamodb", image): NOTHING_ELSE for image in missing}
    schema = table.value("KeySchema") if isinstance(table, Resource) and keys is not None else ()
    for each in schema if isinstance(schema, list) else ():
        if isinstance(each, dict) and str(each.get("KeyType")) == "HASH":
            for image in ("Keys", "NewImage", "OldImage")[: 1 if "REMOVE" in events else 2]:
                if keys is not None and image not in missing:
                    told["dynamodb", image, str(each.get("AttributeName")), "S"] = keys
    return told


def kept_objects(prefix: Text | str) -> Message:
    """Describe objects that AWS writes below a prefix."""
    put = frozenset({"ObjectCreated:Put"})
    return Message(objects=Objects(put, put, TextSet.prefix(prefix)))


def constant_document(told: Value, path: tuple[str, ...] = ()) -> Document:
    """Describe a document that stands in the template, and is always the same."""
    if isinstance(told, dict):
        inside = [constant_document(each, (*path, key)) for key, each in told.items()]
        return {path: NOTHING_ELSE, **{key: value for each in inside for key, value in each.items()}}
    if not path:
        return {}
    return {path: Field.of(told) if told is None or isinstance(told, str | Text | int | float) else UNKNOWN}


def below(key: str, document: Document) -> Document:
    """Describe a document that has another under a key."""
    return {(key, *path): value for path, value in document.items()}


def under(key: str, document: Document) -> Document:
    """Describe what a document has under a key."""
    return {
        path[1:]: value
        for path, value in document.items()
        if path[:1] == (key,) and (len(path) > 1 or value is NOTHING_ELSE)
    }


def _detail_type(kind: str) -> str:
    return next((told for start, told in DETAIL_TYPES.items() if kind.startswith(start)), kind)
