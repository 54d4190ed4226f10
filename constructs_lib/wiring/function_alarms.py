"""When a function needs somebody: it fails, is turned away, or hardly ends in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib.wiring.alarms import FIVE_MINUTES, MINUTE, Thresholds, raise_alarm
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import Waived

NEAR_TIMEOUT = 0.9  # of the timeout


class FunctionAlarms(TypedDict, total=False):
    """The alarms of a function, and from what on they go off; `Waived(reason)` for one that should not be.

    - `errors`: calls that failed or ran out of time, within five minutes. Default: 5. An asynchronous event is tried
      three times, so one bad event is no alarm here; it is kept, and its dead-letter queue has one.
    - `throttles`: calls turned away within a minute, in three of five minutes. Default: 1.
    - `duration`: what the slowest hundredth takes (p99), in two of three times five minutes. Default: 90 % of the
      timeout.
    """

    errors: int | Waived
    throttles: int | Waived
    duration: cdk.Duration | Waived


class AlarmsOfFunction:
    """The alarms of one function: checked with its props, raised when it is there.

    Args:
        asked: The argument `alarms`.
        timeout: How long a call may take.
    """

    def __init__(self, asked: Mapping[str, object] | Waived | None, timeout: cdk.Duration) -> None:
        self._knows_timeout = not timeout.is_unresolved()
        near = timeout.to_milliseconds() * NEAR_TIMEOUT if self._knows_timeout else 1
        self._thresholds = Thresholds(
            asked, {"errors": 5, "throttles": 1, "duration": cdk.Duration.millis(max(1, round(near)))}
        )
        self._knows_timeout |= isinstance(asked, Mapping) and "duration" in asked

    def check(self, refusals: Refusals) -> None:
        """Note alarms there are not, and thresholds that are none."""
        self._thresholds.check(refusals)

    def raise_for(self, bearer: Construct, function: lambda_.Function) -> list[cloudwatch.Alarm]:
        """Define the alarms, but those that are waived."""
        place = Construct(bearer, "Alarms")
        raised: list[cloudwatch.Alarm | None] = []
        errors = self._thresholds.of("errors", function)
        if errors is not None:
            raised.append(
                raise_alarm(
                    place,
                    "Errors",
                    metric=function.metric_errors(period=FIVE_MINUTES),
                    threshold=errors,
                    article="function-errors",
                    description="calls of this function fail or run out of time",
                )
            )
        throttles = self._thresholds.of("throttles", function)
        if throttles is not None:
            raised.append(
                raise_alarm(
                    place,
                    "Throttles",
                    metric=function.metric_throttles(period=MINUTE),
                    threshold=throttles,
                    periods=5,
                    datapoints=3,
                    article="function-throttles",
                    description="calls of this function are turned away: all of its concurrency is in use",
                )
            )
        duration = self._thresholds.of("duration", function) if self._knows_timeout else None
        if duration is not None:
            raised.append(
                raise_alarm(
                    place,
                    "Duration",
                    metric=function.metric_duration(period=FIVE_MINUTES, statistic="p99"),
                    threshold=duration,
                    periods=3,
                    datapoints=2,
                    article="function-near-timeout",
                    description="calls of this function hardly end in time (p99)",
                )
            )
        return [each for each in raised if each is not None]
