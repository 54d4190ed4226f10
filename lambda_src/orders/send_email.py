"""Step "Send email": confirm an order, by a mail in the outbox. Calls dynamodb:PutItem.

The outbox is a table that a mailer would empty: no mail leaves this app, on AWS or here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypedDict

import boto3
from aws_lambda_powertools import Logger, Tracer
from botocore.config import Config

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Reserved for names that do not exist. https://www.rfc-editor.org/rfc/rfc2606
NO_DOMAIN = ".invalid"

logger = Logger()
tracer = Tracer(patch_modules=["botocore"])

# Made once per execution environment. botocore waits a minute by default, longer than the function has.
dynamodb = boto3.client("dynamodb", config=Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard"}))
OUTBOX_TABLE = os.environ["OUTBOX_TABLE"]


class Order(TypedDict):
    """What a confirmation says of an order."""

    id: str
    email: str
    amount_cents: int


class AddressRefused(Exception):  # noqa: N818 - the name that Step Functions shows
    """No mail can reach this address, now or later."""


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(order: Order, _context: LambdaContext) -> None:
    """Write the mail; a second time writes the same again.

    Raises:
        AddressRefused: The customer cannot be reached, and so gets no order but their money back.
    """
    if order["email"].lower().endswith(NO_DOMAIN):
        raise AddressRefused("the domain of the address does not exist")
    total = f"{order['amount_cents'] // 100}.{order['amount_cents'] % 100:02}"
    dynamodb.put_item(
        TableName=OUTBOX_TABLE,
        Item={
            "id": {"S": f"{order['id']}#confirmation"},
            "to": {"S": order["email"]},
            "subject": {"S": f"Your order {order['id']}"},
            "text": {"S": f"Thank you for your order. We have charged {total} to your card."},
        },
    )
