"""What happens to one seed: who sends what, which messages are poison, and what goes wrong when."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

MINUTE_MS = 60_000
STORM_MS = 8 * MINUTE_MS  # afterwards nothing fails any more, but poison stays poison
ORDERS = 30
SENT_WITHIN_MS = 5_000
DUPLICATED = 0.7  # of the good orders

Kind = Literal["good", "unreadable", "raises", "hangs"]
Fault = Literal["error", "error after", "hang", "hang after", "crash", "crash after"]
POISON: tuple[Kind, ...] = ("unreadable", "raises", "hangs")
FAULTS: tuple[Fault, ...] = ("error", "error after", "hang", "hang after", "crash", "crash after")


@dataclass(frozen=True)
class Message:
    """One message as sent.

    Args:
        order: What it is about; two messages may be about one order.
        haunts: Whether SQS delivers it again after it was deleted, as it may.
    """

    id: str
    order: str
    text: str
    sent_ms: int
    haunts: bool


@dataclass(frozen=True)
class Plan:
    """What the handler of an order does: the faults befall its first attempts, one each, while the storm lasts."""

    kind: Kind
    work_ms: int
    faults: tuple[Fault, ...]


@dataclass
class Story:
    """One seed."""

    seed: int
    messages: list[Message] = field(default_factory=list)
    plans: dict[str, Plan] = field(default_factory=dict)

    @property
    def good(self) -> set[str]:
        return {order for order, plan in self.plans.items() if plan.kind == "good"}

    def luck(self) -> random.Random:
        """What Lambda and SQS throw their dice with."""
        return random.Random(f"luck of {self.seed}")

    def plans_as_json(self) -> dict[str, Any]:
        return {order: asdict(plan) for order, plan in self.plans.items()}


def story_of(seed: int) -> Story:
    """Tell the story of a seed: always the same one."""
    dice = random.Random(f"story of {seed}")
    story = Story(seed)
    poison = dice.randint(1, 4)
    for number in range(ORDERS):
        order = f"order-{number}"
        kind = dice.choice(POISON) if number < poison else "good"
        faults = tuple(dice.choice(FAULTS) for _ in range(dice.choice((0, 0, 1, 1, 2)))) if kind == "good" else ()
        story.plans[order] = Plan(kind, dice.randint(1, 20) * 100, faults)
        twice = kind == "good" and dice.random() < DUPLICATED
        resent = twice and dice.random() < 0.5
        for copy in range(2 if resent else 1):
            text = "{" if kind == "unreadable" else json.dumps({"order": order})
            sent = dice.randint(0, SENT_WITHIN_MS)
            story.messages.append(Message(f"{order}-{copy}", order, text, sent, haunts=twice and not resent))
    dice.shuffle(story.messages)
    return story
