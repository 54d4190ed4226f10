"""A stack of what the orders example lacks, all of it with content that would harm a page that took it for markup."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

HOSTILE = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>\'"`${1}</pre>\u202e'
LOUD = """
import os
import boto3
def handler(event, context):
    print(os.environ["HOSTILE"])
    print(event)
    if isinstance(event, dict) and event.get("denied"):
        boto3.client("dynamodb").delete_item(TableName=os.environ["TABLE"], Key={"id": {"S": "x"}})
    return {"hostile": os.environ["HOSTILE"]}
"""
WRITING = """
import os
import boto3
def handler(event, context):
    boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item={"id": {"S": event["id"]}})
"""
READING = """
def handler(event, context):
    print([each["dynamodb"]["Keys"]["id"]["S"] for each in event["Records"]])
"""
FAILING = """
def handler(event, context):
    raise ValueError("<b>poison</b>")
"""


class Extras(cdk.Stack):
    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        table = dynamodb.Table(
            self,
            "Things",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            stream=dynamodb.StreamViewType.KEYS_ONLY,
        )
        writing = self._function("Writing", WRITING, TABLE=table.table_name)
        table.grant_write_data(writing)
        self._function("Reading", READING).add_event_source(
            sources.DynamoEventSource(table, starting_position=lambda_.StartingPosition.TRIM_HORIZON)
        )
        s3.Bucket(self, "Files")
        loud = self._function("Loud", LOUD, HOSTILE=HOSTILE, TABLE=table.table_name)
        dead = sqs.Queue(self, "Dead")
        work = sqs.Queue(
            self,
            "Work",
            visibility_timeout=cdk.Duration.seconds(2),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=1),
        )
        failing = self._function("Failing", FAILING)
        failing.add_event_source(sources.SqsEventSource(work))
        sqs.Queue(self, "Quiet")
        role = iam.Role(self, "Clock", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        loud.grant_invoke(role)
        scheduler.CfnSchedule(
            self,
            "Yearly",
            schedule_expression="rate(365 days)",
            flexible_time_window={"mode": "OFF"},
            target={"arn": loud.function_arn, "roleArn": role.role_arn, "input": '{"from": "the clock"}'},
        )
        steps = sfn.Pass(self, HOSTILE[:70]).next(sfn.Succeed(self, "Over"))
        sfn.StateMachine(self, "Hostile", definition_body=sfn.DefinitionBody.from_chainable(steps))

    def _function(self, name: str, code: str, **variables: str) -> lambda_.Function:
        return lambda_.Function(
            self,
            name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline(code),
            timeout=cdk.Duration.seconds(2),
            environment=variables,
        )
