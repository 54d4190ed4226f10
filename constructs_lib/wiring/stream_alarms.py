"""When a function that reads a stream needs somebody: it has fallen behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib.wiring.alarms import FIVE_MINUTES, Thresholds, Watch
from constructs_lib.wiring.function_alarms import FUNCTION_ALARMS, FunctionAlarms
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import Waived

KEPT = cdk.Duration.hours(24)  # after which the stream forgets
FAR_BEHIND = cdk.Duration.minutes(15)


class StreamWorkerAlarms(FunctionAlarms, total=False):
    """The alarms of a function that reads a stream, and from what on they go off; `Waived(reason)` for none.

    - `iterator_age`: how old the last record of a batch was when it was read, twice five minutes long. Default: 15
      minutes.
    - `dead_letters`: reports of batches that were given up. Default: 1.
    - What a function has: `errors`, `throttles`, `duration`, `lost_events`.
    """

    iterator_age: cdk.Duration | Waived


class AlarmsOfStream:
    """The alarm of one reader of a stream; the function has its own.

    Args:
        asked: The argument `alarms` of the worker, those of its function among them.
    """

    def __init__(self, asked: Mapping[str, object] | Waived | None) -> None:
        self._thresholds = Thresholds(
            asked,
            {"iterator_age": FAR_BEHIND},
            elsewhere=FUNCTION_ALARMS,
            most={"iterator_age": (KEPT.to_milliseconds(), "the stream keeps nothing longer than a day")},
        )

    def check(self, refusals: Refusals) -> None:
        """Note alarms there are not, and thresholds that are none."""
        self._thresholds.check(refusals)

    def raise_for(self, bearer: Construct, function: lambda_.Function) -> list[cloudwatch.Alarm]:
        """Define the alarm, unless it is waived."""
        return self._thresholds.raise_on(bearer, function, lambda: _watches(function), kind="Streams")


def _watches(function: lambda_.Function) -> Iterator[Watch]:
    yield Watch(
        name="iterator_age",
        metric=function.metric("IteratorAge", period=FIVE_MINUTES, statistic="Maximum"),
        periods=2,
        article="stream-falls-behind",
        description="this function has fallen behind its stream",
    )
