"""Steps on one item of a table, without a function in between."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, Unpack, get_args

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from constructs_lib.problem import Problem, PropError
from constructs_lib.wiring.key_use import use_through
from constructs_lib.wiring.table_alarms import MeasuresActions
from constructs_lib.workflow_steps.expression import Value
from constructs_lib.workflow_steps.json_value import Misfit, is_token, shown
from constructs_lib.workflow_steps.step import Task, TaskOptions
from constructs_lib.workflow_steps.targets import table_of
from constructs_lib.workflow_steps.tasks import make_task, or_null

if TYPE_CHECKING:
    from constructs import Construct

    from constructs_lib.workflow_steps.targets import TableLike

Returned = Literal["ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
ATTRIBUTE_TYPES = frozenset({"B", "BOOL", "BS", "L", "M", "N", "NS", "NULL", "S", "SS"})

# What DynamoDB takes or leaves, but not empty.
EXPRESSIONS = {
    "Item": "item",
    "Key": "key",
    "UpdateExpression": "update",
    "ConditionExpression": "condition",
    "ExpressionAttributeNames": "names",
    "ExpressionAttributeValues": "values",
}


def put_item(
    name: str,
    table: TableLike,
    item: Mapping[str, Value],
    *,
    condition: str | None = None,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Value] | None = None,
    **options: Unpack[TaskOptions],
) -> Task:
    """Write an item.

    Args:
        name: What happens.
        table: The table; the workflow may put items into it.
        item: Its attributes. Strings and expressions become strings, numbers numbers, booleans booleans; anything else
            is written as DynamoDB writes it: `{"N": "{% $string($payment.amount) %}"}`.
        condition: A condition expression: `attribute_not_exists(id)`.
        names: Attribute names that the condition calls `#...`.
        values: Values that the condition calls `:...`, written like `item`.
        **options: See `TaskOptions`; the result is null.

    Example:
        >>> save = put_item("Save", table, {"id": "{% $states.input.id %}", "status": "placed"})
    """
    arguments = {"Item": attributes(name, item), **_expressions(name, condition, names, values)}
    return _task(name, table, "PutItem", arguments, options, answer="null")


def get_item(
    name: str, table: TableLike, key: Mapping[str, Value], *, consistent: bool = True, **options: Unpack[TaskOptions]
) -> Task:
    """Read an item; the result is it as DynamoDB writes it, `{% $user.name.S %}`, or null.

    Args:
        name: What happens.
        table: The table; the workflow may get items from it.
        key: Its key, written like the item of `put_item`.
        consistent: Whether the workflow sees what it wrote itself a moment ago.
        **options: See `TaskOptions`.
    """
    arguments: dict[str, Value] = {"Key": attributes(name, key), "ConsistentRead": consistent}
    return _task(name, table, "GetItem", arguments, options, answer=or_null("$states.result.Item"))


def update_item(
    name: str,
    table: TableLike,
    key: Mapping[str, Value],
    *,
    update: str,
    condition: str | None = None,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Value] | None = None,
    returned: Returned | None = None,
    **options: Unpack[TaskOptions],
) -> Task:
    """Change an item.

    Args:
        name: What happens.
        table: The table; the workflow may update its items.
        key: Its key, written like the item of `put_item`.
        update: An update expression: `SET #status = :status`.
        condition: A condition expression.
        names: Attribute names that the expressions call `#...`.
        values: Values that they call `:...`, written like the item of `put_item`.
        returned: Which attributes the result holds. Default: none, the result is null.
        **options: See `TaskOptions`.
    """
    arguments: dict[str, Value] = {
        "Key": attributes(name, key),
        "UpdateExpression": update,
        **_expressions(name, condition, names, values),
    }
    if returned is not None:
        arguments["ReturnValues"] = returned
    return _task(name, table, "UpdateItem", arguments, options, answer=or_null("$states.result.Attributes"))


def delete_item(
    name: str,
    table: TableLike,
    key: Mapping[str, Value],
    *,
    condition: str | None = None,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Value] | None = None,
    **options: Unpack[TaskOptions],
) -> Task:
    """Remove an item.

    Args:
        name: What happens.
        table: The table; the workflow may delete its items.
        key: Its key, written like the item of `put_item`.
        condition: A condition expression.
        names: Attribute names that the condition calls `#...`.
        values: Values that it calls `:...`, written like the item of `put_item`.
        **options: See `TaskOptions`; the result is null.
    """
    arguments = {"Key": attributes(name, key), **_expressions(name, condition, names, values)}
    return _task(name, table, "DeleteItem", arguments, options, answer="null")


def attributes(step: str, item: Mapping[str, Value]) -> dict[str, Value]:
    """Write values as DynamoDB does.

    Raises:
        PropError: It is no dictionary, or a value's type cannot be told.
    """
    if not isinstance(item, Mapping):
        raise PropError(
            Problem(
                f"{shown(item)} is no item, wanted a dictionary", f"step {step!r}", 'write attributes: {"id": "..."}'
            )
        )
    return {key: _attribute(step, key, value) for key, value in item.items()}


def _attribute(step: str, key: str, value: Value) -> Value:
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float() if is_token(value):
            return {"N": cdk.Tokenization.stringify_number(value)}
        case int() | float() if math.isfinite(value):
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case Mapping() if len(value) == 1 and set(value) <= ATTRIBUTE_TYPES:
            return value
    raise PropError(
        Problem(
            f"{key} is {value!r}, which has no type that DynamoDB could be told",
            f"step {step!r}",
            'write it as DynamoDB does: {"M": {...}}, {"L": [...]}, {"SS": [...]}',
        )
    )


def _expressions(
    step: str, condition: str | None, names: Mapping[str, str] | None, values: Mapping[str, Value] | None
) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if condition is not None:
        found["ConditionExpression"] = condition
    if names is not None:
        found["ExpressionAttributeNames"] = names
    if values is not None:
        found["ExpressionAttributeValues"] = attributes(step, values)
    return found


def _problems(name: str, arguments: Mapping[str, Value]) -> Iterator[Misfit]:
    """What DynamoDB would not take, whatever the item is."""
    for argument, word in EXPRESSIONS.items():
        if arguments.get(argument) in ({}, ""):
            yield f"{name!r} has an empty {word}", f"write the {word}, or leave it out where it is not needed"
    returned = arguments.get("ReturnValues")
    if returned is not None and returned not in get_args(Returned):
        yield f"{name!r} has returned={shown(returned)}, wanted one of {', '.join(get_args(Returned))}", "choose one"
    if not isinstance(arguments.get("ConsistentRead", True), bool):
        yield f"{name!r} has consistent={shown(arguments['ConsistentRead'])}, wanted True or False", "choose one"
    names = arguments.get("ExpressionAttributeNames", {})
    if not isinstance(names, Mapping) or not all(isinstance(each, str) for each in names.values()):
        yield f"the names of {name!r} are no names of attributes", 'write {"#status": "status"}'


def _task(
    name: str, table: TableLike, action: str, arguments: Mapping[str, Value], options: TaskOptions, *, answer: str
) -> Task:
    inner = table_of(name, table)

    def statements(scope: Construct) -> list[iam.PolicyStatement]:
        if isinstance(table, MeasuresActions):
            table.watch_actions([action])
        found = [iam.PolicyStatement(actions=[f"dynamodb:{action}"], resources=[inner.table_arn])]
        if inner.encryption_key is not None:
            found.append(use_through(scope, inner.encryption_key, "dynamodb", "kms:Decrypt"))
        return found

    return make_task(
        name,
        f"dynamodb:{action[0].lower()}{action[1:]}",
        {"TableName": inner.table_name, **arguments},
        options,
        service="DynamoDB",
        answer=answer,
        statements=statements,
        problems=[*_problems(name, arguments)],
        target=inner,
    )
