"""When an API needs somebody: it answers with failures of its own, or late; of HTTP and of REST APIs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, TypedDict

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct, IConstruct

from constructs_lib.wiring.alarms import FIVE_MINUTES, Thresholds, Watch
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import Waived

# Both recommended by AWS, the latency with the statistic.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html
FAILED_PERCENT = 5
SLOW = cdk.Duration.millis(2500)


class ApiAlarms(TypedDict, total=False):
    """The alarms of an API, and from what on they go off; `Waived(reason)` for one that should not be.

    - `failed_percent`: requests of a hundred that were answered with a status of 500 or above, in two of three times
      five minutes, so that one failure at night is none. Default: 5.
    - `latency`: what the slowest tenth of requests takes (p90), three times five minutes long. Default: 2.5 seconds.
    """

    failed_percent: float | Waived
    latency: cdk.Duration | Waived


class MeasuredStage(Protocol):
    """A stage that counts and times its requests: of an HTTP API, or of a REST API."""

    def metric_count(self, *, period: cdk.Duration | None = None, statistic: str | None = None) -> cloudwatch.Metric:
        """All requests."""

    def metric_server_error(
        self, *, period: cdk.Duration | None = None, statistic: str | None = None
    ) -> cloudwatch.Metric:
        """Requests that were answered with a status of 500 or above."""

    def metric_latency(self, *, period: cdk.Duration | None = None, statistic: str | None = None) -> cloudwatch.Metric:
        """How long requests take."""


class AlarmsOfApi:
    """The alarms of one API; its functions have their own.

    Args:
        asked: The argument `alarms`.
    """

    def __init__(self, asked: Mapping[str, object] | Waived | None) -> None:
        self._thresholds = Thresholds(
            asked,
            {"failed_percent": FAILED_PERCENT, "latency": SLOW},
            most={"failed_percent": (100, "no more than all requests can fail")},
        )

    def check(self, refusals: Refusals) -> None:
        """Note alarms there are not, and thresholds that are none."""
        self._thresholds.check(refusals)

    def raise_for(self, bearer: Construct, stage: MeasuredStage, resource: IConstruct) -> list[cloudwatch.Alarm]:
        """Define the alarms, but those that are waived.

        Args:
            bearer: The API construct; the alarms stand in `Alarms` below it.
            stage: What is measured: an `HttpStage`, or a `Stage` of a REST API.
            resource: What says in the template that an alarm is waived: the stage.
        """
        return self._thresholds.raise_on(bearer, resource, lambda: _watches(stage), kind="APIs")


def _watches(stage: MeasuredStage) -> Iterator[Watch]:
    yield Watch(name="requests", metric=stage.metric_count(period=FIVE_MINUTES, statistic="SampleCount"))
    share = stage.metric_server_error(period=FIVE_MINUTES, statistic="Average")
    yield Watch(
        name="failed_percent",
        # The average of a metric that is 1 for a failure and 0 for all other requests is their share: one metric, where
        # a division would be two.
        metric=share,
        periods=3,
        datapoints=2,
        scale=0.01,
        article="api-failures",
        description="this API answers with failures of its own (status 5xx)",
    )
    yield Watch(
        name="latency",
        metric=stage.metric_latency(period=FIVE_MINUTES, statistic="p90"),
        periods=3,
        article="api-latency",
        description="this API answers late (p90)",
    )
