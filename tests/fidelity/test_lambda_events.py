from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import Outside, allow, eventually, refusal
from tests.fidelity.test_lambda import ECHO, GUIDE, LAMBDA, logged, run


@pytest.fixture
def lambda_(aws: Outside) -> Any:
    return aws.client("lambda")


@behaviour(LAMBDA, "an asynchronous invocation is answered 202 at once", GUIDE + "invocation-async.html")
def test_asynchronous(aws: Outside) -> None:
    name = aws.function("import time\ndef handler(event, context):\n    time.sleep(0.2)\n    print('done')\n")
    answer, told = run(aws, name, InvocationType="Event")
    assert (answer, told["StatusCode"]) == (None, 202)
    assert eventually(lambda: [line for line in logged(aws, name) if line.startswith("done")])


@behaviour(
    LAMBDA,
    "a failed asynchronous event is tried twice more with the same request, then sent to its destination",
    GUIDE + "invocation-async-retain-records.html",
)
def test_destinations(aws: Outside, lambda_: Any) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=aws.name("failed"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = aws.function("def handler(event, context):\n    raise ValueError('no')\n", allow("sqs:SendMessage", arn))
    lambda_.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=2, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    run(aws, name, {"n": 1}, InvocationType="Event")
    message = json.loads(eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))[0]["Body"])
    assert message["requestContext"]["condition"] == "RetriesExhausted"
    assert message["requestContext"]["approximateInvokeCount"] == 3
    assert message["requestPayload"] == {"n": 1}
    assert message["responsePayload"]["errorType"] == "ValueError"
    starts = [line for line in logged(aws, name) if line.startswith("START")]
    assert len(starts) == 3
    assert len(set(starts)) == 1


@behaviour(
    LAMBDA,
    "a queue's messages come in batches; reported failures come back, the others are gone",
    GUIDE + "services-sqs-errorhandling.html#services-sqs-batchfailurereporting",
)
def test_partial_batches(aws: Outside, lambda_: Any) -> None:
    code = """
def handler(event, context):
    print("batch", sorted(record["body"] for record in event["Records"]))
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"]
                                  if record["body"] == "bad"]}
"""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=aws.name("queue"), Attributes={"VisibilityTimeout": "3"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rights = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
    name = aws.function(code, allow(rights, arn), Timeout=3)
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": each, "MessageBody": each} for each in ("bad", "good")])
    lambda_.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    batches = eventually(lambda: [line for line in logged(aws, name) if "batch ['bad']" in line])
    assert batches
    assert sum("good" in line for line in logged(aws, name)) == 1


@behaviour(
    LAMBDA,
    "a stream's records come in order, and filters drop what a function does not want",
    GUIDE + "invocation-eventfiltering.html",
)
def test_streams(aws: Outside, lambda_: Any) -> None:
    dynamodb, table = aws.client("dynamodb"), aws.name("table")
    arn = dynamodb.create_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    code = """
def handler(event, context):
    for record in event["Records"]:
        print("saw", record["eventName"], record["dynamodb"]["Keys"]["id"]["S"])
"""
    rights = ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"]
    name = aws.function(code, allow(rights, arn))
    pattern = json.dumps({"eventName": ["INSERT"], "dynamodb": {"Keys": {"id": {"S": [{"anything-but": ["x"]}]}}}})
    lambda_.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="TRIM_HORIZON",
        FilterCriteria={"Filters": [{"Pattern": pattern}]},
    )
    for each in ("a", "x", "b"):
        dynamodb.put_item(TableName=table, Item={"id": {"S": each}})
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "a"}})

    def seen() -> list[str]:
        return [line.strip() for line in logged(aws, name) if line.startswith("saw")]

    eventually(lambda: "saw INSERT b" in seen())
    assert seen() == ["saw INSERT a", "saw INSERT b"]


@behaviour(LAMBDA, "a mapping whose role may not read its source is refused", GUIDE + "with-sqs.html")
def test_mappings_need_rights(aws: Outside, lambda_: Any) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=aws.name("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    code, message = refusal(lambda_.create_event_source_mapping, FunctionName=aws.function(ECHO), EventSourceArn=arn)
    assert code == "InvalidParameterValueException"
    assert "ReceiveMessage" in message
