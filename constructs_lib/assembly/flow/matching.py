"""How much of a described document passes a filter, and what is then known of what passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.event_pattern import Payload, match_any, match_filter_criteria, match_filter_policy
from constructs_lib.assembly.flow.message import Document, Message, Passage
from constructs_lib.assembly.text_set import TextSet
from constructs_lib.assembly.value import Text, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_KEYS = 30  # of a path in a pattern


def matched(patterns: Sequence[Value], document: Document | None) -> Passage:
    """Return how much of an event passes at least one pattern of some rules."""
    return Passage.of(match_any(patterns, _payload(document)))


def matched_by_criteria(criteria: Value, document: Document | None) -> Passage:
    """Return how much of what arrives passes the filter criteria of a mapping or pipe; all when there are none."""
    return Passage.of(match_filter_criteria(criteria, _payload(document)))


def matched_by_policy(policy: Value, message: Message, *, reads_body: bool) -> Passage:
    """Return how much of what is published passes the filter policy of a subscription; all when there is none."""
    document = message.body if reads_body else message.attributes
    scope = "MessageBody" if reads_body else "MessageAttributes"
    return Passage.of(match_filter_policy(policy, _payload(document), scope=scope))


def narrowed(document: Document | None, patterns: Sequence[Value]) -> Document | None:
    """Return what is known of a document that passed a single pattern: it has what the pattern asks for.

    Only plain strings are read; what else a pattern asks for is left out.
    """
    if len(patterns) != 1:
        return document
    known = {} if document is None else dict(document)
    for path, texts in _asked(patterns[0], ()):
        wanted = TextSet.exactly(*texts)
        known[path] = known[path] & wanted if path in known else wanted
    return known


def _asked(pattern: Value, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Text]]]:
    if isinstance(pattern, dict) and len(path) < MOST_KEYS:
        for key, inside in pattern.items():
            if key != "$or":
                yield from _asked(inside, (*path, key))
    elif isinstance(pattern, list) and path:
        texts = [each for each in pattern if isinstance(each, Text)]
        if texts and len(texts) == len(pattern):
            yield path, texts


def _payload(document: Document | None) -> Payload:
    return Payload({} if document is None else document)
