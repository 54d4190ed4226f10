"""When a database needs somebody: it is as large as it may be, it runs out of connections, or nobody gets in.

The metrics are those of the cluster, and of the proxy by its name alone; each node of a proxy counts for itself, every
minute, so that their sum within a minute is the proxy's number.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy.monitoring.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_rds as rds
from constructs import Construct

from constructs_lib.wiring.alarms import FIVE_MINUTES, MINUTE, Thresholds, Watch
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.waiver import Waived

CAPACITY, CONNECTIONS = 90, 80  # per cent
FAILED = 5


class DatabaseAlarms(TypedDict, total=False):
    """The alarms of a database, and from what on they go off; `Waived(reason)` for one that should not be.

    - `capacity_percent`: how much of `max_capacity` is in use, three times five minutes long. Default: 90; none where
      `min_capacity` is as much already. AWS says to raise the maximum as this nears 100:
      https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html
    - `connections_percent`: how many of the connections that functions may have are open, in three of five minutes.
      Default: 80.
    - `failed_logins`: logins that the proxy turned down within five minutes. Default: 5.
    - `failed_connections`: connections that the proxy could not open to the cluster within five minutes, twice in a
      row, so that changing over to another instance is none. Default: 5.

    The last three are the proxy's: with `data_api` there is none.
    """

    capacity_percent: float | Waived
    connections_percent: float | Waived
    failed_logins: int | Waived
    failed_connections: int | Waived


class AlarmsOfDatabase:
    """The alarms of one database.

    Args:
        asked: The argument `alarms`.
        least_percent: How much of its largest capacity the database always has.
        has_proxy: Whether functions connect through a proxy.
    """

    def __init__(self, asked: Mapping[str, object] | Waived | None, *, least_percent: float, has_proxy: bool) -> None:
        of_proxy = {"connections_percent": CONNECTIONS, "failed_logins": FAILED, "failed_connections": FAILED}
        self._thresholds = Thresholds(
            asked,
            {"capacity_percent": CAPACITY, **(of_proxy if has_proxy else {})},
            most={
                "capacity_percent": (100, "it grows no larger than max_capacity"),
                "connections_percent": (100, "the proxy opens no more than functions may have"),
            },
        )
        is_asked = isinstance(asked, Mapping) and "capacity_percent" in asked
        self._watches_capacity = is_asked or least_percent < CAPACITY
        self.raised: list[cloudwatch.Alarm] = []

    def check(self, refusals: Refusals) -> None:
        """Note alarms there are not, and thresholds that are none."""
        self._thresholds.check(refusals)

    def raise_for(
        self, bearer: Construct, cluster: rds.DatabaseCluster, proxy: rds.DatabaseProxy | None, *, most: int
    ) -> None:
        """Define the alarms, but those that are waived.

        Args:
            bearer: The database construct; the alarms stand in `Alarms` below it.
            cluster: The cluster.
            proxy: The proxy before it, if there is one.
            most: How many connections functions may have.
        """

        def watches() -> Iterator[Watch]:
            yield from _of_cluster(cluster, is_watched=self._watches_capacity)
            if proxy is not None:
                yield from _of_proxy(proxy, most)

        self.raised += self._thresholds.raise_on(bearer, cluster, watches, kind="Databases")


def _of_cluster(cluster: rds.DatabaseCluster, *, is_watched: bool) -> Iterator[Watch]:
    yield Watch(
        name="capacity_percent",
        # Of the busiest instance: the average hides a writer at its end behind idle readers.
        metric=cluster.metric_acu_utilization(period=FIVE_MINUTES, statistic="Maximum"),
        periods=3,
        article="database-capacity" if is_watched else None,
        description="this database is nearly as large as max_capacity lets it be",
    )
    yield Watch(name="deadlocks", metric=cluster.metric_deadlocks(period=FIVE_MINUTES, statistic="Average"))


def _of_proxy(proxy: rds.DatabaseProxy, most: int) -> Iterator[Watch]:
    yield Watch(name="client_connections", metric=_metric(proxy, "ClientConnections", MINUTE))
    yield Watch(
        name="connections_percent",
        metric=_metric(proxy, "DatabaseConnections", MINUTE),
        periods=5,
        datapoints=3,
        scale=most / 100,
        article="database-connections",
        description="the proxy has nearly all connections of this database open that it may",
    )
    yield Watch(
        name="failed_logins",
        metric=_metric(proxy, "ClientConnectionsSetupFailedAuth", FIVE_MINUTES),
        article="database-logins-fail",
        description="the proxy of this database turns logins down",
    )
    yield Watch(
        name="failed_connections",
        metric=_metric(proxy, "DatabaseConnectionsSetupFailed", FIVE_MINUTES),
        periods=2,
        article="database-unreachable",
        description="the proxy cannot connect to this database",
    )


def _metric(proxy: rds.DatabaseProxy, name: str, period: cdk.Duration) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/RDS",
        metric_name=name,
        dimensions_map={"ProxyName": proxy.db_proxy_name},
        period=period,
        statistic="Sum",
    ).attach_to(proxy)
