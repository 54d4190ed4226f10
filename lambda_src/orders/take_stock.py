"""Step "Update inventory": take what an order needs, or say that there is not enough. Calls dynamodb:UpdateItem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Tracer

from . import stock

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
tracer = Tracer(patch_modules=["botocore"])


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(order: stock.Order, _context: LambdaContext) -> dict[str, bool]:
    """Answer whether the order has its stock; a second time gives the same answer and takes nothing."""
    outcome = stock.take(order)
    logger.info("stock taken", order=order["id"], outcome=outcome)
    return {"taken": outcome != "not enough"}
