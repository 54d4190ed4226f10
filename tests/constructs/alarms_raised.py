"""The alarms that constructs raise, as tests of them look at them."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb

from constructs_lib import (
    DynamoTable,
    EventBus,
    Iam,
    QueueWorker,
    RelationalDatabase,
    Schedule,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    StreamWorker,
    Topic,
    UploadBucket,
    Workflow,
    put_item,
    step,
)
from constructs_lib.wiring.alarm_registry import alarms_of
from constructs_lib.wiring.resource import resource_of
from tests.templates import resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
IMAGES = dynamodb.StreamViewType.NEW_AND_OLD_IMAGES


def alarms_in(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    """The alarms in the template of a stack, by their place in it."""
    template = resources_of(template_of(stack), "AWS::CloudWatch::Alarm")
    found = {}
    for path, alarm in alarms_of(stack).alarms:
        logical_id = stack.resolve(resource_of(alarm, cloudwatch.CfnAlarm).logical_id)
        found[path.removeprefix("Shop/").replace("/Alarms/", "/")] = template.pop(logical_id)["Properties"]
    assert template == {}
    return found


def everything(stack: cdk.Stack) -> None:
    """One of each construct."""
    function = SecureFunction(stack, "Report", entry=ENTRY)
    table = DynamoTable(stack, "Orders", partition_key="id", stream=IMAGES)
    table.grant(function, "GetItem", "DescribeTable")
    worker = QueueWorker(stack, "Emails", entry=ENTRY)
    StreamWorker(stack, "Search", table=table, entry=ENTRY)
    Topic(stack, "News").subscribe(worker)
    Schedule(stack, "Nightly", expression="rate(1 day)", target=function)
    EventBus(stack, "Bus").add_rule("Placed", {"source": ["shop"]}, worker)
    UploadBucket(stack, "Uploads").on_upload(function)
    Workflow(stack, "Fulfil", steps=[step("Greet", function), put_item("Save", table, {"id": "1"})])
    api = SecureApi(stack, "Api", auth=Iam())
    SecureApiFunction(stack, "Greet", api=api, route="GET /greet", entry=ENTRY)
    RelationalDatabase(stack, "Ledger")
