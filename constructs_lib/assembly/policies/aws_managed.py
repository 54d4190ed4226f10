"""What AWS's own managed policies allow, as far as it writes, sends, invokes or starts: what could make something run.

Policies that allow none of that are listed too, empty, since what is not listed is not known.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs_lib.assembly.value import Text

NOTHING: tuple[str, ...] = ()

# Actions on every resource, by the policy's name. `!` before actions: all but these.
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "AWSCloudFormationFullAccess": NOTHING,
    "AWSCodeDeployRoleForLambda": ("lambda:invokefunction", "sns:publish"),
    "AWSCodeDeployRoleForLambdaLimited": ("lambda:invokefunction",),
    "AWSLambdaBasicExecutionRole": NOTHING,
    "AWSLambdaDynamoDBExecutionRole": NOTHING,
    "AWSLambdaENIManagementAccess": NOTHING,
    "AWSLambdaExecute": ("s3:getobject", "s3:putobject", "logs:*"),
    "AWSLambdaFullAccess": (
        "dynamodb:*",
        "events:*",
        "kinesis:*",
        "lambda:*",
        "logs:*",
        "s3:*",
        "sns:*",
        "sqs:*",
    ),
    "AWSLambdaInvocation-DynamoDB": ("lambda:invokefunction",),
    "AWSLambdaKinesisExecutionRole": NOTHING,
    "AWSLambdaMSKExecutionRole": NOTHING,
    "AWSLambdaRole": ("lambda:invokefunction",),
    "AWSLambdaSQSQueueExecutionRole": NOTHING,
    "AWSLambdaVPCAccessExecutionRole": NOTHING,
    "AWSLambda_FullAccess": ("lambda:*",),
    "AWSLambda_ReadOnlyAccess": NOTHING,
    "AWSStepFunctionsConsoleFullAccess": ("states:*",),
    "AWSStepFunctionsFullAccess": ("states:*",),
    "AWSStepFunctionsReadOnlyAccess": NOTHING,
    "AWSXRayDaemonWriteAccess": NOTHING,
    "AWSXrayFullAccess": NOTHING,
    "AWSXrayWriteOnlyAccess": NOTHING,
    "AdministratorAccess": ("*",),
    "AmazonAPIGatewayInvokeFullAccess": ("execute-api:invoke",),
    "AmazonAPIGatewayPushToCloudWatchLogs": NOTHING,
    "AmazonCognitoPowerUser": NOTHING,
    "AmazonDynamoDBFullAccess": ("dynamodb:*",),
    "AmazonDynamoDBFullAccess_v2": ("dynamodb:*",),
    "AmazonDynamoDBReadOnlyAccess": NOTHING,
    "AmazonEC2ContainerRegistryReadOnly": NOTHING,
    "AmazonECSTaskExecutionRolePolicy": NOTHING,
    "AmazonEventBridgeFullAccess": ("events:*", "scheduler:*"),
    "AmazonEventBridgeSchedulerFullAccess": ("scheduler:*",),
    "AmazonKinesisFirehoseFullAccess": ("firehose:*",),
    "AmazonKinesisFullAccess": ("kinesis:*",),
    "AmazonKinesisReadOnlyAccess": NOTHING,
    "AmazonRekognitionFullAccess": NOTHING,
    "AmazonS3FullAccess": ("s3:*",),
    "AmazonS3ObjectLambdaExecutionRolePolicy": NOTHING,
    "AmazonS3ReadOnlyAccess": NOTHING,
    "AmazonSESFullAccess": NOTHING,
    "AmazonSNSFullAccess": ("sns:*",),
    "AmazonSNSReadOnlyAccess": NOTHING,
    "AmazonSNSRole": NOTHING,
    "AmazonSQSFullAccess": ("sqs:*",),
    "AmazonSQSReadOnlyAccess": NOTHING,
    "AmazonSSMManagedInstanceCore": NOTHING,
    "AmazonSSMReadOnlyAccess": NOTHING,
    "AmazonTextractFullAccess": NOTHING,
    "AmazonVPCFullAccess": NOTHING,
    "CloudWatchEventsFullAccess": ("events:*",),
    "CloudWatchFullAccess": ("cloudwatch:*", "logs:*", "sns:*"),
    "CloudWatchFullAccessV2": ("cloudwatch:*", "logs:*"),
    "CloudWatchLambdaApplicationSignalsExecutionRolePolicy": NOTHING,
    "CloudWatchLambdaInsightsExecutionRolePolicy": NOTHING,
    "CloudWatchLogsFullAccess": ("logs:*",),
    "CloudWatchReadOnlyAccess": NOTHING,
    "IAMFullAccess": NOTHING,
    "PowerUserAccess": ("!", "iam:*", "organizations:*", "account:*"),
    "ReadOnlyAccess": NOTHING,
    "SecretsManagerReadWrite": NOTHING,
    "SecurityAudit": NOTHING,
    "TranslateFullAccess": NOTHING,
    "ViewOnlyAccess": NOTHING,
}
ALL_BUT = "!"


def name_of(arn: Text) -> str | None:
    """Return the name of a policy of AWS's own; none for any other."""
    literal = arn.literal
    if literal is None or ":iam::aws:policy/" not in literal:
        return None
    return literal.rpartition("/")[2]
