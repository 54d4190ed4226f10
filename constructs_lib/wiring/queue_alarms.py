"""When a queue needs somebody: its messages wait too long, or there are too many of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from constructs_lib.wiring.alarms import FIVE_MINUTES, Thresholds, Watch
from constructs_lib.wiring.function_alarms import FUNCTION_ALARMS, FunctionAlarms
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import Waived

LONGEST_WAIT = cdk.Duration.minutes(15)  # where nobody said how long the work may wait
OF_RETENTION = 0.9  # where that is all the time a message has
MANY_MESSAGES = 1000  # what a function of 10 calls a second, with batches of 10, drains in ten seconds


class QueueWorkerAlarms(FunctionAlarms, total=False):
    """The alarms of a queue and its function, and from what on they go off; `Waived(reason)` for none.

    - `age`: how long the oldest message has waited, within five minutes. Default: 15 minutes, or as long as all tries
      of one message take, if that is longer; nine tenths of the `retention` of a queue that forgets sooner.
    - `depth`: messages that wait, three times five minutes long. Default: 1,000.
    - `dead_letters`: messages among the dead letters. Default: 1.
    - What a function has: `errors`, `throttles`, `duration`.
    """

    age: cdk.Duration | Waived
    depth: int | Waived


class AlarmsOfQueue:
    """The alarms of one queue with a function; the function has its own.

    Args:
        asked: The argument `alarms` of the worker, those of its function among them.
        all_tries: How long a message may be tried until it is dead; none if that is known at deploy only.
        retention: How long the queue keeps messages.
    """

    def __init__(
        self, asked: Mapping[str, object] | Waived | None, all_tries: cdk.Duration | None, retention: cdk.Duration
    ) -> None:
        kept = math.inf if retention.is_unresolved() else retention.to_milliseconds()
        wait = LONGEST_WAIT.to_milliseconds()
        wait = wait if all_tries is None else max(wait, all_tries.to_milliseconds())
        self._thresholds = Thresholds(
            asked,
            {
                "age": cdk.Duration.millis(wait if wait < kept else math.ceil(kept * OF_RETENTION)),
                "depth": MANY_MESSAGES,
            },
            most={"age": (kept - 1, f"the queue forgets messages after {retention.to_human_string()}")}
            if math.isfinite(kept)
            else {},
            elsewhere=FUNCTION_ALARMS,
        )

    def check(self, refusals: Refusals) -> None:
        """Note alarms there are not, and thresholds that are none."""
        self._thresholds.check(refusals)

    def raise_for(self, bearer: Construct, queue: sqs.Queue) -> list[cloudwatch.Alarm]:
        """Define the alarms, but those that are waived."""
        return self._thresholds.raise_on(bearer, queue, lambda: _watches(queue), kind="Queues")


def _watches(queue: sqs.Queue) -> Iterator[Watch]:
    yield Watch(name="received", metric=queue.metric_number_of_messages_received(period=FIVE_MINUTES))
    yield Watch(
        name="age",
        metric=queue.metric_approximate_age_of_oldest_message(period=FIVE_MINUTES),
        scale=0.001,  # SQS measures in seconds
        article="queue-age",
        description="messages wait too long in this queue",
    )
    yield Watch(
        name="depth",
        metric=queue.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES),
        periods=3,
        article="queue-depth",
        description="more messages come into this queue than are worked off",
    )
