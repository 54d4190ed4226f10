"""What travels from a writer to what it makes run, as far as a template tells.

A message changes its shape on the way: an object that is written becomes an event, the event the body of a message in a
queue. Each shape is described where it is known; what is not described could be anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.text_set import Extent, Relation, TextSet

if TYPE_CHECKING:
    from constructs_lib.assembly.event_pattern import Field
    from constructs_lib.assembly.value import Text


@frozen
class NothingElse:
    """Stands in a document for everything below a path of which nothing else is said: it is not there."""


ALL, NONE = Extent.ALL, Extent.NONE
NOTHING_ELSE: Final = NothingElse()
# What is known of a JSON document: for the path of keys to a text, what the text may be. The rest could be anything.
Document = Mapping[tuple[str, ...], "TextSet | Text | Field | NothingElse"]


@frozen
class Objects:
    """Something that happens to objects of a bucket.

    Args:
        kinds: What happens when the writer does the plain thing, as S3 calls it: `ObjectCreated:Put`.
        possible: What may happen otherwise, with the same permission.
        keys: To which objects.
        are_replicas: Whether replication wrote them, which does not replicate them again.
    """

    kinds: frozenset[str]
    possible: frozenset[str]
    keys: TextSet
    are_replicas: bool = False


@frozen
class Request:
    """Calls of an API.

    Args:
        methods: Their methods.
        paths: Their paths, without the slash they begin with.
    """

    methods: TextSet
    paths: TextSet


@frozen
class Message:
    """Everything that a writer may send on one way.

    Args:
        body: The JSON document that the next one sees; none when nothing is known of it.
        otherwise: What it is when the writer does something less plain, that the same permission allows.
        attributes: The attributes of a message in a topic; none when nothing is known of them.
        objects: What happens to which objects, in a bucket.
        request: Which calls, at an API.
        is_forwarded: Whether it is an event that one bus sent to another, from where no third one gets it.
    """

    body: Document | None = None
    otherwise: Document | None = None
    attributes: Document | None = None
    objects: Objects | None = None
    request: Request | None = None
    is_forwarded: bool = False


ANYTHING = Message()


@frozen
class Passage:
    """How much of a message goes on, and as what.

    Args:
        extent: How much: all, some, or proven none.
        why: The reason, for a reader.
        message: What goes on.
        relation: What the reason was taken from; it finds an example of what goes on.
    """

    extent: Extent
    why: str = ""
    message: Message = ANYTHING
    relation: Relation | None = None

    @classmethod
    def of(cls, relation: Relation, message: Message = ANYTHING) -> Passage:
        """Return the passage that a comparison comes to."""
        return cls(relation.extent, relation.why, message, relation)

    def carrying(self, message: Message) -> Passage:
        """Return the same with another message."""
        return replace(self, message=message)


def lesser(one: Extent, other: Extent) -> Extent:
    """Return how much is left after both."""
    return one if one is other or one is NONE or other is ALL else other
