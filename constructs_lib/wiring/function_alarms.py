"""When a function needs somebody: it fails, is turned away, hardly ends in time, or loses what it was given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TypedDict, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib.wiring.alarm_registry import Logged, alarms_of, stage_of
from constructs_lib.wiring.alarms import FIVE_MINUTES, MINUTE, Thresholds, Watch
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import Waived

NEAR_TIMEOUT = 0.9  # of the timeout
# A failure is counted when its call began, and reported when it ended: an alarm that looks at the last five minutes
# alone would never see that a call has run out of a time of ten. So alarms of long calls also look further back.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
LONG = cdk.Duration.minutes(1)
LONGEST = cdk.Duration.minutes(15)


class FunctionAlarms(TypedDict, total=False):
    """The alarms of a function, and from what on they go off; `Waived(reason)` for one that should not be.

    - `errors`: calls that failed or ran out of time, of those that began within five minutes. Default: 5. An
      asynchronous event is tried three times, so one bad event is no alarm here; it is kept, and its dead-letter queue
      has one.
    - `throttles`: calls turned away within a minute, in three of five minutes. Default: 1.
    - `duration`: what the slowest hundredth takes (p99), in two of three times five minutes. Default: 90 % of the
      timeout.
    - `lost_events`: events that failed and could not be kept either, within five minutes, where the function has a
      place for failures. Default: 1.
    - `dead_letters`: events that failed and were kept, where they are kept in a queue of the function. Default: 1.
    - `spillover`: calls that start cold all the same, within five minutes, where environments are kept ready.
      Default: 1.
    """

    errors: int | Waived
    throttles: int | Waived
    duration: cdk.Duration | Waived
    lost_events: int | Waived
    dead_letters: int | Waived
    spillover: int | Waived


FUNCTION_ALARMS = tuple(FunctionAlarms.__annotations__)


class AlarmsOfFunction:
    """The alarms of one function: checked with its props, raised when it is there.

    Args:
        asked: The argument `alarms`.
        timeout: How long a call may take.
    """

    def __init__(self, asked: Mapping[str, object] | Waived | None, timeout: cdk.Duration) -> None:
        # A timeout that is known at deploy only has no nine tenths, but somebody may have said what is too slow.
        self._knows_slow = not timeout.is_unresolved() or (isinstance(asked, Mapping) and "duration" in asked)
        slow = 1.0 if timeout.is_unresolved() else timeout.to_milliseconds() * NEAR_TIMEOUT
        longest = LONGEST if timeout.is_unresolved() else timeout
        is_long = longest.to_milliseconds() > LONG.to_milliseconds()
        self._back = math.ceil(longest.to_milliseconds() / FIVE_MINUTES.to_milliseconds()) if is_long else 0
        self.asked = asked if isinstance(asked, Mapping | Waived) else None
        self._thresholds = Thresholds(
            asked,
            {
                "errors": 5,
                "throttles": 1,
                "duration": cdk.Duration.millis(max(1, round(slow))),
                "lost_events": 1,
                "dead_letters": 1,
                "spillover": 1,
            },
            most={}
            if timeout.is_unresolved()
            else {
                "duration": (
                    timeout.to_milliseconds(),
                    f"no call takes longer than the timeout ({timeout.to_human_string()})",
                )
            },
        )
        self._place: tuple[Construct, lambda_.Function] | None = None
        self._watched_for_losses: set[str] = set()
        self.raised: list[cloudwatch.Alarm] = []

    def check(self, refusals: Refusals) -> None:
        """Note alarms there are not, and thresholds that are none."""
        self._thresholds.check(refusals)

    def raise_for(self, bearer: Construct, function: lambda_.Function, service: str) -> None:
        """Define the alarms that every function has, but those that are waived.

        Args:
            bearer: The construct of the function.
            function: The function.
            service: The name under which Powertools traces it.
        """
        self._place = (bearer, function)
        self.raised += self._thresholds.raise_on(bearer, function, lambda: self._watches(function), kind="Functions")
        alarms_of(bearer).logged.append(Logged(bearer.node.path, stage_of(bearer), function.log_group, service))

    def raise_for_lost_events(self, *, by: str = "DestinationDeliveryFailures") -> None:
        """Define the alarm on what fails and cannot be kept: once the function has a place for failures.

        Args:
            by: The metric: `DeadLetterErrors` where that place is the dead-letter queue of the function itself.
        """
        if self._place is None or by in self._watched_for_losses:
            return
        part = by if self._watched_for_losses else ""
        self._watched_for_losses.add(by)
        bearer, function = self._place
        self.raised += self._thresholds.raise_on(
            bearer, function, lambda: _lost_events(function, by), kind="Functions", part=part
        )

    def raise_for_spillover(self, alias: lambda_.Alias) -> None:
        """Define the alarm on cold starts of a function whose environments are kept ready."""
        if self._place is not None:
            bearer, function = self._place
            self.raised += self._thresholds.raise_on(bearer, function, lambda: _spillover(alias), kind="Functions")

    def _watches(self, function: lambda_.Function) -> Iterator[Watch]:
        yield Watch(name="invocations", metric=function.metric_invocations(period=FIVE_MINUTES))
        yield Watch(
            name="errors",
            metric=function.metric_errors(period=FIVE_MINUTES),
            periods=1 + self._back,
            datapoints=1 if self._back else None,
            article="function-errors",
            description="calls of this function fail or run out of time",
        )
        yield Watch(
            name="throttles",
            metric=function.metric_throttles(period=MINUTE),
            periods=5,
            datapoints=3,
            article="function-throttles",
            description="calls of this function are turned away: all of its concurrency is in use",
        )
        if self._knows_slow:
            yield Watch(
                name="duration",
                metric=function.metric_duration(period=FIVE_MINUTES, statistic="p99"),
                periods=3 + self._back,
                datapoints=2,
                article="function-near-timeout",
                description="calls of this function hardly end in time (p99)",
            )


def _lost_events(function: lambda_.Function, by: str) -> Iterator[Watch]:
    yield Watch(
        name="lost_events",
        metric=function.metric(by, period=FIVE_MINUTES, statistic="Sum"),
        article="function-loses-events",
        description="what this function failed on could not be kept, and is lost",
    )


def _spillover(alias: lambda_.Alias) -> Iterator[Watch]:
    yield Watch(
        name="spillover",
        metric=alias.metric("ProvisionedConcurrencySpilloverInvocations", period=FIVE_MINUTES, statistic="Sum"),
        article="function-starts-cold",
        description="calls start cold: more came at once than environments are kept ready",
    )


def of_function(asked: object) -> FunctionAlarms | Waived | None:
    """What an argument `alarms` says to the function of a construct; the rest is for the construct itself to judge."""
    if isinstance(asked, Mapping):
        own = {name: value for name, value in asked.items() if name in FUNCTION_ALARMS}
        return cast("FunctionAlarms", own) if own else None  # what the values are is judged by the function
    return asked if isinstance(asked, Waived) else None
