"""Small random systems: a few functions, what they may write, and what that runs, over a tiny alphabet.

It says what there is, and nothing of what that comes to: `oracle` finds that out by trying everything, and
`system_template` writes it as CloudFormation for the rule.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

Json = dict[str, Any]
BUCKETS, QUEUES, TOPICS, BUSES = ("ab", "ba"), ("qa", "qb"), ("ta", "tb"), ("bus-a", "bus-b", "default")
FUNCTIONS = ("F0", "F1", "F2")
REGION, ACCOUNT = "eu-west-1", "111111111111"
EVENTS = (
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Copy",
    "s3:ObjectRemoved:*",
)
ARNS = {
    **{name: f"arn:aws:s3:::{name}" for name in BUCKETS},
    **{name: f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}" for name in QUEUES},
    **{name: f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}" for name in TOPICS},
    **{name: f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}" for name in BUSES},
}
ACTIONS = {
    **dict.fromkeys(BUCKETS, "s3:PutObject"),
    **dict.fromkeys(QUEUES, "sqs:SendMessage"),
    **dict.fromkeys(TOPICS, "sns:Publish"),
    **dict.fromkeys(BUSES, "events:PutEvents"),
}


@dataclass(frozen=True)
class Statement:
    """What a function is allowed, or denied.

    Args:
        function: Whose.
        allows: Whether it allows.
        action: The action.
        resource: The pattern of the resource.
        sources: The sources of events, as a condition has them: the operator and its values.
    """

    function: str
    allows: bool
    action: str
    resource: str
    sources: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Notification:
    """What a bucket tells a function, queue or topic."""

    bucket: str
    target: str
    event: str
    prefix: str
    suffix: str


@dataclass(frozen=True)
class Mapping:
    """Who reads a queue, and which of its messages: those that fit one of the patterns, or all."""

    queue: str
    function: str
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Subscription:
    """Whom a topic tells, by a policy of the attributes, or of the body."""

    topic: str
    target: str
    policy: str | None
    of_body: bool
    is_raw: bool


@dataclass(frozen=True)
class Rule:
    """Whom a bus tells of the events that fit a pattern."""

    bus: str
    target: str
    pattern: str


@dataclass(frozen=True)
class System:
    """Everything there is; buckets in `telling` tell the default bus."""

    statements: tuple[Statement, ...]
    ways: tuple[Notification | Mapping | Subscription | Rule, ...]
    telling: tuple[str, ...]

    def smaller(self) -> Iterator[System]:
        """Yield the systems that lack one thing."""
        for name in ("statements", "ways", "telling"):
            items = getattr(self, name)
            for at in range(len(items)):
                yield replace(self, **{name: items[:at] + items[at + 1 :]})


def random_system(seed: int) -> System:
    """Return the system of a seed."""
    dice = random.Random(seed)
    functions = FUNCTIONS[: dice.choice((1, 1, 2, 3))]
    statements = tuple(_statement(dice, each) for each in functions for _ in range(dice.choice((1, 2, 2, 3))))
    ways: dict[tuple[Any, ...], Notification | Mapping | Subscription | Rule] = {}
    for _ in range(dice.randint(2, 6)):
        way = _way(dice, functions)
        ways.setdefault(_place_of(way, len(ways)), way)
    telling = tuple(name for name in BUCKETS if dice.random() < 0.5)
    return System(statements, tuple(ways.values()), telling)


def _place_of(way: Notification | Mapping | Subscription | Rule, number: int) -> tuple[Any, ...]:
    """A queue is read, and a topic subscribed to, once by each; notifications and rules there may be several."""
    if isinstance(way, Mapping):
        return (way.queue, way.function)
    return (way.topic, way.target) if isinstance(way, Subscription) else (number,)


def _way(dice: random.Random, functions: tuple[str, ...]) -> Notification | Mapping | Subscription | Rule:
    match dice.randrange(4):
        case 0:
            target = dice.choice((*functions, *functions, *QUEUES, *TOPICS))
            event = dice.choice(EVENTS)
            return Notification(dice.choice(BUCKETS), target, event, _short(dice, 2), _short(dice, 1))
        case 1:
            patterns = tuple(_of_body(dice) for _ in range(dice.choice((0, 0, 1, 2))))
            return Mapping(dice.choice(QUEUES), dice.choice(functions), patterns)
        case 2:
            of_body = dice.random() < 0.5
            policy = None if dice.random() < 0.4 else _records(dice) if of_body and dice.random() < 0.5 else _kind(dice)
            return Subscription(
                dice.choice(TOPICS), dice.choice((*functions, *QUEUES)), policy, of_body, dice.random() < 0.5
            )
    bus = dice.choice(("default", *BUSES))
    target = dice.choice((*functions, *functions, *QUEUES, *TOPICS, *(each for each in BUSES if each != bus)))
    return Rule(bus, target, _of_event(dice))


def _short(dice: random.Random, most: int) -> str:
    return "".join(dice.choice("ab/") for _ in range(min(most, dice.choice((0, 0, 1, 1, 2)))))


def _glob(dice: random.Random, letters: str, most: int = 3) -> str:
    return "".join(dice.choice(letters) for _ in range(dice.randint(1, most)))


def _statement(dice: random.Random, function: str) -> Statement:
    allows = dice.random() < 0.75
    place = dice.choice((*BUCKETS, *BUCKETS, *QUEUES, *TOPICS, *BUSES))
    sources = None
    arn = ARNS[place]
    if place in BUCKETS:
        # A star in the name may read some of the key, so that the rest is to be short: see `single_messages.LONGEST`.
        name = place if dice.random() < 0.75 else dice.choice(("a*", "*", "?b", "b*a", "b?", "*a"))
        keys = dice.choice(("*", _glob(dice, "ab*?/", 3 if name == place else 1), "a*", "b*", "*a"))
        resource = f"arn:aws:s3:::{name}/{keys}" if dice.random() < 0.9 else f"arn:aws:s3:::{name}"
    else:
        start, name = arn[: -len(place)], place
        name = place if dice.random() < 0.7 else dice.choice((f"{place[0]}*", "*", f"?{place[1:]}", f"{place}?"))
        resource = f"{start}{name}"
    if dice.random() < 0.05:
        resource = "*"
    if place in BUSES and allows and dice.random() < 0.6:
        operator = dice.choice(("StringEquals", "StringLike", "StringNotEquals", "ForAllValues:StringEquals"))
        letters = "ab*?" if operator == "StringLike" else "ab"
        sources = (operator, tuple(_glob(dice, letters, 2) for _ in range(dice.choice((1, 1, 2)))))
        if dice.random() < 0.1:
            sources = (operator, ("aws.s3",))
    return Statement(function, allows, ACTIONS[place], resource, sources)


def _leaf(dice: random.Random) -> str:
    """What a pattern asks of one value, as JSON."""
    text = _glob(dice, "ab/", 2)
    return dice.choice(
        (
            f'["{text}"]',
            f'["{text}", "{_glob(dice, "ab", 1)}"]',
            f'[{{"prefix": "{text}"}}]',
            f'[{{"suffix": "{text}"}}]',
            f'[{{"anything-but": ["{text}"]}}]',
            f'[{{"anything-but": {{"prefix": "{text}"}}}}]',
            f'[{{"wildcard": "{_glob(dice, "ab", 1)}*{_glob(dice, "ab", 1)}"}}]',
        )
    )


def _kind(dice: random.Random) -> str:
    return f'{{"k": {_leaf(dice)}}}'


def _records(dice: random.Random) -> str:
    key = f'"s3": {{"object": {{"key": {_leaf(dice)}}}}}'
    name = f'"eventName": {dice.choice(EVENT_NAMES)}'
    return f'{{"Records": {{{dice.choice((key, name, f"{key}, {name}"))}}}}}'


EVENT_NAMES = (
    '["ObjectCreated:Put"]',
    '[{"prefix": "ObjectCreated:"}]',
    '["ObjectCreated:Copy"]',
    '[{"prefix": "ObjectRemoved"}]',
)


def _of_event(dice: random.Random) -> str:
    key = f'"detail": {{"object": {{"key": {_leaf(dice)}}}}}'
    reason = f'"detail": {{"reason": {dice.choice(REASONS)}}}'
    return dice.choice(
        (
            f'{{"source": {_leaf(dice)}}}',
            f'{{"source": {_leaf(dice)}, "detail-type": ["t"]}}',
            '{"source": ["aws.s3"]}',
            f'{{"source": ["aws.s3"], {key}}}',
            f'{{"source": ["aws.s3"], "detail": {{"bucket": {{"name": ["ab"]}}, "object": {{"key": {_leaf(dice)}}}}}}}',
            f'{{"detail-type": ["Object Created"], {reason}}}',
            '{"source": [{"prefix": ""}]}',
            '{"source": [{"anything-but": {"prefix": "aws."}}]}',
        )
    )


REASONS = ('["PutObject"]', '["CopyObject"]', '["DeleteObject"]')


def _of_body(dice: random.Random) -> str:
    """A pattern of a mapping: of what a function sent, of what a bucket said, or of an event."""
    inside = dice.choice((_kind, _records, _of_event, _kind))(dice)
    return f'{{"body": {inside}}}'
