"""What watching an app costs by the month: alarms, dashboards and metrics; logs and traces cost by use.

List prices of us-east-1, before what is free for each account: ten metrics of standard alarms, ten custom metrics, and
three dashboards of up to 50 metrics. What handlers measure themselves is in no template.
https://aws.amazon.com/cloudwatch/pricing/ https://aws.amazon.com/xray/pricing/
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from constructs_lib.assembly.model import Assembly
from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.resource import Resource

ALARM_METRIC, HIGH_RESOLUTION_METRIC, COMPOSITE = 0.10, 0.30, 0.50
HIGH_RESOLUTION_SECONDS = 60  # a shorter period than this
DASHBOARD, CUSTOM_METRIC = 3.00, 0.30
# Count, 4xx, 5xx, Latency, IntegrationLatency and DataProcessed.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
METRICS_OF_A_ROUTE = 6
# Count, 4XXError, 5XXError, Latency and IntegrationLatency; two more where answers are cached.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
METRICS_OF_A_METHOD = 5
METRICS_OF_A_FILTER = 16  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
METRICS_OF_A_BAND = 3  # the metric, and both edges of what is expected of it
ANOMALY = "ANOMALY_DETECTION_BAND"
EVERY_PATH = "/*"
BY_USE = (
    "logs: $0.50 a GB written, $0.03 a GB kept; queries: $0.005 a GB read; "
    "traces: $5.00 a million, $0.50 more in a group"
)
BY_CODE = "what handlers measure: $0.30 for each metric, and for each value of a dimension"


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
    return [*_alarms(assembly), *_dashboards(assembly), *_routes(assembly), *_custom_metrics(assembly)]


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
                f"and {BY_CODE}",
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
        periods = [_number(each) for each in told]
    expected = any(ANOMALY in str(each) for each in alarm.texts("Metrics", "*", "Expression"))
    number = max(1, len(queried)) * (METRICS_OF_A_BAND if expected else 1)
    return number, min((each for each in periods if each is not None), default=HIGH_RESOLUTION_SECONDS)


def _dashboards(assembly: Assembly) -> Iterator[Item]:
    dashboards = assembly.of_type("AWS::CloudWatch::Dashboard")
    if dashboards:
        yield Item(_several(len(dashboards), "dashboard"), len(dashboards) * DASHBOARD)


def _routes(assembly: Assembly) -> Iterator[Item]:
    """What is measured by itself in each stage of an API: routes of HTTP and WebSocket APIs, methods of REST APIs."""
    routes = sum(_routes_of(stage, assembly) for stage in assembly.of_type("AWS::ApiGatewayV2::Stage"))
    methods = sum(_methods_of(stage, assembly) for stage in assembly.of_type("AWS::ApiGateway::Stage"))
    for what, number, metrics in (
        ("route", routes, routes * METRICS_OF_A_ROUTE),
        ("method", methods, methods * METRICS_OF_A_METHOD),
    ):
        if number:
            told = f"{_several(number, what)} measured one by one ({metrics} metrics; by the hours they are called)"
            yield Item(told, metrics * CUSTOM_METRIC)


def _routes_of(stage: Resource, assembly: Assembly) -> int:
    """How many routes of its API a stage measures; settings of a single route come before those of all."""
    apis = set(stage.texts("ApiId"))
    routes = [each for each in assembly.of_type("AWS::ApiGatewayV2::Route") if apis.intersection(each.texts("ApiId"))]
    places = [("RouteSettings", each.text("RouteKey") or "", "DetailedMetricsEnabled") for each in routes]
    default = ("DefaultRouteSettings", "DetailedMetricsEnabled")
    return sum(stage.is_true(*(default if stage.lacks(*own) else own)) for own in places)


def _methods_of(stage: Resource, assembly: Assembly) -> int:
    """How many methods of its API a stage measures: all, or those it names."""
    settings = [each for each in stage.values("MethodSettings", "*") if isinstance(each, dict)]
    measured = [each for each in settings if _told(each.get("MetricsEnabled")) in {"True", "true"}]
    if not any(_told(each.get("ResourcePath")) == EVERY_PATH for each in measured):
        return len(measured)
    apis = set(stage.texts("RestApiId"))
    return sum(bool(apis.intersection(each.texts("RestApiId"))) for each in assembly.of_type("AWS::ApiGateway::Method"))


def _told(value: object) -> str:
    """What a template says, whether it writes a switch or number as such or as text."""
    return str(value.literal if isinstance(value, Text) else value)


def _number(value: object) -> float | None:
    told = _told(value)
    return float(told) if told.isdecimal() else None


def _custom_metrics(assembly: Assembly) -> Iterator[Item]:
    filters = sum(
        len(each.values("MetricTransformations", "*")) for each in assembly.of_type("AWS::Logs::MetricFilter")
    )
    if filters:
        yield Item(f"{_several(filters, 'metric')} counted in logs", filters * CUSTOM_METRIC)
    requests = sum(len(each.values("MetricsConfigurations", "*")) for each in assembly.of_type("AWS::S3::Bucket"))
    if requests:
        metrics = requests * METRICS_OF_A_FILTER
        told = f"{_several(requests, 'bucket')} whose requests are measured (up to {metrics} metrics)"
        yield Item(told, metrics * CUSTOM_METRIC)


def _several(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
