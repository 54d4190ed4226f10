"""SQS and Lambda on a virtual clock, with the settings of `QueueWorker`."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from benchmarks.exactly_once.story import MINUTE_MS, STORM_MS, Message, Story

TIMEOUT_MS = 30_000
VISIBILITY_MS = 6 * TIMEOUT_MS
MAX_RECEIVES = 5
BATCH = 10
CONCURRENCY = 5
THROTTLED = 0.1  # of the invocations during the storm
ANSWER_LOST = 0.05  # likewise: the environment dies between its last effect and Lambda's acknowledgement


@dataclass(frozen=True)
class Ending:
    """How one invocation ended.

    Args:
        failures: The ids reported as failed, if it answered; None if it answered nothing, which acknowledges all.
    """

    invocation: int
    how: Literal["answer", "error", "killed"]
    failures: list[str] | None = None


class Functions(Protocol):
    """The functions of one language, whose clock is the clock of everything."""

    @property
    def now_ms(self) -> int:
        """The time."""

    def begin(self, variant: str, story: Story) -> None:
        """Forget everything, and handle batches as a variant does."""

    def invoke(self, invocation: int, environment: int, records: list[dict[str, Any]]) -> None:
        """Begin an invocation."""

    def advance(self, until_ms: int | None) -> list[Ending]:
        """Let time pass until something ended, at most until a moment."""

    def effects(self) -> Counter[str]:
        """How many effects each order has had."""


@dataclass
class Verdict:
    """What became of one seed."""

    lost: int = 0
    doubled: int = 0
    good_in_dlq: int = 0
    poison_missing: int = 0

    @property
    def effects_are_exact(self) -> bool:
        return self.lost == 0 and self.doubled == 0

    @property
    def dead_letters_are_exact(self) -> bool:
        return self.good_in_dlq == 0 and self.poison_missing == 0


@dataclass(eq=False)
class _Queued:
    message: Message
    visible_ms: int
    receives: int = 0
    haunts: bool = False


@dataclass
class QueueModel:
    """One queue, its dead-letter queue and the function that drains it, through one story."""

    story: Story
    functions: Functions
    queue: list[_Queued] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    running: dict[int, tuple[int, list[_Queued]]] = field(default_factory=dict)
    idle: list[int] = field(default_factory=list)
    started: int = 0
    environments: int = 0

    def run(self, variant: str) -> Verdict:
        """Drain the queue."""
        luck = self.story.luck()
        self.functions.begin(variant, self.story)
        self.queue = [_Queued(each, each.sent_ms, haunts=each.haunts) for each in self.story.messages]
        while self.queue:
            self._poll(luck)
            later = [each.visible_ms for each in self.queue if each.visible_ms > self.functions.now_ms]
            for ending in self.functions.advance(min(later, default=None)):
                self._end(ending, luck)
        return self._verdict()

    def _poll(self, luck: random.Random) -> None:
        now = self.functions.now_ms
        while len(self.running) < CONCURRENCY:
            visible = [each for each in self.queue if each.visible_ms <= now]
            received = luck.sample(visible, min(BATCH, len(visible)))
            if not received:
                return
            for each in received:
                each.receives += 1
                each.visible_ms = now + VISIBILITY_MS
            for each in [each for each in received if each.receives > MAX_RECEIVES]:
                received.remove(each)
                self.queue.remove(each)
                self.dead.append(each.message)
            if received and not (now < STORM_MS and luck.random() < THROTTLED):
                self._invoke(received)

    def _invoke(self, received: list[_Queued]) -> None:
        if not self.idle:
            self.environments += 1
            self.idle.append(self.environments)
        environment = self.idle.pop()
        self.started += 1
        self.running[self.started] = (environment, received)
        self.functions.invoke(self.started, environment, [_record(each) for each in received])

    def _end(self, ending: Ending, luck: random.Random) -> None:
        environment, received = self.running.pop(ending.invocation)
        now = self.functions.now_ms
        lost = now < STORM_MS and luck.random() < ANSWER_LOST
        if ending.how != "killed" and not lost:
            self.idle.append(environment)
        if ending.how != "answer" or lost:
            return  # Lambda leaves the whole batch to its visibility timeout
        for each in received:
            if each.message.id not in (ending.failures or []):
                self.queue.remove(each)
                if each.haunts:
                    self.queue.append(_Queued(each.message, now + luck.randint(0, MINUTE_MS)))

    def _verdict(self) -> Verdict:
        effects, verdict = self.functions.effects(), Verdict()
        for order in self.story.good:
            verdict.lost += effects[order] == 0
            verdict.doubled += effects[order] > 1
        poison = {each.id for each in self.story.messages if each.order not in self.story.good}
        dead = {each.id for each in self.dead}
        verdict.good_in_dlq = len(dead - poison)
        verdict.poison_missing = len(poison - dead)
        return verdict


def _record(queued: _Queued) -> dict[str, Any]:
    return {
        "messageId": queued.message.id,
        "receiptHandle": "receipt",
        "body": queued.message.text,
        "attributes": {"ApproximateReceiveCount": str(queued.receives)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:orders",
    }
