"""A hand-written stack of things that take time: queues, schedules, workflows, retries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.local.session.example_app import ExampleApp, function

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400
SEED = {"id": {"S": "seed"}}

# Every run writes one item whose id says what it was for; what the input asks to fail, fails afterwards.
RECORD = """
import json, os, time, boto3
table = boto3.client("dynamodb")
def handler(event, context):
    records = event.get("Records")
    told = [json.loads(each.get("body", '{"for": "record"}')) for each in records] if records else [event]
    for each in told:
        if "sleep" in each:
            print("sleeping")
            time.sleep(each["sleep"])
        item = {"id": {"S": f"{each['for']} {time.time_ns()}"}, "request": {"S": context.aws_request_id}}
        table.put_item(TableName=os.environ["TABLE"], Item=item)
        if each.get("fails"):
            raise ValueError("as told")
    return {"ran": len(told)}
"""
# Writes as the stack is deployed, as a seed would.
SEEDER = """
import json, os, urllib.request, boto3
def handler(event, context):
    if event["RequestType"] != "Delete":
        boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item={"id": {"S": "seed"}})
    answer = {"Status": "SUCCESS", "PhysicalResourceId": "seed", "StackId": event["StackId"],
              "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"]}
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=body, method="PUT"))
"""
WORKER_MAY = {
    "Effect": "Allow",
    "Action": [
        "dynamodb:PutItem",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:SendMessage",
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    ],
    "Resource": [
        {"Fn::GetAtt": ["Items", "Arn"]},
        {"Fn::GetAtt": ["Jobs", "Arn"]},
        {"Fn::GetAtt": ["Dead", "Arn"]},
        {"Fn::GetAtt": ["Source", "StreamArn"]},
    ],
}


def write_work(folder: Path) -> Path:
    """Write the assembly and return its folder."""
    app = ExampleApp(folder)
    app.add_stack("Work", work(app))
    return folder


def work(app: ExampleApp) -> dict[str, Any]:
    recorder = {"Fn::GetAtt": ["WorkRecorder", "Arn"]}
    table = {"Ref": "Items"}
    return {
        "Resources": {
            "Items": _table(),
            "Source": {
                **_table(StreamSpecification={"StreamViewType": "NEW_IMAGE"}),
                "Metadata": {"aws:cdk:path": "Work/Source/Resource"},
            },
            "SourceMapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "FunctionName": {"Ref": "WorkWorker"},
                    "EventSourceArn": {"Fn::GetAtt": ["Source", "StreamArn"]},
                    "StartingPosition": "LATEST",
                    "BatchSize": 1,
                },
            },
            "Jobs": {
                **_queue(VisibilityTimeout=900, RedrivePolicy=_redrive(3)),
                "Metadata": {"aws:cdk:path": "Work/Jobs/Resource"},
            },
            "Dead": _queue(),
            "Inbox": _queue(VisibilityTimeout=900, MessageRetentionPeriod=3600),
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Parameter": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Name": "/jobs/setting", "Value": "deployed"},
            },
            **function(app.code(RECORD), "index.handler", statement=WORKER_MAY, path="Work/Worker", TABLE=table),
            "JobsMapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "FunctionName": {"Ref": "WorkWorker"},
                    "EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]},
                    "BatchSize": 1,
                },
            },
            **function(app.code(RECORD), "index.handler", statement=WORKER_MAY, path="Work/Recorder", TABLE=table),
            "Asynchronous": {
                "Type": "AWS::Lambda::EventInvokeConfig",
                "Properties": {
                    "FunctionName": {"Ref": "WorkRecorder"},
                    "Qualifier": "$LATEST",
                    "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Dead", "Arn"]}}},
                },
            },
            "Caller": _role(["scheduler.amazonaws.com", "states.amazonaws.com"], recorder),
            "Hourly": {
                "Type": "AWS::Scheduler::Schedule",
                "Properties": {
                    "ScheduleExpression": "rate(1 hour)",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {
                        "Arn": recorder,
                        "RoleArn": {"Fn::GetAtt": ["Caller", "Arn"]},
                        "Input": '{"for": "schedule <aws.scheduler.scheduled-time>"}',
                    },
                },
            },
            "Daily": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "ScheduleExpression": "cron(0 3 * * ? *)",
                    "State": "ENABLED",
                    "Targets": [{"Id": "Recorder", "Arn": recorder, "Input": '{"for": "rule"}'}],
                },
            },
            "DailyMayCall": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "Action": "lambda:InvokeFunction",
                    "FunctionName": recorder,
                    "Principal": "events.amazonaws.com",
                    "SourceArn": {"Fn::GetAtt": ["Daily", "Arn"]},
                },
            },
            "WaitADay": _workflow({"Wait": {"Type": "Wait", "Seconds": DAY, "End": True}}),
            "TryAgain": _workflow({"Try": _task(recorder)}),
            "InTime": _workflow({"Wait": {"Type": "Wait", "Seconds": DAY, "End": True}}, TimeoutSeconds=3600),
            "Callback": _workflow({"Ask": _callback(recorder, HeartbeatSeconds=600)}),
            **function(
                app.code(SEEDER),
                "index.handler",
                statement={"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": WORKER_MAY["Resource"][0]},
                path="Work/Seeder",
                TABLE=table,
            ),
            "Seed": {
                "Type": "Custom::Seed",
                "Properties": {"ServiceToken": {"Fn::GetAtt": ["WorkSeeder", "Arn"]}},
            },
        },
        "Outputs": {
            name: {"Value": {"Ref": name}}
            for name in (
                "Items",
                "Source",
                "Jobs",
                "Dead",
                "Inbox",
                "Bucket",
                "WaitADay",
                "TryAgain",
                "InTime",
                "Callback",
            )
        },
    }


def _table(**properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
            **properties,
        },
    }


def _queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def _redrive(times: int) -> dict[str, Any]:
    return {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": times}


def _role(services: list[str], function_arn: dict[str, Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function_arn}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": services}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "Call", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}],
        },
    }


def _task(function_arn: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": function_arn,
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3600, "MaxAttempts": 2, "BackoffRate": 1}],
        "End": True,
    }


def _callback(function_arn: dict[str, Any], **times: int) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": function_arn, "Payload": {"for": "callback", "token.$": "$$.Task.Token"}},
        **times,
        "End": True,
    }


def _workflow(states: dict[str, Any], **settings: Any) -> dict[str, Any]:
    definition = {"StartAt": next(iter(states)), "States": states, **settings}
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": {"Fn::GetAtt": ["Caller", "Arn"]}, "Definition": json.loads(json.dumps(definition))},
    }
