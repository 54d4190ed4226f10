"""Step "Update inventory": take what an order needs, or say that there is not enough. Calls dynamodb:UpdateItem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

from . import stock

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
tracer = Tracer(patch_modules=["botocore"])
# Lines of the log, of which CloudWatch makes metrics: no call waits for them.
metrics = Metrics(namespace="Shop")


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(order: stock.Order, _context: LambdaContext) -> dict[str, bool]:
    """Answer whether the order has its stock; a second time gives the same answer and takes nothing."""
    outcome = stock.take(order)
    logger.info("stock taken", order=order["id"], outcome=outcome)
    if outcome != "moved before":  # its first attempt counted it
        _count(order, was_sold=outcome == "moved")
    return {"taken": outcome != "not enough"}


def _count(order: stock.Order, *, was_sold: bool) -> None:
    pieces = sum(line["quantity"] for line in order["items"])
    metrics.add_metric(name="OrdersInStock", unit=MetricUnit.Count, value=int(was_sold))
    metrics.add_metric(name="PiecesSold", unit=MetricUnit.Count, value=pieces if was_sold else 0)
    metrics.flush_metrics()
