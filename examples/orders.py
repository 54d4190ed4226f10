"""Orders: taken at once, fulfilled in the background, and undone in reverse when something fails on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import (
    DynamoTable,
    EventBus,
    Iam,
    QueueWorker,
    Retry,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    Workflow,
    choice,
    defaults_of,
    on,
    put_event,
    step,
    succeed,
    update_item,
    when,
)

if TYPE_CHECKING:
    from constructs_lib import Step

SOURCE = "shop.orders"
PLACED = "OrderPlaced"
INPUT = "{% $states.input %}"  # the order
KEY = {"id": "{% $states.input.id %}"}  # of its row, whose status GET /orders/{id} reads
EVENT = {name: f"{{% $states.input.{name} %}}" for name in ("id", "items", "amount_cents", "placed_at")}
NOT_ROTATED = (
    "the key is a payment provider's: Secrets Manager rotates what is not AWS's own by a function written for that "
    "provider, https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html"
)

UNROTATED = [
    ("AwsSolutions", "SMG4"),
    ("HIPAA.Security", "SecretsManagerRotationEnabled"),
    ("NIST.800.53.R5", "SecretsManagerRotationEnabled"),
]


class StatusUpdate(TypedDict):
    """How a step writes the status of an order."""

    update: str
    condition: str
    names: dict[str, str]
    values: dict[str, str]


def to(status: str, reason: str | None = None) -> StatusUpdate:
    """Write this status, and the reason where there is one, into an order that exists."""
    told = {} if reason is None else {":reason": reason}
    return {
        "update": "SET #status = :status" + ", reason = :reason" * len(told),
        "condition": "attribute_exists(id)",
        "names": {"#status": "status"},
        "values": {":status": status, **told},
    }


class Orders(cdk.Stack):
    """Place an order and read how far it is; a queue, a workflow and a bus do the rest."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id, description="Orders: a queue, a workflow that undoes what it did, events")
        self.orders = DynamoTable(self, "Orders", partition_key="id")
        self.outbox = DynamoTable(self, "Outbox", partition_key="id")
        self.shop = EventBus(self, "Shop")
        self._routes(intake=self._intake(self._fulfilment()))
        self._listeners()

    def _routes(self, *, intake: QueueWorker) -> None:
        api = SecureApi(self, "Api", auth=Iam())
        place = SecureApiFunction(
            self,
            "PlaceOrder",
            api=api,
            route="POST /orders",
            entry="lambda_src/orders/place_order.ts",
            example={
                "body": {
                    "id": "order-1",
                    "items": [{"sku": "teapot", "quantity": 1}, {"sku": "teacup", "quantity": 2}],
                    "email": "ada@example.com",
                    "card": "tok_visa",
                }
            },
        )
        self.orders.grant(place, "PutItem", env="ORDERS_TABLE")
        intake.grant_send(place, env="INTAKE_QUEUE")

        read = SecureApiFunction(
            self,
            "ReadOrder",
            api=api,
            route="GET /orders/{id}",
            entry="lambda_src/orders/read_order.ts",
            example={"path": "/orders/order-1"},
        )
        self.orders.grant(read, "GetItem", env="ORDERS_TABLE")

    def _intake(self, fulfilment: Workflow) -> QueueWorker:
        """Between the two: a burst of orders waits here, and one that comes twice is fulfilled once."""
        intake = QueueWorker(self, "Intake", entry="lambda_src/orders/start_fulfilment.ts", idempotent=True)
        fulfilment.grant_start(intake, env="FULFILMENT_WORKFLOW")
        return intake

    def _fulfilment(self) -> Workflow:
        charge, refund = self._payment()
        take, put_back = self._inventory()
        email = SecureFunction(self, "SendEmail", entry="lambda_src/orders/send_email.py")
        self.outbox.grant(email, "PutItem", env="OUTBOX_TABLE")
        return Workflow(
            self,
            "Fulfilment",
            description="Process payment, update inventory, send email; what fails takes back what was done before it",
            steps=[
                update_item(
                    "Mark in progress",
                    self.orders,
                    KEY,
                    **to("in progress"),
                    undo=update_item("Mark cancelled", self.orders, KEY, **to("cancelled")),
                ),
                step(
                    "Process payment",
                    charge,
                    payload={"order": INPUT, "attempt": "{% $states.context.State.RetryCount %}"},
                    result="payment",
                    retry=[
                        Retry("CardDeclined", retries=2, first_wait_seconds=1),  # three tries, then it is final
                        Retry("ProviderUnreachable", retries=5),
                    ],
                    catch=[on("CardDeclined", result="refusal", do=self._declined())],
                    undo=refund,
                ),
                step(
                    "Update inventory",
                    take,
                    result="stock",
                    retry=[Retry("StockContended", retries=5, first_wait_seconds=1)],
                    undo=put_back,
                ),
                choice("In stock?", when("{% $stock.taken %}"), otherwise=self._out_of_stock(refund)),
                step("Send email", email),
                put_event("Tell the shop", self.shop, source=SOURCE, detail_type=PLACED, detail=EVENT),
                update_item("Mark fulfilled", self.orders, KEY, **to("fulfilled")),
            ],
        )

    def _declined(self) -> list[Step]:
        """Nothing was done yet, so nothing is to be undone; for the shop that is a day like any other, no failure."""
        because = "{% $parse($refusal.Cause).errorMessage %}"
        return [update_item("Mark declined", self.orders, KEY, **to("declined", because)), succeed("Declined")]

    def _out_of_stock(self, refund: SecureFunction) -> list[Step]:
        return [
            step("Refund payment", refund, payload={"input": INPUT, "result": "{% $payment %}"}),
            update_item("Mark refunded", self.orders, KEY, **to("refunded", "out of stock")),
            succeed("Out of stock"),
        ]

    def _payment(self) -> tuple[SecureFunction, SecureFunction]:
        """What charges a card, and what gives the money back."""
        payments = DynamoTable(self, "Payments", partition_key="id")
        key = secretsmanager.Secret(
            self,
            "PaymentKey",
            description="The payment provider's key: put theirs here",
            encryption_key=defaults_of(self).encryption_key,  # an L2 follows the Defaults where it is told to
        )
        for pack, rule in UNROTATED:
            cdk.Validations.of(key).acknowledge(cdk.Acknowledgment(id=f"{pack}-{rule}", reason=NOT_ROTATED))
        charge, refund = (
            SecureFunction(
                self,
                name,
                entry=f"lambda_src/orders/{file}",
                secrets={"PAYMENT_KEY": key},
            )
            for name, file in (("ChargeCard", "charge_card.ts"), ("RefundCard", "refund_card.ts"))
        )
        payments.grant(charge, "PutItem", env="PAYMENTS_TABLE")
        payments.grant(refund, "UpdateItem", env="PAYMENTS_TABLE")
        return charge, refund

    def _inventory(self) -> tuple[SecureFunction, SecureFunction]:
        """What takes an order's things from the shelves, and what puts them back."""
        stock = DynamoTable(self, "Stock", partition_key="sku")
        take, put_back = (
            SecureFunction(self, name, entry=f"lambda_src/orders/{file}")
            for name, file in (("TakeStock", "take_stock.py"), ("PutBackStock", "put_back_stock.py"))
        )
        for function in (take, put_back):
            stock.grant(function, "UpdateItem", env="STOCK_TABLE")
            self.orders.grant(function, "UpdateItem", env="ORDERS_TABLE")
        return take, put_back

    def _listeners(self) -> None:
        """Who wants to know of an order: each comes and goes without the workflow noticing."""
        pattern = {"source": [SOURCE], "detail-type": [PLACED]}
        sales = DynamoTable(self, "Sales", partition_key="day")
        count = QueueWorker(self, "CountSales", entry="lambda_src/orders/count_sale.ts", idempotent=True)
        sales.grant(count, "UpdateItem", env="SALES_TABLE")
        self.shop.add_rule("OrderPlaced", pattern, count, input_path="$.detail")

        slip = SecureFunction(self, "PackingSlip", entry="lambda_src/orders/write_packing_slip.ts")
        self.outbox.grant(slip, "PutItem", env="OUTBOX_TABLE")
        self.shop.add_rule("OrderPlaced", pattern, slip, input_path="$.detail")
