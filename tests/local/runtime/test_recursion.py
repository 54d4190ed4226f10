"""Loops over a bucket and over a topic are stopped after sixteen rounds, as Lambda stops them.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.local.runtime.deployed import BUCKET, App
from tests.local.runtime.event_handlers import allow, att, join, permission, ref, until
from tests.local.runtime.template import function
from tests.local.runtime.test_gaps_recursion import stopped

CODE = """
import boto3, os
def handler(event, context):
    record = event["Records"][0]
    count = int(record["s3"]["object"]["key"] if "s3" in record else record["Sns"]["Message"])
    print("RUN", count)
    if count < 20 and "s3" in record:
        boto3.client("s3").put_object(Bucket=record["s3"]["bucket"]["name"], Key=str(count + 1), Body=b"")
    elif count < 20:
        boto3.client("sns").publish(TopicArn=record["Sns"]["TopicArn"], Message=str(count + 1))
"""


def looping(app: App, stack: str, grants: list[Any], more: dict[str, Any]) -> dict[str, str]:
    key = app.aws.upload({"rounds": {"index.py": CODE}})["rounds"]
    log = {"LogFormat": "Text", "LogGroup": ref("RoundsLogs")}
    made = function("Rounds", key, BUCKET, grants, Runtime="python3.13", LoggingConfig=log)
    outputs = {name: {"Value": ref(name)} for name in ("Rounds", "RoundsLogs")}
    return app.aws.deploy(stack, {"Resources": {**made, **more}, "Outputs": outputs})


@pytest.fixture
def bucket(mended: App) -> dict[str, str]:
    name = "rounds-and-rounds"
    notifies = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketName": name,
            "NotificationConfiguration": {
                "LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": att("Rounds")}]
            },
        },
        "DependsOn": ["Allowed"],
    }
    grants = [allow("s3:PutObject", f"arn:aws:s3:::{name}/*")]
    more = {"Files": notifies, **permission("Allowed", "Rounds", "s3.amazonaws.com", f"arn:aws:s3:::{name}")}
    return looping(mended, "LoopOverBucket", grants, more)


@pytest.fixture
def topic(mended: App) -> dict[str, str]:
    grants = [allow("sns:Publish", join("arn:aws:sns:us-east-1:", ref("AWS::AccountId"), ":rounds"))]
    subscribed = {"Protocol": "lambda", "Endpoint": att("Rounds"), "TopicArn": ref("Topic")}
    more = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "rounds"}},
        "Subscription": {"Type": "AWS::SNS::Subscription", "Properties": subscribed},
        **permission("Allowed", "Rounds", "sns.amazonaws.com", ref("Topic")),
    }
    return looping(mended, "LoopOverTopic", grants, more)


def rounds(app: App, made: dict[str, str]) -> int:
    return sum(line.startswith("RUN ") for line in app.aws.messages(made["RoundsLogs"]))


def test_stops_a_loop_over_a_bucket(mended: App, bucket: dict[str, str], log_file: Path) -> None:
    mended.aws.client("s3").put_object(Bucket="rounds-and-rounds", Key="1", Body=b"")
    assert until(lambda: bucket["Rounds"] in stopped(log_file))
    assert until(lambda: rounds(mended, bucket) >= 16)  # the last one ends after what it did was stopped
    assert rounds(mended, bucket) == 16


def test_stops_a_loop_over_a_topic(mended: App, topic: dict[str, str], log_file: Path) -> None:
    mended.aws.client("sns").publish(TopicArn="arn:aws:sns:us-east-1:000000000000:rounds", Message="1")
    assert until(lambda: topic["Rounds"] in stopped(log_file))
    assert until(lambda: rounds(mended, topic) >= 16)  # the last one ends after what it did was stopped
    assert rounds(mended, topic) == 16
