"""What watches the other stacks: who is told of their alarms, and one page that shows how they do."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from constructs_lib import Alerts, Dashboard


class OnCall(cdk.Stack):
    """Tell the night shift of every alarm below a scope."""

    def __init__(self, scope: Construct, id: str, *, of: Construct) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id, description="OnCall: who is told of alarms")
        Alerts(self, "Alerts", email="oncall@example.com", of=of)


class Overview(cdk.Stack):
    """Show the business beside the machines.

    A stack by itself: the others refer to the topic of `OnCall`, and this one refers to the others.
    """

    def __init__(self, scope: Construct, id: str, *, of: Construct) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id, description="Overview: one dashboard, saved queries, a group of traces")
        placed = _counted("OrdersInStock", "SampleCount", "placed")
        sold = _counted("OrdersInStock", "Sum", "sold")
        pieces = _counted("PiecesSold", "Sum", "pieces sold")
        Dashboard(self, "Dashboard", of=of, business={"Orders": [placed, sold], "Pieces": [pieces]})


def _counted(name: str, statistic: str, label: str) -> cloudwatch.Metric:
    """What the step that takes stock counts of each order; see lambda_src/orders/take_stock.py."""
    return cloudwatch.Metric(
        namespace="Shop", metric_name=name, dimensions_map={"service": "Orders"}, statistic=statistic, label=label
    )
