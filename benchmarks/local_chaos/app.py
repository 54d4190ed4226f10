"""The app that is tormented: an API whose function writes to a table, and a queue whose worker writes to it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs

if TYPE_CHECKING:
    from pathlib import Path

STACK = "Torment"
CREATE = """
import os
import boto3
table, queue = boto3.client("dynamodb"), boto3.client("sqs")
def handler(event, context):
    item = event["pathParameters"]["id"]
    table.put_item(TableName=os.environ["TABLE"], Item={"id": {"S": item}})
    queue.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=item)
    return {"statusCode": 201, "body": item}
"""
WORK = """
import os
import boto3
table = boto3.client("dynamodb")
def handler(event, context):
    for record in event["Records"]:
        table.put_item(TableName=os.environ["TABLE"], Item={"id": {"S": "worked/" + record["body"]}})
"""


def synthesize(folder: Path) -> Path:
    """Write the assembly; the folder it is in."""
    app = cdk.App(outdir=str(folder))
    stack = cdk.Stack(app, STACK)
    table = dynamodb.Table(
        stack, "Table", partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    )
    queue = sqs.Queue(stack, "Queue", visibility_timeout=cdk.Duration.seconds(2))
    create = lambda_.Function(
        stack,
        "Create",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline(CREATE),
        timeout=cdk.Duration.seconds(10),
        environment={"TABLE": table.table_name, "QUEUE": queue.queue_url},
    )
    work = lambda_.Function(
        stack,
        "Work",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline(WORK),
        timeout=cdk.Duration.seconds(2),
        environment={"TABLE": table.table_name},
    )
    work.add_event_source(sources.SqsEventSource(queue))
    table.grant(create, "dynamodb:PutItem")
    table.grant(work, "dynamodb:PutItem")
    queue.grant_send_messages(create)
    api = apigateway.HttpApi(stack, "Api")
    api.add_routes(
        path="/items/{id}",
        methods=[apigateway.HttpMethod.POST],
        integration=integrations.HttpLambdaIntegration("Create", create),
    )
    cdk.CfnOutput(stack, "TableName", value=table.table_name)
    app.synth()
    return folder
