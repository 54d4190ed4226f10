"""What really happens in a small system, by trying everything: every key, every event, every message, one by one.

It shares nothing with the rule: patterns are tried out on single strings and documents, and what can never be told
apart by trying is not told apart. All keys of a few letters stand for all keys, so patterns are to be short.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from tests.guards.recursion.random_system import (
    ACTIONS,
    ARNS,
    BUCKETS,
    BUSES,
    FUNCTIONS,
    Mapping,
    Notification,
    Rule,
    Statement,
    Subscription,
    System,
)
from tests.guards.recursion.single_messages import (
    EVERYTHING,
    KINDS,
    LIST,
    bits,
    fits,
    keys_between,
    keys_of,
    matching_of,
    messages_of,
)


class Share(IntEnum):
    """How much of what is written gets somewhere."""

    NOTHING = 1
    SOME = 2
    ALL = 3


@dataclass(frozen=True)
class Batch:
    """Single messages of one kind, by their numbers.

    Args:
        form: What they look like: `object`, `event` (of a bucket), `records`, `own` (event), `sent`, `wrapped`.
        kind: What happened to an object.
        bucket: To whose.
        numbers: Which of all there are, as bits.
        is_forwarded: Whether one bus sent them to another.
    """

    form: str
    numbers: int
    kind: str = ""
    bucket: str = ""
    is_forwarded: bool = False


def verdicts(system: System) -> dict[str, str]:
    """Return the worst of the circles through each function; functions without any are left out."""
    edges = _edges(system)
    found: dict[str, str] = {}
    for share, verdict in ((Share.ALL, "LOOP"), (Share.SOME, "RISK"), (Share.NOTHING, "GUARDED")):
        kept = {pair for pair, most in edges.items() if most >= share}
        for function in FUNCTIONS:
            if function not in found and function in _after(function, kept):
                found[function] = verdict
    return found


def _after(function: str, edges: set[tuple[str, str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [function]
    while waiting:
        here = waiting.pop()
        following = {end for start, end in edges if start == here} - reached
        reached |= following
        waiting += following
    return reached


def _edges(system: System) -> dict[tuple[str, str], Share]:
    """How much at most of a single permission gets from one function to another on a single way."""
    edges: dict[tuple[str, str], Share] = {}
    for statement in system.statements:
        if not statement.allows:
            continue
        for place, action in ACTIONS.items():
            if action != statement.action:
                continue
            # There may be other places of such a name, from which nothing comes back.
            most = Share.ALL if _names(statement, place) else Share.SOME
            for end, share in _ends(system, statement, place):
                pair = (statement.function, end)
                edges[pair] = max(min(share, most), edges.get(pair, Share.NOTHING))
    return edges


def _names(statement: Statement, place: str) -> bool:
    return statement.resource.startswith(ARNS[place]) and (
        statement.resource == ARNS[place] or statement.resource.startswith(f"{ARNS[place]}/")
    )


def _written(system: System, statement: Statement, place: str) -> tuple[Batch | None, tuple[Batch, ...]]:
    """What a statement lets somebody write to a place: the plain way, and otherwise."""
    denials = [
        each
        for each in system.statements
        if not each.allows and each.function == statement.function and each.action == statement.action
    ]
    if place in BUCKETS:
        allowed = keys_of(statement.resource, place)
        if not allowed:
            return None, ()
        for each in denials:
            allowed &= ~keys_of(each.resource, place)
        plain, *others = (Batch("object", allowed, kind, place) for kind in KINDS)
        return plain, tuple(others)
    if not fits(statement.resource, ARNS[place]):
        return None, ()
    denied = any(fits(each.resource, ARNS[place]) for each in denials)
    return Batch("own" if place in BUSES else "sent", 0 if denied else EVERYTHING), ()


def _is_source(told: tuple[str, tuple[str, ...]] | None, source: str) -> bool:
    if told is None:
        return True
    operator, values = told
    if operator == "StringLike":
        return any(fits(value, source) for value in values)
    return (source in values) is (operator != "StringNotEquals")


def _ends(system: System, statement: Statement, place: str) -> Iterator[tuple[str, Share]]:
    """Every way from a place to a function, and how much of what is written there takes it to its end."""
    written, unusual = _written(system, statement, place)
    if written is None:
        return
    for way in _ways(system, place, ()):
        plain = _spelled_out(system, written, way, statement)
        left = _followed(system, plain, way)
        if plain.numbers and left == plain.numbers:
            share = Share.ALL
        elif left or any(_followed(system, each, way) for each in unusual):
            share = Share.SOME
        else:
            share = Share.NOTHING
        yield way[-1], share


def _ways(system: System, place: str, before: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    so_far = (*before, place)
    following = [(_source(each), _target(each)) for each in system.ways]
    following += [(bucket, "default") for bucket in system.telling]
    for target in dict.fromkeys(end for start, end in following if start == place):
        if target in FUNCTIONS:
            yield (*so_far, target)
        elif target not in so_far:
            yield from _ways(system, target, so_far)


def _spelled_out(system: System, batch: Batch, way: tuple[str, ...], statement: Statement) -> Batch:
    """Messages that somebody makes up, as far as they differ in something that a filter on the way looks at."""
    if batch.form == "object":
        return batch
    places = set(itertools.pairwise(way))
    looked_at = [each for each in system.ways if (_source(each), _target(each)) in places]
    counts = Counter(field for each in looked_at for field in set(_fields_of(each)))
    if batch.form == "own":
        counts.update({"body.source": 0, "body.detail-type": 0})
    # What two filters look at may be a list, of which each finds something.
    kind = " ".join(f"{field}{LIST}" if count > 1 else field for field, count in sorted(counts.items()))
    messages = messages_of(batch.form, kind, "")
    if batch.form == "own":
        numbers = bits(_is_source(statement.sources, body["source"]) for _, body in messages)
    else:
        numbers = bits(True for _ in messages)
    return Batch(batch.form, numbers & batch.numbers, kind)


def _fields_of(way: Notification | Mapping | Subscription | Rule) -> Iterator[str]:
    match way:
        case Mapping():
            for pattern in way.patterns:
                yield from _leaves(json.loads(pattern)["body"], "body")
        case Subscription():
            if way.policy is not None:
                yield from _leaves(json.loads(way.policy), "body" if way.of_body else "attributes")
        case Rule():
            yield from _leaves(json.loads(way.pattern), "body")


def _leaves(pattern: Any, at: str) -> Iterator[str]:
    if isinstance(pattern, dict):
        for key, inside in pattern.items():
            yield from _leaves(inside, f"{at}.{key}")
    else:
        yield at


def _target(way: Notification | Mapping | Subscription | Rule) -> str:
    return way.function if isinstance(way, Mapping) else way.target


def _source(way: Notification | Mapping | Subscription | Rule) -> str:
    match way:
        case Notification():
            return way.bucket
        case Mapping():
            return way.queue
        case Subscription():
            return way.topic
    return way.bus


def _followed(system: System, batch: Batch, way: tuple[str, ...]) -> int:
    """Which messages of a batch get to the end of a way. Several filters between two places let through together."""
    moving = batch
    for start, end in itertools.pairwise(way):
        passed = 0
        form, is_forwarded = "", False
        for each in system.ways:
            if (_source(each), _target(each)) == (start, end):
                form, numbers = _passed(each, moving)
                passed |= numbers
                is_forwarded = isinstance(each, Rule) and end in BUSES
        if start in BUCKETS and end == "default" and start in system.telling:
            form, passed = "event", moving.numbers
        moving = Batch(form, passed, moving.kind, moving.bucket, is_forwarded)
    return moving.numbers


def _passed(way: Notification | Mapping | Subscription | Rule, batch: Batch) -> tuple[str, int]:
    """What goes on of a batch, and in which form."""
    match way:
        case Notification():
            asked = way.event.removeprefix("s3:").removesuffix("*")
            is_told = batch.kind.startswith(asked) if way.event.endswith("*") else batch.kind == asked
            return "records", batch.numbers & keys_between(way.prefix, way.suffix) if is_told else 0
        case Mapping():
            if not way.patterns:
                return batch.form, batch.numbers
            return batch.form, batch.numbers & _union(_matching(each, "body", batch) for each in way.patterns)
        case Subscription():
            numbers = batch.numbers
            if way.policy is not None:
                numbers &= _matching(way.policy, "whole" if way.of_body else "attributes", batch)
            return batch.form if way.is_raw else "wrapped", numbers
    if way.target in BUSES and batch.is_forwarded:
        return batch.form, 0
    return batch.form, batch.numbers & _matching(way.pattern, "whole", batch)


def _matching(pattern: str, at: str, batch: Batch) -> int:
    return matching_of(pattern, at, batch.form, batch.kind, batch.bucket)


def _union(several: Iterator[int]) -> int:
    union = 0
    for each in several:
        union |= each
    return union
