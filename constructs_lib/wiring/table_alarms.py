"""When a table needs somebody: it turns requests away, or DynamoDB itself fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypedDict, runtime_checkable

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from constructs_lib.wiring.alarms import FIVE_MINUTES, MINUTE, Thresholds, Watch
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.waiver import Waived

# The calls by which DynamoDB counts its own failures; there is no sum of them.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
MEASURED = {
    "BatchGetItem": "BatchGetItem",
    "BatchWriteItem": "BatchWriteItem",
    "DeleteItem": "DeleteItem",
    "GetItem": "GetItem",
    "PutItem": "PutItem",
    "Query": "Query",
    "Scan": "Scan",
    "UpdateItem": "UpdateItem",
    # Calls that are authorized by the name of something else.
    "ConditionCheckItem": "TransactWriteItems",
    **dict.fromkeys(("PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"), "ExecuteStatement"),
}


class TableAlarms(TypedDict, total=False):
    """The alarms of a table, and from what on they go off; `Waived(reason)` for one that should not be.

    - `read_throttles`, `write_throttles`: requests turned away within a minute, in three of five minutes, by the table
      or by one of its indexes, each of which has alarms of its own. Default: 1.
    - `system_errors`: failures of DynamoDB itself within five minutes, twice in a row, over the actions that were
      granted; each action is a metric, and billed as one. Default: 5, since the SDKs try again.
    """

    read_throttles: int | Waived
    write_throttles: int | Waived
    system_errors: int | Waived


@runtime_checkable
class MeasuresActions(Protocol):
    """A table that watches what is done with it."""

    def watch_actions(self, actions: Iterable[str]) -> None:
        """Watch these actions, too, for failures of DynamoDB."""


class AlarmsOfTable:
    """The alarms of one table.

    Args:
        asked: The argument `alarms`.
    """

    def __init__(self, asked: Mapping[str, object] | Waived | None) -> None:
        self._thresholds = Thresholds(asked, {"read_throttles": 1, "write_throttles": 1, "system_errors": 5})
        self._actions: set[str] = set()
        self._place: tuple[Construct, dynamodb.Table] | None = None
        self._system_errors: cloudwatch.Alarm | None = None
        self.raised: list[cloudwatch.Alarm] = []

    def check(self, refusals: Refusals) -> None:
        """Note alarms there are not, and thresholds that are none."""
        self._thresholds.check(refusals)

    def raise_for(self, bearer: Construct, table: dynamodb.Table) -> None:
        """Define the alarms that every table has, but those that are waived."""
        self._place = (bearer, table)
        self.raised += self._thresholds.raise_on(bearer, table, lambda: _throttles(table), kind="Tables")

    def raise_for_index(self, index: str) -> None:
        """Define the alarms of an index: what it turns away is not among what the table does."""
        if self._place is not None:
            bearer, table = self._place
            self.raised += self._thresholds.raise_on(
                bearer, table, lambda: _throttles(table, index), kind="Tables", part=index
            )

    def watch(self, actions: Iterable[str]) -> None:
        """Let the alarm on system errors cover these actions, too; the first of them defines it."""
        added = {MEASURED[each] for each in actions if each in MEASURED} - self._actions
        if not added or self._place is None:
            return
        is_first = not self._actions
        self._actions |= added
        bearer, table = self._place
        if is_first:
            alarms = self._thresholds.raise_on(
                bearer, table, lambda: _system_errors(table, sorted(self._actions)), kind="Tables"
            )
            self.raised += alarms
            self._system_errors = alarms[0] if alarms else None
        if self._system_errors is not None:
            cfn = resource_of(self._system_errors, cloudwatch.CfnAlarm)
            cfn.metrics = [*_sum_of_system_errors(table, sorted(self._actions))]


def _throttles(table: dynamodb.Table, index: str | None = None) -> Iterator[Watch]:
    dimensions = {"TableName": table.table_name, **({} if index is None else {"GlobalSecondaryIndexName": index})}
    for kind in ("read", "write"):
        yield Watch(
            name=f"{kind}_throttles",
            metric=table.metric(
                f"{kind.title()}ThrottleEvents", period=MINUTE, statistic="Sum", dimensions_map=dimensions
            ),
            periods=5,
            datapoints=3,
            article="table-throttles",
            description=f"{kind}s of {'this table' if index is None else f'the index {index}'} are turned away",
        )


def _system_errors(table: dynamodb.Table, actions: Iterable[str]) -> Iterator[Watch]:
    place = table.node.addr[-8:]  # no two lines of one graph may share an id
    metrics = {
        f"{_id_of(action)}_{place}": cloudwatch.Metric(
            namespace="AWS/DynamoDB",
            metric_name="SystemErrors",
            dimensions_map={"TableName": table.table_name, "Operation": action},
            period=FIVE_MINUTES,
            statistic="Sum",
        ).attach_to(table)
        for action in actions
    }
    yield Watch(
        name="system_errors",
        metric=cloudwatch.MathExpression(
            expression=f"SUM([{', '.join(metrics)}])",
            using_metrics=dict(metrics),
            period=FIVE_MINUTES,
            label="SystemErrors",
        ),
        periods=2,
        article="table-system-errors",
        description="DynamoDB fails to answer requests to this table",
    )


def _id_of(action: str) -> str:
    """What a query of this action is called; ids begin with a small letter."""
    return action[0].lower() + action[1:]


def _sum_of_system_errors(
    table: dynamodb.Table, actions: Iterable[str]
) -> list[cloudwatch.CfnAlarm.MetricDataQueryProperty]:
    """The queries behind the alarm; the SUM of an array goes on where some of its series have no data."""
    ids = {action: _id_of(action) for action in actions}
    dimension = cloudwatch.CfnAlarm.DimensionProperty
    return [
        cloudwatch.CfnAlarm.MetricDataQueryProperty(
            id="all", expression=f"SUM([{', '.join(ids.values())}])", label="SystemErrors", return_data=True
        ),
        *(
            cloudwatch.CfnAlarm.MetricDataQueryProperty(
                id=ids[action],
                metric_stat=cloudwatch.CfnAlarm.MetricStatProperty(
                    metric=cloudwatch.CfnAlarm.MetricProperty(
                        namespace="AWS/DynamoDB",
                        metric_name="SystemErrors",
                        dimensions=[
                            dimension(name="TableName", value=table.table_name),
                            dimension(name="Operation", value=action),
                        ],
                    ),
                    period=FIVE_MINUTES.to_seconds(),
                    stat="Sum",
                ),
                return_data=False,
            )
            for action in actions
        ),
    ]
