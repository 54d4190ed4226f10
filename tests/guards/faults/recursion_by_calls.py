"""Faults that close a circle of workflows, calls, destinations, pipes, schedules, logs and copies."""

from __future__ import annotations

import json

from tests.guards.faults.fault import Fault, add, change, together
from tests.guards.faults.fault import grant as granted
from tests.guards.faults.hardened import PHOTOS, STATES
from tests.guards.faults.parts import Template, allowed, att, made, permission, ref, role, sub
from tests.guards.faults.recursion import RULE, here, lets_undelivered, may


def called(name: str, workflow_task: Template, also: tuple[str, ...] = ()) -> Fault:
    """The workflow has one step more."""
    steps = {**STATES, "Ship": {**STATES["Ship"], "Next": "Again"}, "Again": workflow_task}
    del steps["Ship"]["End"]
    definition = json.dumps({"StartAt": "Pay", "States": steps})
    return change(name, RULE, "Fulfil", "DefinitionString", to=definition, also=also)


EXECUTION = here("states", "stateMachine:fulfil")
AGAIN = {
    "Type": "Task",
    "Resource": "arn:aws:states:::states:startExecution",
    "Parameters": {"StateMachineArn": "${Self}"},
    "Retry": STATES["Pay"]["Retry"],
    "Catch": STATES["Pay"]["Catch"],
    "TimeoutSeconds": 15,
    "End": True,
}
ROUTE = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/POST/orders"

