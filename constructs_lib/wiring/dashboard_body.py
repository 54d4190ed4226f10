"""What a dashboard shows, drawn when everything there is to show is known."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs_lib.wiring.alarm_registry import stage_of
from constructs_lib.wiring.output_room import OutputRoom
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.weak_references import weakened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from constructs import Construct

    from constructs_lib.wiring.alarm_registry import AlarmRegistry, Logged

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
MOST_ALARMS = 100  # in one widget
MOST_LINES = 50  # in one graph: more cannot be told apart; CloudWatch takes 500
COLUMNS = 24
GRAPHS_IN_A_ROW = 4
GRAPH_HEIGHT = 5
ALARM_HEIGHT = 4
TEXT_HEIGHT = 2
ALARM_DOLLARS = 0.10  # for each metric it is on
DASHBOARD_DOLLARS = 3.00
FROM_ZERO = cloudwatch.YAxisProps(min=0)
# Nearest to those who use the app first.
KINDS = (
    "APIs",
    "Workflows",
    "Functions",
    "Queues",
    "Streams",
    "Dead letters",
    "Topics",
    "Rules and schedules",
    "Tables",
    "Databases",
)


def rows_of(
    dashboard: Construct,
    registry: AlarmRegistry,
    scope: str,
    *,
    title: str,
    business: Mapping[str, Sequence[cloudwatch.IMetric]],
    logged: Sequence[Logged],
) -> list[list[cloudwatch.IWidget]]:
    """The widgets of a dashboard, row by row.

    Args:
        dashboard: Where it is drawn.
        registry: What the app has to be watched.
        scope: The path of what is shown.
        title: What it is called.
        business: Graphs of the user's own, by their titles.
        logged: Whose logs the saved queries name.
    """
    stage = stage_of(dashboard)
    room = OutputRoom(dashboard, logged)
    measured = _by_graph(registry, scope, stage, room)
    alarms = registry.alarms_below(scope, stage)
    dollars = sum(map(_billed, alarms)) * ALARM_DOLLARS
    text = (
        f"# {title}\n"
        f"{len(alarms)} alarms cost ${dollars:.2f} a month, this dashboard ${DASHBOARD_DOLLARS:.2f}, before what is "
        "free: `constructs-lib cost` tells all of it. What to do about an alarm: `constructs-lib runbook`."
    )
    if room.left_out:
        text += f" {len(room.left_out)} constructs are not shown: their stacks have no more outputs to name them by."
    rows: list[list[cloudwatch.IWidget]] = [[cloudwatch.TextWidget(markdown=text, width=COLUMNS, height=TEXT_HEIGHT)]]
    listed = room.lists(alarms)
    for start in range(0, len(listed), MOST_ALARMS):
        shown = listed[start : start + MOST_ALARMS]
        rows.append([cloudwatch.AlarmStatusWidget(title="Alarms", alarms=[*shown], width=COLUMNS, height=ALARM_HEIGHT)])
    rows += _in_rows([_graph(name, metrics) for name, metrics in business.items()])
    for kind in (*KINDS, *(each for each in measured if each not in KINDS)):
        graphs = [
            _graph(f"{kind}: {name.replace('_', ' ')}", lines[start : start + MOST_LINES])
            for name, lines in measured.get(kind, {}).items()
            for start in range(0, len(lines), MOST_LINES)
        ]
        rows += _in_rows(graphs)
    return rows


def _billed(alarm: cloudwatch.Alarm) -> int:
    """On how many metrics an alarm is billed: more than one where it is on a sum of several."""
    queries = resource_of(alarm, cloudwatch.CfnAlarm).metrics
    metrics = [getattr(each, "metric_stat", None) for each in queries] if isinstance(queries, list) else []
    return max(1, sum(each is not None for each in metrics))


def _by_graph(
    registry: AlarmRegistry, scope: str, stage: str, room: OutputRoom
) -> dict[str, dict[str, list[cloudwatch.IMetric]]]:
    """The lines of each graph, by kind and by what they measure."""
    found: dict[str, dict[str, list[cloudwatch.IMetric]]] = defaultdict(lambda: defaultdict(list))
    for each in registry.measured_below(scope, stage):
        if not room.shows(each):
            continue
        place = f"{each.path.removeprefix(f'{scope}/')} {each.part}".rstrip()
        for name, metric in each.metrics().items():
            found[each.kind][name].append(_labelled(metric, place))
    return found


def _labelled(metric: cloudwatch.IMetric, label: str) -> cloudwatch.IMetric:
    if isinstance(metric, cloudwatch.Metric):
        return metric.with_(label=label, dimensions_map=weakened(dict(metric.dimensions or {})))
    if isinstance(metric, cloudwatch.MathExpression):
        metrics = {name: _labelled(each, name) for name, each in metric.using_metrics.items()}
        return cloudwatch.MathExpression(
            expression=metric.expression, using_metrics=metrics, label=label, period=metric.period
        )
    return metric


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(
        title=title, left=[*metrics], width=COLUMNS // GRAPHS_IN_A_ROW, height=GRAPH_HEIGHT, left_y_axis=FROM_ZERO
    )


def _in_rows(widgets: list[cloudwatch.IWidget]) -> Iterator[list[cloudwatch.IWidget]]:
    for start in range(0, len(widgets), GRAPHS_IN_A_ROW):
        yield widgets[start : start + GRAPHS_IN_A_ROW]
