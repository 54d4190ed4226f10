"""A resource whose name is taken fails its stack, and so does a route, or a piece of a path, that its API has already.

Stock takes over what has the name, whoever made it, and deletes it with the stack; of two routes of one key either
answers. An update makes what is new before it deletes what is old, so a route cannot get another logical id.
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


def taken_route(type_: str, properties: Any) -> str | None:
    """Why an API takes no such route, or no such piece of a path; none when it does."""
    if not isinstance(properties, dict):
        return None
    if type_ == "AWS::ApiGatewayV2::Route":
        there = base("services.apigateway")._routes.get(properties.get("ApiId"), {})
        key = properties.get("RouteKey", "$default")
        if any(route.get("routeKey") == key for route in there.values()):
            return f"Route with key {key} already exists for this API"
    if type_ == "AWS::ApiGateway::Resource":
        there = base("services.apigateway_v1")._resources.get(properties.get("RestApiId"), {})
        part = str(properties.get("PathPart", ""))
        for beside in there.values():
            if beside.get("parentId") != properties.get("ParentId"):
                continue
            if beside.get("pathPart") == part:
                return f"Another resource with the same parent already has this name: {part}"
            if part.startswith("{") and str(beside.get("pathPart")).startswith("{"):
                return (
                    f"A sibling ({beside['id']}) of this resource already has a variable path part -- only one unique "
                    "variable path part is allowed"
                )
    return None


def _wrap(stock: Any) -> Any:
    def _provision_resource(resource_type: Any, logical_id: Any, props: Any, stack_name: Any) -> Any:
        conflict = taken_route(resource_type, props)
        if conflict is not None:
            raise ValueError(f"{conflict} (Status Code: 409; Error Code: ConflictException)")
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