FAULTS = [
    together(
        called("a workflow that starts itself", AGAIN),
        change("", "", "Fulfil", "StateMachineName", to="fulfil"),
        change("", "", "Fulfil", "DefinitionSubstitutions", "Self", to=EXECUTION),
        granted("", "", "Fulfil", allowed("states:StartExecution", EXECUTION)),
    ),
    together(
        may("a step that starts its workflow", "Send", allowed("states:StartExecution", EXECUTION)),
        change("", "", "Fulfil", "StateMachineName", to="fulfil"),
    ),
    together(
        add(
            "a workflow that its own end starts",
            RULE,
            "Fulfil",
            Ended=made(
                "AWS::Events::Rule",
                EventPattern={
                    "source": ["aws.states"],
                    "detail-type": ["Step Functions Execution Status Change"],
                    "detail": {"status": ["SUCCEEDED"], "stateMachineArn": [ref("Fulfil")]},
                },
                Targets=[
                    {
                        "Arn": ref("Fulfil"),
                        "DeadLetterConfig": {"Arn": att("Undelivered")},
                        "Id": "Again",
                        "RoleArn": att("EndedRole"),
                    }
                ],
            ),
            EndedRole=role("events", allowed("states:StartExecution", ref("Fulfil"))),
        ),
        lets_undelivered(att("Ended")),
    ),
    together(
        called(
            "a step that puts what starts its workflow",
            {
                **AGAIN,
                "Resource": "arn:aws:states:::events:putEvents",
                "Parameters": {
                    "Entries": [{"Source": "shop.fulfil", "DetailType": "Done", "Detail": {}, "EventBusName": "${Bus}"}]
                },
            },
        ),
        change("", "", "Fulfil", "DefinitionSubstitutions", "Bus", to=ref("Bus")),
        granted("", "", "Fulfil", allowed("events:PutEvents", att("Bus"))),
        add(
            "",
            "",
            None,
            Ended=made(
                "AWS::Events::Rule",
                EventBusName=ref("Bus"),
                EventPattern={"source": ["shop.fulfil"]},
                Targets=[
                    {
                        "Arn": ref("Fulfil"),
                        "DeadLetterConfig": {"Arn": att("Undelivered")},
                        "Id": "Again",
                        "RoleArn": att("EndedRole"),
                    }
                ],
            ),
            EndedRole=role("events", allowed("states:StartExecution", ref("Fulfil"))),
        ),
        lets_undelivered(att("Ended")),
    ),
    together(
        may(
            "a function that calls itself",
            "Send",
            allowed("lambda:InvokeFunction", here("lambda", "function:send")),
        ),
        change("", "", "Send", "FunctionName", to="send"),
    ),
    together(
        may(
            "a function that calls itself by its alias",
            "Place",
            allowed("lambda:InvokeFunction", here("lambda", "function:place:live")),
        ),
        change("", "", "Place", "FunctionName", to="place"),
    ),
    together(
        may("two functions that call each other", "Charge", allowed("lambda:InvokeFunction", att("Review"))),
        granted("", "", "Review", allowed("lambda:InvokeFunction", here("lambda", "function:charge"))),
        change("", "", "Charge", "FunctionName", to="charge"),
    ),
    together(
        change(
            "a success that calls the function again",
            RULE,
            "NotifyFailures",
            "DestinationConfig",
            "OnSuccess",
            to={"Destination": ref("News")},
            found_at="Notify",
        ),
        granted("", "", "Notify", allowed("sns:Publish", ref("News"))),
    ),
    together(
        change(
            "a failure that is published where it came from",
            RULE,
            "NotifyFailures",
            "DestinationConfig",
            "OnFailure",
            to={"Destination": ref("News")},
            found_at="Notify",
        ),
        granted("", "", "Notify", allowed("sns:Publish", ref("News"))),
    ),
    together(
        change(
            "dead letters that come back by themselves",
            RULE,
            "DeadJobs",
            "RedrivePolicy",
            to={"deadLetterTargetArn": here("sqs", "jobs"), "maxReceiveCount": 3},
        ),
        change("", "", "Jobs", "QueueName", to="jobs"),
        change("", "", "Jobs", "MessageRetentionPeriod", to=1_209_600),
    ),
    together(
        add(
            "a pipe from a table to the queue of who writes it",
            RULE,
            "Work",
            Pipe=made(
                "AWS::Pipes::Pipe",
                RoleArn=att("PipeRole"),
                Source=att("Orders", "StreamArn"),
                Target=att("Jobs"),
                SourceParameters={
                    "DynamoDBStreamParameters": {
                        "StartingPosition": "LATEST",
                        "MaximumRetryAttempts": 3,
                        "DeadLetterConfig": {"Arn": att("DeadChanges")},
                    }
                },
            ),
            PipeRole=role(
                "pipes",
                allowed(
                    ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
                    att("Orders", "StreamArn"),
                ),
                allowed("sqs:SendMessage", [att("Jobs"), att("DeadChanges")]),
            ),
        ),
        granted("", "", "Work", allowed("dynamodb:PutItem", att("Orders"))),
    ),
    together(
        may(
            "a function that makes schedules for itself",
            "Notify",
            allowed(
                "scheduler:CreateSchedule",
                here("scheduler", "schedule/default/again-*"),
            ),
        ),
        granted("", "", "Notify", allowed("iam:PassRole", "arn:aws:iam::111122223333:role/nightly")),
        change("", "", "NightlyRole", "RoleName", to="nightly"),
    ),
    may("a function that calls its own route", "Place", allowed("execute-api:Invoke", sub(ROUTE))),
    together(
        may(
            "a function that calls its own URL",
            "Review",
            allowed(
                ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"],
                here("lambda", "function:review"),
            ),
        ),
        change("", "", "Review", "FunctionName", to="review"),
        add("", "", None, Url=made("AWS::Lambda::Url", AuthType="AWS_IAM", TargetFunctionArn=ref("Review"))),
    ),
    together(
        may(
            "a delivery stream into the bucket that runs its writer",
            "Resize",
            allowed("firehose:PutRecord", att("Archive")),
        ),
        add(
            "",
            "",
            None,
            Archive=made(
                "AWS::KinesisFirehose::DeliveryStream",
                DeliveryStreamType="DirectPut",
                ExtendedS3DestinationConfiguration={
                    "BucketARN": sub(PHOTOS),
                    "Prefix": "incoming/archive/",
                    "RoleARN": att("ArchiveRole"),
                },
            ),
            ArchiveRole=role("firehose", allowed("s3:PutObject", sub(f"{PHOTOS}/incoming/archive/*"))),
        ),
    ),
    add(
        "a function that is run by its own logs",
        RULE,
        "Send",
        ("asynchronous-failures-are-kept",),
        OwnLogs=made(
            "AWS::Logs::SubscriptionFilter", DestinationArn=att("Send"), FilterPattern="", LogGroupName=ref("SendLogs")
        ),
        OwnLogsPermission=permission(ref("Send"), "logs", att("SendLogs")),
    ),
    change("a bucket that logs into itself", RULE, "Photos", "LoggingConfiguration", to={"LogFilePrefix": "logs/"}),
    together(
        change(
            "a bucket that is copied to where its writer listens",
            RULE,
            "Photos",
            "NotificationConfiguration",
            to={},
            found_at="Resize",
        ),
        change(
            "",
            "",
            "Photos",
            "ReplicationConfiguration",
            to={
                "Role": att("CopyRole"),
                "Rules": [{"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::shop-copies"}}],
            },
        ),
        add(
            "",
            "",
            None,
            CopyRole=role(
                "s3",
                allowed(["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl"], sub(f"{PHOTOS}/*")),
                allowed("s3:ReplicateObject", "arn:aws:s3:::shop-copies/*"),
            ),
            Copies=made(
                "AWS::S3::Bucket",
                BucketName="shop-copies",
                kept=True,
                NotificationConfiguration={
                    "LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": att("Resize")}]
                },
                VersioningConfiguration={"Status": "Enabled"},
            ),
            CopiesPermission=permission(
                ref("Resize"), "s3", "arn:aws:s3:::shop-copies", SourceAccount=ref("AWS::AccountId")
            ),
        ),
        change("", "", "ResizePermission", "SourceArn", to="arn:aws:s3:::shop-copies"),
    ),
    together(
        may(
            "a subscriber whose filter does not keep out what it publishes",
            "Notify",
            allowed("sns:Publish", ref("News")),
        ),
        change("", "", "NewsToNotify", "FilterPolicy", to={"kind": ["news", "notice"]}),
    ),
]
