"""What a task of a state machine needs to be allowed.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constructs_lib.assembly.arn import Arn
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.state_machine import State

FUNCTION = "AWS::Lambda::Function"
CALL = re.compile(r"(?P<service>[\w-]+):(?P<sdk>[\w-]+:)?(?P<operation>\w+)(?:\.\w+(?::\d+)?)*$")
# Where a task of a service tells its resource, and of which type that is.
TARGETS: Mapping[str, tuple[str, str]] = {
    "dynamodb": ("TableName", "AWS::DynamoDB::Table"),
    "lambda": ("FunctionName", FUNCTION),
    "sns": ("TopicArn", "AWS::SNS::Topic"),
    "sqs": ("QueueUrl", "AWS::SQS::Queue"),
    "states": ("StateMachineArn", "AWS::StepFunctions::StateMachine"),
}
SERVICES: Mapping[str, str] = {  # what IAM calls a service that Step Functions calls otherwise
    "apigateway": "execute-api",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "eventbridge": "events",
    "elasticloadbalancingv2": "elasticloadbalancing",
    "emr-containers": "emr-containers",
    "rdsdata": "rds-data",
    "sesv2": "ses",
    "sfn": "states",
    "bedrockruntime": "bedrock",
    "cloudwatchevents": "events",
}
# Operations whose action is called otherwise; those with several are allowed by any one of them.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "apigateway:invoke": ("execute-api:Invoke",),
    "dynamodb:batchExecuteStatement": ("dynamodb:PartiQLSelect", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"),
    "dynamodb:executeStatement": ("dynamodb:PartiQLSelect", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"),
    "dynamodb:executeTransaction": ("dynamodb:PartiQLSelect", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"),
    "dynamodb:transactGetItems": ("dynamodb:GetItem",),
    "dynamodb:transactWriteItems": ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"),
    "http:invoke": ("states:InvokeHTTPEndpoint",),
    "lambda:invoke": ("lambda:InvokeFunction",),
    "s3:copyObject": ("s3:PutObject",),
    "s3:createMultipartUpload": ("s3:PutObject",),
    "s3:deleteObjects": ("s3:DeleteObject",),
    "s3:headBucket": ("s3:ListBucket",),
    "s3:headObject": ("s3:GetObject",),
    "s3:listBuckets": ("s3:ListAllMyBuckets",),
    "s3:listObjects": ("s3:ListBucket",),
    "s3:listObjectsV2": ("s3:ListBucket",),
    "s3:selectObjectContent": ("s3:GetObject",),
    "s3:uploadPart": ("s3:PutObject",),
    "sqs:sendMessageBatch": ("sqs:SendMessage",),
    "sqs:deleteMessageBatch": ("sqs:DeleteMessage",),
    "sns:publishBatch": ("sns:Publish",),
    "bedrock:converse": ("bedrock:InvokeModel",),
    "iotdataplane:publish": ("iot:Publish",),
    "opensearch:esHttpGet": ("es:ESHttpGet",),
}
# Services of which each operation has an action of its own name, as far as serverless apps call them from a task.
SAME_NAME = frozenset(
    [
        "athena", "batch", "bedrock", "codebuild", "cognito-idp", "comprehend", "databrew", "dynamodb", "ecs", "eks",
        "events", "firehose", "glue", "kinesis", "kms", "lambda", "logs", "polly", "rds-data", "rekognition", "s3",
        "sagemaker", "scheduler", "secretsmanager", "ses", "sns", "sqs", "ssm", "states", "textract", "transcribe",
        "translate",
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Need:
    """What one task needs.

    Args:
        actions: The action; of several any one will do.
        target: The resource as a user knows it; empty when the task does not tell.
        arns: The ARNs by which the resource may be meant.
    """

    actions: tuple[str, ...]
    target: str = ""
    arns: tuple[Text, ...] = ()


def need_of(assembly: Assembly, task: State) -> Need | None:
    """Return what a task needs; none when it needs nothing, or nobody can tell."""
    if task.resource is None:
        return None
    arn = Arn.parse(task.resource)
    if arn is None or arn.service.literal == "lambda":
        function = assembly.target(task.resource, FUNCTION)
        return _on(assembly, ("lambda:InvokeFunction",), task.resource, FUNCTION) if function is not None else None
    told = CALL.fullmatch(arn.resource.literal or "")
    if arn.service.literal != "states" or told is None or arn.account.literal != "":
        return None
    return _need(assembly, task, _service(told), told["operation"])


def _service(told: re.Match[str]) -> str:
    return told["sdk"].rstrip(":") if told["service"] == "aws-sdk" and told["sdk"] else told["service"]


def _need(assembly: Assembly, task: State, service: str, operation: str) -> Need | None:
    prefix = SERVICES.get(service, service)
    actions = ACTIONS.get(f"{service}:{operation}") or ACTIONS.get(f"{prefix}:{operation}")
    if actions is None:
        if prefix not in SAME_NAME:
            return None
        actions = (f"{prefix}:{operation[0].upper()}{operation[1:]}",)
    at, kind = TARGETS.get(prefix, ("", ""))
    found = list(texts([task.argument(at)])) if at else []
    # An expression is decided while the state machine runs.
    if len(found) != 1 or str(found[0]).startswith(("$", "{%", "States.")):
        return Need(actions)
    return _on(assembly, actions, found[0], kind)


def _on(assembly: Assembly, actions: tuple[str, ...], told: Text, kind: str) -> Need:
    bare = told if Arn.parse(told) is not None or kind != FUNCTION else told.split(":", 1)[0]
    node = assembly.target(bare, kind)
    if not isinstance(node, Resource):
        return Need(actions)
    return Need(actions, str(node), (*assembly.arns(node), told))  # a version or an alias may be granted as itself
