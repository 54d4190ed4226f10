"""What a task of a workflow needs of the workflow's role, and what AWS calls it when the role may not.

https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
"""

from __future__ import annotations

import contextlib
import contextvars
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from constructs_lib.local.overlay.authority import Role, here
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.event_conditions import keys_of

# The errors of the services' clients where a call is denied: the client knows no name for it but its own.
_CLIENT_ERRORS = {
    "lambda": ("Lambda.AWSLambdaException", "AWSLambda", 403),
    "dynamodb": ("DynamoDB.AmazonDynamoDBException", "AmazonDynamoDBv2", 400),
    "sqs": ("SQS.AmazonSQSException", "AmazonSQS", 403),
    "sns": ("SNS.AuthorizationErrorException", "AmazonSNS", 403),
    "events": ("EventBridge.AmazonEventBridgeException", "AmazonEventBridge", 400),
    "states": ("StepFunctions.AWSStepFunctionsException", "AWSStepFunctions", 400),
    "s3": ("States.ItemReaderFailed", "Amazon S3", 403),
}
# Where the name of a service in a task is not the prefix of its actions.
_PREFIXES = {"sfn": "states", "eventbridge": "events", "cloudwatchlogs": "logs", "sesv2": "ses"}

_role: contextvars.ContextVar[Role | None] = contextvars.ContextVar("workflow_role", default=None)
_machine: contextvars.ContextVar[str] = contextvars.ContextVar("workflow_machine", default="")


@dataclass(frozen=True, slots=True)
class Need:
    """One thing the role must be allowed.

    Args:
        action: The action.
        resource: What it acts on; empty where that is not known here, and any will do.
        keys: The condition keys of the call.
    """

    action: str
    resource: str
    keys: Mapping[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def role_of(execution: Mapping[str, Any]) -> Iterator[None]:
    """Run tasks of this execution with its workflow's role."""
    machine_arn = execution["stateMachineArn"].split("/")[0]  # a child of a distributed Map has a label after it
    machine = base("services.stepfunctions")._state_machines.get(machine_arn) or {}
    before = _role.set(Role(machine.get("roleArn", ""), str(execution["name"])[:64]))
    machine_before = _machine.set(machine_arn)
    try:
        yield
    finally:
        _machine.reset(machine_before)
        _role.reset(before)


def current_role() -> Role | None:
    """The role of the execution this thread runs a task of."""
    return _role.get()


def current_machine() -> str:
    """The ARN of the workflow whose execution this thread runs a task of; empty when it runs none."""
    return _machine.get()


def check(needs: list[Need]) -> None:
    """Fail the task, as AWS does, unless the role may do all of it."""
    role = _role.get()
    _, region = here()
    for need in needs:
        if role is None:
            return
        if need.resource:
            denial = role.denial(need.action, need.resource, region=region, keys=need.keys)
        else:
            denial = role.denial_anywhere(need.action, region=region)
        if denial:
            raise _denied(need.action.partition(":")[0], denial)


def _denied(service: str, denial: str) -> Exception:
    code, client, status = _CLIENT_ERRORS.get(service, (f"{service.capitalize()}.AccessDeniedException", service, 400))
    cause = f"{denial} (Service: {client}; Status Code: {status}; Error Code: AccessDeniedException)"
    error: Exception = base("services.stepfunctions")._ExecutionError(code, cause)
    return error


def needs_of(resource: str, arguments: Any) -> list[Need]:
    """What a task needs.

    Args:
        resource: Its `Resource`, without `.waitForTaskToken`.
        arguments: Its arguments, resolved.
    """
    account, region = here()
    if ":function:" in resource:
        return [Need("lambda:InvokeFunction", resource)]
    if not isinstance(arguments, dict) or ":states:::" not in resource:
        return []
    api = resource.partition(":states:::")[2]
    service, _, operation = api.partition(":")
    match service:
        case "lambda":
            function = arguments.get("FunctionName", "")
            arn = function if function.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{function}"
            return [Need("lambda:InvokeFunction", arn)]
        case "sqs":
            name = arguments.get("QueueUrl", "").rsplit("/", 1)[-1]
            return [Need("sqs:SendMessage", f"arn:aws:sqs:{region}:{account}:{name}")]
        case "sns":
            return [Need("sns:Publish", arguments.get("TopicArn", ""))]
        case "events":
            return [_put(each, region, account) for each in arguments.get("Entries", [])]
        case "dynamodb":
            table = arguments.get("TableName", "")
            arn = table if table.startswith("arn:") else f"arn:aws:dynamodb:{region}:{account}:table/{table}"
            return [Need(f"dynamodb:{operation[:1].upper()}{operation[1:]}", arn)]
        case "states":
            return _start(arguments, operation, region, account)
        case "aws-sdk":
            return [sdk_need(operation, arguments, region, account)]
    return []


def _put(entry: Mapping[str, Any], region: str, account: str) -> Need:
    bus = entry.get("EventBusName") or "default"
    arn = bus if bus.startswith("arn:") else f"arn:aws:events:{region}:{account}:event-bus/{bus}"
    return Need("events:PutEvents", arn, keys_of([entry]))


def _start(arguments: Mapping[str, Any], operation: str, region: str, account: str) -> list[Need]:
    machine = arguments.get("StateMachineArn", "")
    needs = [Need("states:StartExecution", machine)]
    if ".sync" in operation:
        name = machine.rsplit(":", 1)[-1]
        executions = f"arn:aws:states:{region}:{account}:execution:{name}:any"
        needs.append(Need("states:DescribeExecution", executions))
    return needs


def sdk_need(operation: str, arguments: dict[str, Any], region: str, account: str) -> Need:
    """Any API: the resource as the front of the base finds it for the same call over JSON."""
    service, _, name = operation.partition(":")
    prefix = _PREFIXES.get(service, service)
    name = f"{name[:1].upper()}{name[1:]}"
    find = base("core.iam_actions").extract_resource_arn
    if prefix == "lambda" and (function := str(arguments.get("FunctionName") or "")):
        arn = function if function.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{function}"
        qualifier = arguments.get("Qualifier")
        return Need(f"{prefix}:{name}", f"{arn}:{qualifier}" if qualifier else arn)
    body = json.dumps(arguments, default=str).encode()
    headers = {"x-amz-target": f"{prefix}.{name}", "content-type": "application/x-amz-json-1.0"}
    resource = find(prefix, "POST", "/", headers, body, {}, region, account)
    return Need(f"{prefix}:{name}", "" if resource == "*" else str(resource))
