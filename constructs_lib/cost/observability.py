"""What watching an app costs by the month: alarms, dashboards and metrics; logs and traces cost by use.

List prices of us-east-1, before what is free for each account (ten alarms, three dashboards, ten metrics).
https://aws.amazon.com/cloudwatch/pricing/ https://aws.amazon.com/xray/pricing/
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from constructs_lib.assembly.model import Assembly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.resource import Resource

ALARM_METRIC, HIGH_RESOLUTION_METRIC, COMPOSITE = 0.10, 0.30, 0.50
HIGH_RESOLUTION_SECONDS = 60  # a shorter period than this
DASHBOARD, CUSTOM_METRIC = 3.00, 0.30
# Count, 4xx, 5xx, Latency, IntegrationLatency and DataProcessed.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
METRICS_OF_A_ROUTE = 6
BY_USE = "logs: $0.50 a GB written, $0.03 a GB kept; queries: $0.005 a GB read; traces: $5.00 a million"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the bill.

    Args:
        what: What there is, and how many.
        dollars: What it costs by the month.
    """

    what: str
    dollars: float


def cost_of(assembly: Assembly) -> list[Item]:
    """The lines of the bill that an app's templates tell."""
    return [*_alarms(assembly), *_dashboards(assembly), *_routes(assembly)]


def run(paths: list[Path]) -> int:
    """Write what the observability of an app costs.

    Raises:
        ProblemError: There is no app to read.
    """
    assembly = Assembly.read(*paths)
    items = cost_of(assembly)
    width = max((len(each.what) for each in items), default=0)
    lines = [f"  {each.what:<{width}}  {each.dollars:>8.2f}" for each in items]
    total = sum(each.dollars for each in items)
    stacks = len(assembly.stacks)
    sys.stdout.write(
        "\n".join(
            [
                f"Watching {stacks} stack{'s' * (stacks != 1)} costs ${total:.2f} a month, before what is free:",
                *lines,
                f"and by use: {BY_USE}",
                "",
            ]
        )
    )
    return 0


def _alarms(assembly: Assembly) -> Iterator[Item]:
    standard = high = 0
    alarms = assembly.of_type("AWS::CloudWatch::Alarm")
    for alarm in alarms:
        metrics, seconds = _metrics_of(alarm)
        if seconds < HIGH_RESOLUTION_SECONDS:
            high += metrics
        else:
            standard += metrics
    if alarms:
        dollars = standard * ALARM_METRIC + high * HIGH_RESOLUTION_METRIC
        yield Item(f"{_several(len(alarms), 'alarm')} on {_several(standard + high, 'metric')}", dollars)
    composite = assembly.of_type("AWS::CloudWatch::CompositeAlarm")
    if composite:
        yield Item(_several(len(composite), "composite alarm"), len(composite) * COMPOSITE)


def _metrics_of(alarm: Resource) -> tuple[int, float]:
    """On how many metrics an alarm is billed, and the shortest period of them."""
    periods = [alarm.number("Period")]
    queried = alarm.values("Metrics", "*", "MetricStat")
    if queried:
        told = alarm.values("Metrics", "*", "MetricStat", "Period")
        periods = [each if isinstance(each, int | float) else None for each in told]
    return max(1, len(queried)), min((each for each in periods if each is not None), default=HIGH_RESOLUTION_SECONDS)


def _dashboards(assembly: Assembly) -> Iterator[Item]:
    dashboards = assembly.of_type("AWS::CloudWatch::Dashboard")
    if dashboards:
        yield Item(_several(len(dashboards), "dashboard"), len(dashboards) * DASHBOARD)


def _routes(assembly: Assembly) -> Iterator[Item]:
    measured = {
        api
        for stage in assembly.of_type("AWS::ApiGatewayV2::Stage")
        if stage.is_true("DefaultRouteSettings", "DetailedMetricsEnabled")
        for api in stage.texts("ApiId")
    }
    routes = [each for each in assembly.of_type("AWS::ApiGatewayV2::Route") if set(each.texts("ApiId")) & measured]
    if routes:
        metrics = len(routes) * METRICS_OF_A_ROUTE
        what = f"{_several(len(routes), 'route')} measured one by one ({metrics} metrics; by the hours they are called)"
        yield Item(what, metrics * CUSTOM_METRIC)


def _several(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
