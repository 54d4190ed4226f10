"""Undo "Update inventory": put back what an order has taken. Calls dynamodb:UpdateItem."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from aws_lambda_powertools import Logger, Tracer

from . import stock

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
tracer = Tracer(patch_modules=["botocore"])


class Undo(TypedDict):
    """What undoing a step is given; what the step answered is not needed here."""

    input: stock.Order


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: Undo, _context: LambdaContext) -> None:
    """Put it back; an order that has nothing, or has put it back before, is left alone."""
    order = event["input"]
    logger.info("stock put back", order=order["id"], outcome=stock.put_back(order))
