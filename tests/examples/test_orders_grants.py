"""What each role of the orders app may do, as whole sets: one or two actions, each on one resource."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.templates import permissions_of, resources_of

Template = dict[str, Any]

HASH_CHARACTERS = 8  # at the end of a logical id
REMEMBER = ("DeleteItem", "GetItem", "PutItem", "UpdateItem")
CONSUME = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
WORKFLOW_LOGS = (
    *("CreateLogDelivery", "DeleteLogDelivery", "DescribeLogGroups", "DescribeResourcePolicies"),
    *("GetLogDelivery", "ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery"),
)

# Beside its own logs and traces. Resources by the construct they belong to: the logical id without its hash.
FUNCTIONS = {
    "PlaceOrder": {("dynamodb:PutItem", "OrdersTable"), ("sqs:SendMessage", "IntakeQueue")},
    "ReadOrder": {("dynamodb:GetItem", "OrdersTable")},
    "IntakeFunction": {
        *((f"sqs:{action}", "IntakeQueue") for action in CONSUME),
        *((f"dynamodb:{action}", "IntakeIdempotencyTable") for action in REMEMBER),
        ("states:StartExecution", "FulfilmentStateMachine"),
    },
    "ChargeCard": {("dynamodb:PutItem", "PaymentsTable"), ("secretsmanager:GetSecretValue", "PaymentKey")},
    "RefundCard": {("dynamodb:UpdateItem", "PaymentsTable"), ("secretsmanager:GetSecretValue", "PaymentKey")},
    "TakeStock": {("dynamodb:UpdateItem", "StockTable"), ("dynamodb:UpdateItem", "OrdersTable")},
    "PutBackStock": {("dynamodb:UpdateItem", "StockTable"), ("dynamodb:UpdateItem", "OrdersTable")},
    "SendEmail": {("dynamodb:PutItem", "OutboxTable")},
    "PackingSlip": {("dynamodb:PutItem", "OutboxTable"), ("sqs:SendMessage", "PackingSlipFailedEventsQueue")},
    "CountSalesFunction": {
        *((f"sqs:{action}", "CountSalesQueue") for action in CONSUME),
        *((f"dynamodb:{action}", "CountSalesIdempotencyTable") for action in REMEMBER),
        ("dynamodb:UpdateItem", "SalesTable"),
    },
}


def permissions(template: Template, role: str) -> set[tuple[str, str]]:
    """Every action of a role with the construct it is allowed on, and its condition if it has one."""

    def construct(resource: str) -> str:
        arn, _, condition = resource.partition(" if ")
        name = arn.partition(".")[0]
        shown = name[:-HASH_CHARACTERS] if name in template["Resources"] else arn
        return f"{shown} if {condition}" if condition else shown

    return {(action, construct(resource)) for action, resource in permissions_of(template, role)}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_may_do_its_own_things_and_no_other(templates: dict[str, Template], function: str) -> None:
    assert permissions(templates["Orders"], f"{function}IdentityRole") == FUNCTIONS[function] | {
        ("logs:CreateLogStream", f"{function}Logs"),
        ("logs:PutLogEvents", f"{function}Logs"),
        ("xray:PutTelemetryRecords", "*"),
        ("xray:PutTraceSegments", "*"),
    }


def test_the_workflow_may_do_its_steps_and_no_other(templates: dict[str, Template]) -> None:
    as_the_shop = json.dumps({"StringEquals": {"events:source": "shop.orders"}})
    assert permissions(templates["Orders"], "FulfilmentIdentityRole") == {
        *(
            ("lambda:InvokeFunction", f"{function}Function")
            for function in ("ChargeCard", "RefundCard", "TakeStock", "PutBackStock", "SendEmail")
        ),
        ("dynamodb:UpdateItem", "OrdersTable"),
        ("events:PutEvents", f"ShopBus if {as_the_shop}"),
        *((f"logs:{action}", "*") for action in WORKFLOW_LOGS),
        *((f"xray:{action}", "*") for action in ("GetSamplingRules", "GetSamplingTargets")),
        *((f"xray:{action}", "*") for action in ("PutTelemetryRecords", "PutTraceSegments")),
    }


def test_there_is_no_other_role(templates: dict[str, Template]) -> None:
    roles = {name.partition("IdentityRole")[0] for name in resources_of(templates["Orders"], "AWS::IAM::Role")}
    assert roles == {*FUNCTIONS, "Fulfilment"}
