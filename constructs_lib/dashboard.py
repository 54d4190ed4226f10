"""One page that shows how an app does, the queries somebody asks at night, and its traces as one group.

The numbers, and why:

- $3 a month for the dashboard; three of up to 50 metrics are free in each account. Saved queries cost nothing until
  they are run: $0.005 for each GB they read. https://aws.amazon.com/cloudwatch/pricing/
- A group of traces is billed for each trace that matches it as one that is retrieved, $0.50 a million beside the $5.00
  for recording them. https://docs.aws.amazon.com/xray/latest/devguide/xray-console-groups.html
- One line for each construct in a graph of its kind rather than a panel each: the one unlike the others is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_xray as xray
from constructs import Construct, IConstruct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.alarm_registry import AlarmRegistry, Logged, alarms_of, stage_of
from constructs_lib.wiring.dashboard_body import rows_of
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.weak_references import weakened

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
MOST_LOG_GROUPS = 50
LONGEST_GROUP_NAME = 32  # https://docs.aws.amazon.com/xray/latest/api/API_CreateGroup.html

# By the lines that Lambda writes about each call, and those of Powertools' logger.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
REQUEST = "coalesce(requestId, function_request_id, record.requestId)"
QUERIES: Mapping[str, Sequence[str]] = {
    "Errors": (
        f"fields @timestamp, message, errorMessage, record.status, {REQUEST} as request, @log",
        'filter level = "ERROR" or (type = "platform.report" and record.status != "success")',
        "sort @timestamp desc",
        "limit 100",
    ),
    "ColdStarts": (
        'filter type = "platform.report" and ispresent(record.metrics.initDurationMs)',
        "stats count(*) as starts, pct(record.metrics.initDurationMs, 50) as medianMs by @log",
        "sort starts desc",
    ),
    "SlowestCalls": (
        'filter type = "platform.report"',
        "fields @timestamp, record.metrics.durationMs as ms, record.requestId as request, @log",
        "sort ms desc",
        "limit 50",
    ),
    "OneRequest": (
        "fields @timestamp, level, message, type, @log",
        f'filter {REQUEST} = "PUT-THE-ID-HERE" or @message like "PUT-THE-ID-HERE"',
        "sort @timestamp",
    ),
}


class Dashboard(Construct):
    """Show all of our constructs below a scope on one CloudWatch dashboard, wherever and whenever they are made.

    Defines the dashboard: the state of every alarm, graphs of your own, and for each kind of construct what is measured
    of it. Defines four saved queries over the logs of all functions (errors, cold starts, the slowest calls, one
    request by its id), and a group of X-Ray with the traces of all services, as Powertools' tracer names them. What is
    in other stacks is referred to weakly: a stack can still be changed and removed by itself. Each name is an output of
    that stack, which has room for 200: where there are more, its alarms are not listed one by one. Of stacks in other
    regions it shows graphs and alarms; queries and traces are looked up in one region, its own.

    Args:
        of: The scope that is shown: a stack, a stage, an app; not stages below it, which are deployed apart. Default:
            where the dashboard stands itself.
        business: Graphs of your own at the top, by their titles: the metrics that handlers write with Powertools.
            https://docs.aws.amazon.com/powertools/python/latest/core/metrics/

    Raises:
        PropError: What is to be shown is no scope, or no metric; or `Alerts` in the same stack are told of other stacks
            that it shows.

    Example:
        >>> sales = cloudwatch.Metric(
        ...     namespace="Shop", metric_name="OrdersPlaced", dimensions_map={"service": "Orders"}, statistic="Sum"
        ... )
        >>> dashboard = Dashboard(stack, "Dashboard", business={"Orders": [sales]})
    """

    @checks_kinds(except_for=("of", "business"))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        of: IConstruct | None = None,
        business: Mapping[str, Sequence[cloudwatch.IMetric]] | None = None,
    ) -> None:
        super().__init__(scope, id)
        defaults_of(self)  # whose protection covers the stack of a dashboard, too
        covered: IConstruct = scope if of is None else of
        business = {} if business is None else business
        refusals = Refusals(self)
        if not isinstance(covered, Construct):
            refusals.refuse(f"of is a {type(covered).__name__}, wanted a Construct", fix="pass a stack, stage or app")
        _check_business(business, refusals)
        refusals.stop_if_any()

        registry, path = alarms_of(covered), covered.node.path
        registry.watch(self, covered, by=self, is_shown=True)
        registry.listen(covered, partial(_refuse_circle, self, registry))
        self.dashboard = cloudwatch.CfnDashboard(
            self, "Dashboard", dashboard_body=cdk.Lazy.string(_Body(self, registry, path, business))
        )
        self.queries = [
            logs.CfnQueryDefinition(
                self,
                name,
                name=f"{self.node.path}/{name}",  # slashes are folders in the console; unique, as the path is
                query_string="\n| ".join(query),
                log_group_names=cdk.Lazy.list(_LogGroups(self, registry, path), omit_empty=True),
            )
            for name, query in QUERIES.items()
        ]
        self.traces = xray.CfnGroup(
            self,
            "Traces",
            group_name=cdk.Names.unique_resource_name(self, max_length=LONGEST_GROUP_NAME, separator="-"),
            filter_expression=cdk.Lazy.string(_Services(self, registry, path)),
        )


def _refuse_circle(dashboard: Dashboard, registry: AlarmRegistry, alarm: cloudwatch.Alarm) -> None:
    refusals = Refusals(dashboard)
    registry.check_circle(alarm, refusals)
    refusals.stop_if_any()


@jsii.implements(cdk.IStableStringProducer)
class _Body:
    """Draws the dashboard when the app is complete."""

    def __init__(
        self,
        dashboard: Dashboard,
        registry: AlarmRegistry,
        scope: str,
        business: Mapping[str, Sequence[cloudwatch.IMetric]],
    ) -> None:
        self._dashboard = dashboard
        self._registry = registry
        self._scope = scope
        self._business = business

    def produce(self) -> str:
        title = self._scope or "App"
        logged = _logged(self._dashboard, self._registry, self._scope)
        rows = rows_of(
            self._dashboard,
            self._registry,
            self._scope,
            title=title,
            business=self._business,
            logged=logged if len(logged) <= MOST_LOG_GROUPS else [],
        )
        below, widgets = 0, []
        for row in (cloudwatch.Row(*each) for each in rows):
            row.position(0, below)
            below += int(row.height)
            widgets += row.to_json()
        stack = cdk.Stack.of(self._dashboard)
        return str(stack.to_json_string({"start": "-PT12H", "periodOverride": "inherit", "widgets": weakened(widgets)}))


@jsii.implements(cdk.IStableListProducer)
class _LogGroups:
    """Names the log groups when the app is complete; more than a query takes are chosen when it is run."""

    def __init__(self, dashboard: Dashboard, registry: AlarmRegistry, scope: str) -> None:
        self._dashboard = dashboard
        self._registry = registry
        self._scope = scope

    def produce(self) -> list[str] | None:
        names = [weakened(each.group.log_group_name) for each in _logged(self._dashboard, self._registry, self._scope)]
        return names if len(names) <= MOST_LOG_GROUPS else None


@jsii.implements(cdk.IStableStringProducer)
class _Services:
    """Names the services when the app is complete, as Powertools' tracer writes them into each trace."""

    def __init__(self, dashboard: Dashboard, registry: AlarmRegistry, scope: str) -> None:
        self._dashboard = dashboard
        self._registry = registry
        self._scope = scope

    def produce(self) -> str:
        logged = _logged(self._dashboard, self._registry, self._scope)
        services = sorted({each.service for each in logged if each.service is not None})
        # A group without an expression would be all traces of the account.
        return " OR ".join(f'annotation.Service = "{each}"' for each in services) or 'annotation.Service = "none"'


