"""Whether what somebody emits passes a filter: the pattern of a rule, of a subscription, or of an event source mapping.

What is emitted is a `Payload`, described as far as it is known. The answer is `ALL` or `NONE` only where that is
proven, for every payload of the description and every value of the symbols; all else is `SOME`.

    >>> thumbnails = Payload({("source",): "aws.s3", ("detail", "object", "key"): TextSet.prefix("thumbs/")})
    >>> match({"detail": {"object": {"key": [{"prefix": "uploads/"}]}}}, thumbnails).why
    'detail.object.key is thumbs/*, and what passes is [{"prefix": "uploads/"}]'

How patterns match:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from constructs_lib.assembly.patterns.conditions import Condition, Dialect
from constructs_lib.assembly.patterns.event_syntax import Alternative, Pattern
from constructs_lib.assembly.patterns.json_set import JsonSet
from constructs_lib.assembly.patterns.payload import ABSENT, PRESENT, UNKNOWN, Field, Path, Payload
from constructs_lib.assembly.patterns.relation import Extent, Relation, never
from constructs_lib.assembly.text_set import TextSet
from constructs_lib.assembly.value import OneOf, Text, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ABSENT",
    "PRESENT",
    "UNKNOWN",
    "Dialect",
    "Extent",
    "Field",
    "JsonSet",
    "Pattern",
    "Payload",
    "Relation",
    "TextSet",
    "match",
    "match_any",
    "match_filter_criteria",
    "match_filter_policy",
]

MOST_TRIALS: Final = 500  # ways in which a payload could slip through several patterns


def match(pattern: Any, payload: Payload, dialect: Dialect = Dialect.EVENT_BRIDGE) -> Relation:
    """Say how much of a payload passes a pattern.

    Args:
        pattern: The pattern, as JSON text or as an object, resolved or not, or read already by `Pattern.read`. One that
            cannot be read passes `SOME`.
        payload: What is emitted.
        dialect: Whose pattern it is.
    """
    return match_any([pattern], payload, dialect)


def match_any(patterns: Iterable[Any], payload: Payload, dialect: Dialect = Dialect.EVENT_BRIDGE) -> Relation:
    """Say how much of a payload passes at least one of some patterns: several may cover together what none does alone.

    Args:
        patterns: The patterns; without any, nothing passes.
        payload: What is emitted.
        dialect: Whose patterns they are.
    """
    impossible = payload.impossible()
    if impossible is not None:
        return Relation(Extent.NONE, f"nothing is emitted: {_dotted(impossible)} has no value")
    read = [each if isinstance(each, Pattern) else Pattern.read(each, dialect) for each in patterns]
    problem = next((each.problem for each in read if each.problem), "")
    return _Match(payload, tuple(asked for each in read for asked in each.alternatives), problem).relation()


def match_filter_policy(policy: Any, payload: Payload, *, scope: str = "MessageAttributes") -> Relation:
    """Say how much of what is published passes the filter policy of a subscription.

    https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html

    Args:
        policy: The policy; none, and everything passes.
        payload: The attributes of the messages by their names, as `("kind",)`, or with the scope `MessageBody` what is
            in the body.
        scope: `MessageAttributes` or `MessageBody`.
    """
    if policy is None:
        return Relation(Extent.ALL, "there is no filter policy")
    if scope not in {"MessageAttributes", "MessageBody"}:
        return Relation(Extent.SOME, f"the scope {scope!r} is not known", judge=never)
    found = match(policy, payload, Dialect.SNS)
    if scope == "MessageBody" and found.extent is Extent.ALL and not payload.paths:
        # a body that is not a JSON object does not pass, whatever is asked
        return Relation(Extent.SOME, "it is not known whether the body is a JSON object", judge=never)
    return found


def match_filter_criteria(criteria: Any, payload: Payload) -> Relation:
    """Say how much of what arrives passes the `FilterCriteria` of an event source mapping.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html

    Args:
        criteria: The criteria, or a list of their patterns; none, or an empty list, and everything passes.
        payload: The records, by their own keys: `("body", ...)` of a message, `("data", ...)` of a Kinesis record,
            `("eventName",)` and `("dynamodb", "NewImage", ...)` of a change in a table.
    """
    filters = criteria.get("Filters") if isinstance(criteria, dict) else criteria
    if filters is None or filters == []:
        return Relation(Extent.ALL, "there are no filters")
    if not isinstance(filters, list):
        return Relation(Extent.SOME, "the filters cannot be read: they are not a list", judge=never)
    return match_any((_pattern_of(each) for each in filters), payload, Dialect.EVENT_SOURCE)


def _pattern_of(each: Any) -> Any:
    if isinstance(each, dict) and "Pattern" in each:
        return each["Pattern"]
    return each if isinstance(each, dict | str | Text | OneOf | Unknown) else None


@dataclass(frozen=True, slots=True)
class _Match:
    """A payload before some alternatives."""

    payload: Payload
    alternatives: tuple[Alternative, ...]
    unreadable: str

    def relation(self) -> Relation:
        """Say how much of the payload holds for at least one alternative."""
        refusals = [self._refusal(each) for each in self.alternatives]
        open_ = [each for each, refusal in zip(self.alternatives, refusals, strict=True) if refusal is None]
        if not open_ and self.unreadable:
            return Relation(Extent.SOME, self.unreadable, judge=never)
        if not open_:
            return Relation(Extent.NONE, next(filter(None, refusals), "there is no pattern"))
        find = partial(self._witness, open_)
        if self._escapes(open_, for_sure=False) is False:
            return Relation(Extent.ALL, "all that is emitted passes", find)
        return Relation(Extent.SOME, self._why_some(open_), find, partial(self._is_certain, open_))

    def _is_certain(self, open_: list[Alternative]) -> bool:
        return any(map(self._surely_holds, open_)) and self._escapes(open_, for_sure=True) is True

    def _refusal(self, alternative: Alternative) -> str | None:
        """Why no payload holds for this; none where one may."""
        for path, asked in alternative.items():
            found = self.payload.at(path)
            condition = asked.settled(found)
            if found.within(condition.maybe, absent=condition.absent_maybe).is_impossible():
                return _said(path, found, condition)
        return None

    def _escapes(self, open_: list[Alternative], *, for_sure: bool) -> bool | None:
        """Whether a payload holds for none of these: it differs from each in at least one place.

        Args:
            open_: The alternatives.
            for_sure: Whether it must surely hold for none, or only not surely for one.

        Returns:
            None where that was not looked for to the end.
        """
        ordered = sorted(open_, key=len)
        waiting: list[tuple[int, dict[Path, Field]]] = [(0, {})]
        trials = 0
        while waiting:
            index, changed = waiting.pop()
            if index == len(ordered):
                return True
            for path, asked in ordered[index].items():
                trials += 1
                original = self.payload.at(path)
                condition = asked.settled(original)
                found = changed.get(path, original)
                if for_sure:
                    left = found.without(condition.maybe, absent=condition.absent_maybe)
                    is_open = original is not UNKNOWN and left.is_possible()
                else:
                    left = found.without(condition.surely, absent=condition.absent_surely)
                    is_open = not left.is_impossible()
                if is_open:
                    waiting.append((index + 1, {**changed, path: left}))
            if trials > MOST_TRIALS:
                return None
        return False

    def _surely_holds(self, alternative: Alternative) -> bool:
        """Whether some payload surely holds for this."""
        for path, asked in alternative.items():
            found = self.payload.at(path)
            condition = asked.settled(found)
            if found is UNKNOWN or not found.within(condition.surely, absent=condition.absent_surely).is_possible():
                return False
        return True

    def _why_some(self, open_: list[Alternative]) -> str:
        for path, asked in open_[0].items():
            found = self.payload.at(path)
            condition = asked.settled(found)
            if not found.without(condition.surely, absent=condition.absent_surely).is_impossible():
                return _said(path, found, condition)
        return self.unreadable

    def _witness(self, open_: list[Alternative]) -> dict[str, Any]:
        """A payload that holds for the first of these, as far as one was found: an event."""
        event: dict[str, Any] = {}
        for path in dict.fromkeys((*self.payload.paths, *open_[0])):
            found = self.payload.at(path)
            asked = open_[0].get(path)
            if asked is not None:
                condition = asked.settled(found)
                surely = found.within(condition.surely, absent=condition.absent_surely)
                maybe = found.within(condition.maybe, absent=condition.absent_maybe)
                found = maybe if surely.is_impossible() else surely
            _put(event, path, found)
        return event


def _put(event: dict[str, Any], path: Path, found: Field) -> None:
    """Put something that the field may be into an event."""
    if not found.one.is_empty():
        value: Any = found.one.example()
    elif not found.many.is_empty():
        value = [found.many.example()]
    else:
        return
    here = event
    for key in path[:-1]:
        inner = here.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        here = inner
    here.setdefault(path[-1], value)


def _said(path: Path, found: Field, condition: Condition) -> str:
    return f"{_dotted(path)} is {found}, and what passes is {condition.text}"


def _dotted(path: Path) -> str:
    return ".".join(path) or "the whole of it"
