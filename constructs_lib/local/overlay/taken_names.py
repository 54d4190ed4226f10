"""A resource whose name is taken fails its stack.

Stock takes over what has the name, whoever made it, and deletes it with the stack.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

# The property that names a resource, and where the base keeps those that are there: by name, or by ARN. Buckets and
# buses are asked for by the base itself. Log groups are taken over as before: a function makes its own when it writes,
# also while its stack is being rolled back, and the next deployment would fail for that.
NAMED: Mapping[str, tuple[str, str, str]] = {
    "AWS::DynamoDB::GlobalTable": ("TableName", "services.dynamodb", "_tables"),
    "AWS::DynamoDB::Table": ("TableName", "services.dynamodb", "_tables"),
    "AWS::IAM::Role": ("RoleName", "services.iam", "_roles"),
    "AWS::Kinesis::Stream": ("Name", "services.kinesis", "_streams"),
    "AWS::Lambda::Function": ("FunctionName", "services.lambda_svc", "_functions"),
    "AWS::SNS::Topic": ("TopicName", "services.sns", "_topics"),
    "AWS::SQS::Queue": ("QueueName", "services.sqs", "_queue_name_to_url"),
    "AWS::SSM::Parameter": ("Name", "services.ssm", "_parameters"),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", "services.stepfunctions", "_state_machines"),
}


def taken_name(type_: str, properties: Any) -> str | None:
    """The name that a resource asks for and another one has; none when it may have it, or asks for none."""
    if type_ not in NAMED or not isinstance(properties, dict):
        return None
    field, module, store = NAMED[type_]
    name = properties.get(field)
    if not name or not isinstance(name, str):
        return None
    there = getattr(base(module), store)
    return name if name in there or any(str(key).rpartition(":")[2] == name for key in there) else None


def _wrap(stock: Any) -> Any:
    def _provision_resource(resource_type: Any, logical_id: Any, props: Any, stack_name: Any) -> Any:
        name = taken_name(resource_type, props)
        if name is not None:
            raise ValueError(f"Resource of type '{resource_type}' with identifier '{name}' already exists.")
        return stock(resource_type, logical_id, props, stack_name)

    return _provision_resource


PATCHES = (
    Patch(
        "services.cloudformation.stacks",
        "_provision_resource",
        ("resource_type", "logical_id", "props", "stack_name"),
        _wrap,
    ),
)
