"""The documents that AWS makes of what happens, as far as a template tells what they will say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.text_set import TextSet

if TYPE_CHECKING:
    from constructs_lib.assembly.flow.message import Document, Objects
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
UNCHANGED_IN_URLS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/*?")
AWS_SOURCES = TextSet.prefix("aws.")  # which nobody but AWS may send


def event(source: str | TextSet, detail_type: str | TextSet | None = None, **detail: TextSet) -> Document:
    """Describe an event of EventBridge."""
    told: dict[tuple[str, ...], TextSet] = {("source",): TextSet.exactly(source) if isinstance(source, str) else source}
    if detail_type is not None:
        told["detail-type",] = TextSet.exactly(detail_type) if isinstance(detail_type, str) else detail_type
    return {**told, **{("detail", key): value for key, value in detail.items()}}


def own_event(sources: TextSet, detail_types: TextSet) -> Document:
    """Describe what somebody puts on a bus: never in the name of AWS."""
    return event(sources - AWS_SOURCES, detail_types)


def object_event(bucket: Node, objects: Objects) -> Document:
    """Describe what EventBridge is told of objects of a bucket.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    described = dict(event("aws.s3", TextSet.exactly(*sorted({_detail_type(kind) for kind in objects.kinds}))))
    described["detail", "bucket", "name"] = TextSet.exactly(bucket.name)
    described["detail", "object", "key"] = objects.keys
    reasons = {REASONS[kind] for kind in objects.kinds if kind in REASONS}
    if reasons:
        described["detail", "reason"] = TextSet.exactly(*sorted(reasons))
    return described


def object_records(objects: Objects) -> Document:
    """Describe the notification that a queue or topic gets of objects of a bucket.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    described: dict[tuple[str, ...], TextSet] = {
        ("Records", "eventName"): TextSet.exactly(*sorted(objects.kinds)),
        ("Records", "eventSource"): TextSet.exactly("aws:s3"),
    }
    if set(str(objects.keys)) <= UNCHANGED_IN_URLS:
        described["Records", "s3", "object", "key"] = objects.keys
    return described


def below(key: str, document: Document | None) -> Document | None:
    """Describe a document that has another under a key."""
    return None if document is None else {(key, *path): value for path, value in document.items()}


def under(key: str, document: Document | None) -> Document | None:
    """Describe what a document has under a key."""
    if document is None:
        return None
    return {path[1:]: value for path, value in document.items() if path[0] == key and len(path) > 1}


def _detail_type(kind: str) -> str:
    return next((told for start, told in DETAIL_TYPES.items() if kind.startswith(start)), kind)
