"""What may be granted on a DynamoDB table, and on what ARN each action acts.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
"""

from typing import Literal, TypeAlias, get_args

TableAction: TypeAlias = Literal[
    "BatchGetItem",
    "BatchWriteItem",
    "ConditionCheckItem",
    "DeleteItem",
    "DescribeTable",
    "GetItem",
    "PartiQLDelete",
    "PartiQLInsert",
    "PartiQLSelect",
    "PartiQLUpdate",
    "PutItem",
    "Query",
    "Scan",
    "UpdateItem",
]

TABLE_ACTIONS: frozenset[str] = frozenset(get_args(TableAction))
INDEX_ACTIONS: frozenset[str] = frozenset({"PartiQLSelect", "Query", "Scan"})

# Calls of the API that IAM authorizes as other actions.
AUTHORIZED_AS = {
    "BatchExecuteStatement": "PartiQLSelect, PartiQLInsert, PartiQLUpdate, PartiQLDelete",
    "ExecuteStatement": "PartiQLSelect, PartiQLInsert, PartiQLUpdate, PartiQLDelete",
    "ExecuteTransaction": "PartiQLSelect, PartiQLInsert, PartiQLUpdate, PartiQLDelete",
    "TransactGetItems": "GetItem",
    "TransactWriteItems": "PutItem, UpdateItem, DeleteItem, ConditionCheckItem",
}
