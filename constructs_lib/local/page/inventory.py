"""What is deployed, as the page lists it: routes, functions, queues, tables, buckets, workflows, schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constructs_lib.local.deployed_names import with_nested

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.local.deploy import DeployedStack, Resource
    from constructs_lib.local.deployed_aws import DeployedAws

FUNCTIONS = ("AWS::Lambda::Function",)
QUEUES = ("AWS::SQS::Queue",)
TABLES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
BUCKETS = ("AWS::S3::Bucket",)
MACHINES = ("AWS::StepFunctions::StateMachine",)
SCHEDULES = ("AWS::Scheduler::Schedule", "AWS::Events::Rule")

Listed = dict[str, Any]


def inventory(aws: DeployedAws) -> Listed:
    """Return everything the page has a list of, without what changes while it is looked at."""
    return {
        "url": aws.url,
        "endpoint": aws.endpoint,
        "region": aws.clients.region,
        "stacks": [{"name": each.artifact.name, "region": each.region} for each in aws.stacks],
        "routes": [
            {
                "method": each.method, "path": each.path, "url": each.url, "body": each.body,
                "authorization": each.authorization, "construct": each.construct,
            }
            for each in aws.routes
        ],
        "functions": [_function(*each) for each in _of(aws, FUNCTIONS)],
        "queues": _queues(aws),
        "tables": [_plain(*each) for each in _of(aws, TABLES)],
        "buckets": [_plain(*each) for each in _of(aws, BUCKETS)],
        "machines": [_plain(*each) for each in _of(aws, MACHINES)],
        "names": {
            each.physical_id.rpartition("/")[2].rpartition(":")[2]: stack.path_of(each)
            for stack in with_nested(aws.stacks)
            for each in stack.resources.values()
        },
        "schedules": [each for stack, resource in _of(aws, SCHEDULES) if (each := _schedule(stack, resource))],
    }  # fmt: skip


def _of(aws: DeployedAws, types: tuple[str, ...]) -> Iterator[tuple[DeployedStack, Resource]]:
    return ((stack, resource) for stack in with_nested(aws.stacks) for resource in stack.of_type(*types))


def _plain(stack: DeployedStack, resource: Resource) -> Listed:
    return {"id": resource.physical_id, "path": stack.path_of(resource), "region": stack.region}


def _properties(stack: DeployedStack, resource: Resource) -> dict[str, Any]:
    declared = stack.artifact.resources.get(resource.logical_id, {}).get("Properties")
    return declared if isinstance(declared, dict) else {}


def _function(stack: DeployedStack, resource: Resource) -> Listed:
    told = _properties(stack, resource)
    shown = {"runtime": "Runtime", "memory": "MemorySize", "timeout": "Timeout", "handler": "Handler"}
    return _plain(stack, resource) | {name: told.get(key) for name, key in shown.items()}


def _queues(aws: DeployedAws) -> list[Listed]:
    """Every queue, with the names of those whose failures it takes."""
    found = []
    for stack, resource in _of(aws, QUEUES):
        sources = [
            stack.path_of(other)
            for other in stack.of_type(*QUEUES)
            if _dead_letters(_properties(stack, other)) == resource.logical_id
        ]
        name = resource.physical_id.rpartition("/")[2]
        found.append(_plain(stack, resource) | {"name": name, "dead_letters_of": sources})
    return found


def _dead_letters(properties: dict[str, Any]) -> str:
    """The logical id of the queue that a queue's redrive policy names."""
    policy = properties.get("RedrivePolicy")
    target = policy.get("deadLetterTargetArn") if isinstance(policy, dict) else None
    told = target.get("Fn::GetAtt") if isinstance(target, dict) else None
    return str(told[0] if isinstance(told, list) and told else told or "").partition(".")[0]


def _schedule(stack: DeployedStack, resource: Resource) -> Listed | None:
    told = _properties(stack, resource)
    if not isinstance(told.get("ScheduleExpression"), str):
        return None
    kind = "rule" if resource.type == "AWS::Events::Rule" else "schedule"
    name = resource.physical_id.rpartition("/" if kind == "schedule" else "|")[2]
    return _plain(stack, resource) | {
        "name": name,
        "kind": kind,
        "expression": told["ScheduleExpression"],
        "timezone": told.get("ScheduleExpressionTimezone") or "UTC",
    }
