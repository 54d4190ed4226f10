"""Actions as AWS writes them: policies are compared without regard to case, and read by people who look them up."""

from __future__ import annotations

SPELLED = {
    each.lower(): each
    for each in (
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:PartiQLDelete",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "events:PutEvents",
        "execute-api:Invoke",
        "firehose:PutRecord",
        "firehose:PutRecordBatch",
        "kinesis:PutRecord",
        "kinesis:PutRecords",
        "lambda:InvokeAsync",
        "lambda:InvokeFunction",
        "lambda:InvokeFunctionUrl",
        "logs:PutLogEvents",
        "s3:DeleteObject",
        "s3:DeleteObjectTagging",
        "s3:DeleteObjectVersion",
        "s3:DeleteObjectVersionTagging",
        "s3:PutObject",
        "s3:PutObjectAcl",
        "s3:PutObjectTagging",
        "s3:PutObjectVersionAcl",
        "s3:PutObjectVersionTagging",
        "s3:RestoreObject",
        "sns:Publish",
        "sqs:SendMessage",
        "states:RedriveExecution",
        "states:StartExecution",
        "states:StartSyncExecution",
    )
}


def spelled(action: str) -> str:
    """Return an action as AWS writes it; as it is when it is not one that makes something run."""
    return SPELLED.get(action, action)
