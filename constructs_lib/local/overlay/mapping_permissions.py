"""Lambda polls a queue or stream with the role of the function, and refuses a mapping the role cannot read for.

Stock reads for everybody. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from constructs_lib.local.overlay.authority import Role, here
from constructs_lib.local.overlay.base import base
from constructs_lib.local.overlay.patching import Patch

QUEUE_ACTIONS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
STREAM_ACTIONS = ("GetRecords", "GetShardIterator", "DescribeStream")


def queue_problem(role: Role, queue: Mapping[str, Any], region: str) -> str:
    """Why Lambda cannot poll the queue with the role; empty when it can. That it is asked is no use of the right."""
    arn = queue["attributes"]["QueueArn"]
    for action in QUEUE_ACTIONS:
        if denial := role.denial(f"sqs:{action}", arn, region=region, is_use=False):
            return f"The function execution role does not have permissions to call {action} on SQS: {denial}"
    key = queue["attributes"].get("KmsMasterKeyId") or ""
    if key and not key.startswith("alias/aws/") and (found := base("services.kms")._resolve_key(key)):
        keys = {"kms:ViaService": f"sqs.{region}.amazonaws.com"}
        return role.denial("kms:Decrypt", found["Arn"], region=region, keys=keys, required=True, is_use=False)
    return ""


def stream_problem(role: Role, arn: str, region: str) -> str:
    """Why Lambda cannot read the stream of a table, or the Kinesis stream, with the role; empty when it can.

    That it is asked is no use of the right.
    """
    service = arn.split(":")[2]
    for action in STREAM_ACTIONS:
        if denial := role.denial(f"{service}:{action}", arn, region=region, is_use=False):
            return f"Cannot access stream {arn}: {denial}"
    return ""


def mapping_problem(function_reference: str, source_arn: str) -> str:
    """Why a mapping cannot be created; empty when it can, and when what it maps is not there (stock says so)."""
    record, configuration, _ = base("services.lambda_svc")._get_func_record_for_ref(function_reference)
    if record is None or configuration is None:
        return ""
    _, region = here()
    role = Role(configuration.get("Role") or "", configuration["FunctionName"])
    if ":dynamodb:" in source_arn or ":kinesis:" in source_arn:
        return stream_problem(role, source_arn, region)
    queue = base("services.sqs")._queue_by_arn(source_arn) if ":sqs:" in source_arn else None
    if queue is None:
        return ""
    visibility, timeout = int(queue["attributes"].get("VisibilityTimeout", "30")), int(configuration["Timeout"])
    if visibility < timeout:
        return f"Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds"
    return queue_problem(role, queue, region)


def _wrap_api(stock: Any) -> Any:
    def create_esm(data: Any) -> Any:
        problem = mapping_problem(data.get("FunctionName", ""), data.get("EventSourceArn", ""))
        if not problem:
            return stock(data)
        told = {"__type": "InvalidParameterValueException", "Type": "User", "message": problem}
        headers = {"Content-Type": "application/json", "x-amzn-errortype": "InvalidParameterValueException"}
        return 400, headers, json.dumps(told).encode()

    return create_esm


def _wrap_provisioner(stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        problem = mapping_problem(props.get("FunctionName", ""), props.get("EventSourceArn", ""))
        if problem:
            raise ValueError(problem)
        return stock(logical_id, props, stack_name)

    return create


PATCHES = (
    Patch("services.lambda_svc", "_create_esm", ("data",), _wrap_api),
    Patch(
        "services.cloudformation.provisioners",
        "_RESOURCE_HANDLERS/AWS::Lambda::EventSourceMapping/create",
        ("logical_id", "props", "stack_name"),
        _wrap_provisioner,
    ),
)
