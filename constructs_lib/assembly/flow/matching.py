"""How much of a described document passes a filter, and what is then known of what passed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from constructs_lib.assembly.arn import are_surely_two
from constructs_lib.assembly.event_pattern import (
    UNKNOWN,
    Field,
    JsonSet,
    Payload,
    match_any,
    match_filter_criteria,
    match_filter_policy,
)
from constructs_lib.assembly.flow.message import NOTHING_ELSE, Document, Message, NothingElse, Passage
from constructs_lib.assembly.text_set import Extent, Relation, TextSet
from constructs_lib.assembly.value import Text, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_KEYS = 30  # of a path in a pattern
STRINGS = {("source",), ("detail-type",), ("account",), ("region",), ("id",)}  # of an event: never lists
Shape = Callable[[Document], Document]  # what becomes of a document


def matched(patterns: Sequence[Value], message: Message, change: Shape) -> Passage:
    """Return how much of an event passes at least one pattern of some rules, and goes on as `change` makes it."""

    def judge(document: Document | None) -> Relation:
        possible = [each for each in patterns if not _asks_for_another(each, document)]
        if patterns and not possible:
            return Relation(Extent.NONE, "it is about another resource")
        return match_any(possible, payload_of(document))

    return _judged(message, judge, lambda document: change(narrowed(document, patterns)))


def matched_by_criteria(criteria: Value, message: Message, wrap: Shape, change: Shape) -> Passage:
    """Return how much of what arrives passes the filter criteria of a mapping or pipe; all when there are none.

    Args:
        criteria: The criteria.
        message: What arrives.
        wrap: How it looks to the criteria.
        change: What goes on of it.
    """

    def judge(document: Document | None) -> Relation:
        seen = None if document is None else wrap(document)
        return match_filter_criteria(criteria, payload_of(seen))

    return _judged(message, judge, change)


def matched_by_policy(policy: Value, message: Message, change: Shape, *, reads_body: bool) -> Passage:
    """Return how much of what is published passes the filter policy of a subscription; all when there is none.

    https://docs.aws.amazon.com/sns/latest/dg/message-filtering-policy-remove.html
    """
    if policy is None or policy == {}:  # which is how a policy is taken away
        return _judged(message, lambda _: Relation(Extent.ALL, ""), change)
    if reads_body:
        return _judged(message, lambda body: match_filter_policy(policy, payload_of(body), scope="MessageBody"), change)
    if message.attributes is not None and set(message.attributes.values()) == {NOTHING_ELSE}:
        # Not even a filter that asks for an attribute to be absent.
        # https://docs.aws.amazon.com/sns/latest/dg/attribute-key-matching.html
        nothing = Relation(Extent.NONE, "a message without attributes passes no filter on attributes")
        return _judged(message, lambda _: nothing, change)
    return _judged(message, lambda _: match_filter_policy(policy, payload_of(message.attributes)), change)


def _judged(message: Message, judge: Callable[[Document | None], Relation], change: Shape) -> Passage:
    """What passes of the plain thing; if nothing does, whether anything passes of what else it may be."""
    found, kept = judge(message.body), message.body
    if found.extent is Extent.NONE and message.otherwise is not None:
        less_plain = judge(message.otherwise)
        if less_plain.extent is not Extent.NONE:
            found = Relation(Extent.SOME, less_plain.why, less_plain.find)
            kept = message.otherwise
    otherwise = None if message.otherwise is None else change(message.otherwise)
    going_on = Message(body=change({}) if kept is None else change(kept), otherwise=otherwise)
    return Passage.of(found, going_on)


def unchanged(document: Document) -> Document:
    """Leave a document as it is."""
    return document


def narrowed(document: Document | None, patterns: Sequence[Value]) -> Document:
    """Return what is known of a document that passed a single pattern: it has what the pattern asks for.

    Only plain strings are read; what else a pattern asks for is left out.
    """
    known = {} if document is None else dict(document)
    for path, texts in asked(patterns[0]) if len(patterns) == 1 else ():
        wanted, told = TextSet.exactly(*texts), known.get(path)
        if isinstance(told, TextSet):
            known[path] = told & wanted
        elif path in STRINGS and (told is None or told is UNKNOWN):
            known[path] = wanted
        elif payload_of(document).at(path) is UNKNOWN:
            known[path] = Field(JsonSet(wanted), UNKNOWN.many)  # or a list in which one of them is
    return known


def payload_of(document: Document | None) -> Payload:
    """Return a document in the form that patterns are compared with."""
    if document is None:
        return Payload({})
    told = {path: each for path, each in document.items() if not isinstance(each, NothingElse)}
    return Payload(told, closed=[path for path, each in document.items() if isinstance(each, NothingElse)])


def _asks_for_another(pattern: Value, document: Document | None) -> bool:
    """Whether a pattern asks for the name of another resource than the one that a document is about."""
    if document is None or not any(isinstance(told, Text) for told in document.values()):
        return False
    for path, texts in asked(pattern):
        told = document.get(path)
        if isinstance(told, Text) and all(are_surely_two(each, told) for each in texts):
            return True
    return False


def asked(pattern: Value, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Text]]]:
    """Yield the plain strings that a pattern asks for, by the path of keys to them."""
    if isinstance(pattern, dict) and len(path) < MOST_KEYS:
        for key, inside in pattern.items():
            if key != "$or":
                yield from asked(inside, (*path, key))
    elif isinstance(pattern, list) and path:
        texts = [each for each in pattern if isinstance(each, Text)]
        if texts and len(texts) == len(pattern):
            yield path, texts