def _logged(dashboard: Dashboard, registry: AlarmRegistry, scope: str) -> list[Logged]:
    """Who writes logs and traces where the dashboard can look them up: queries and groups know one region alone."""
    here = cdk.Stack.of(dashboard).environment
    return [
        each
        for each in registry.logged_below(scope, stage_of(dashboard))
        if _may_be_one(here, cdk.Stack.of(each.group).environment)
    ]


def _may_be_one(environment: str, other: str) -> bool:
    """Whether two are the same account and region, as far as is known before deployment."""
    pairs = zip(environment.split("/"), other.split("/"), strict=True)
    return all(one == another or "unknown" in f"{one} {another}" for one, another in pairs)


def _check_business(business: object, refusals: Refusals) -> None:
    fix = 'write {"Orders": [cloudwatch.Metric(namespace="Shop", metric_name="OrdersPlaced")]}'
    if not isinstance(business, Mapping):
        refusals.refuse(f"business is a {type(business).__name__}, wanted a dict of graphs", fix=fix)
        return
    for title, metrics in business.items():
        if not isinstance(title, str):
            refusals.refuse(f"business has the title {title!r}, wanted a string", fix=fix)
        elif isinstance(metrics, str) or not isinstance(metrics, Sequence) or not metrics:
            refusals.refuse(f"business[{title!r}] is {metrics!r}, wanted a list of metrics", fix=fix)
        else:
            for metric in metrics:
                if not isinstance(metric, cloudwatch.Metric | cloudwatch.MathExpression):
                    refusals.refuse(f"business[{title!r}] holds a {type(metric).__name__}, wanted a metric", fix=fix)
