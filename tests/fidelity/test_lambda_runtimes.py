from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import LOGS, NODE, Outside, allow, eventually
from tests.fidelity.test_http_api import Curl
from tests.fidelity.test_lambda import ECHO, LAMBDA, logged, run
from tests.local.runtime.functions import zip_of

GUIDE = "lambda/latest/dg/"
API = "lambda/latest/api/"
STREAMING = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('one ')
  stream.write('two')
  stream.end()
})
"""
WITH_HEAD = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const answer = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-own': 'v' } })
  answer.write('made')
  answer.end()
})
"""
BOOTSTRAP = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  event=$(curl -sS -D head "$api/next")
  id=$(sed -n 's/^lambda-runtime-aws-request-id: *//Ip' head | tr -d '\\r')
  curl -sS -X POST "$api/$id/response" -d "{\\"got\\": $event, \\"handler\\": \\"$_HANDLER\\"}" > /dev/null
done
"""


@pytest.fixture
def lambda_(aws: Outside) -> Any:
    return aws.client("lambda")


def url_of(aws: Outside, name: str, mode: str) -> str:
    client = aws.client("lambda")
    url: str = client.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode=mode)["FunctionUrl"]
    for action in ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"):
        more = {"FunctionUrlAuthType": "NONE"} if action.endswith("Url") else {"InvokedViaFunctionUrl": True}
        client.add_permission(
            FunctionName=name, StatementId=action.partition(":")[2], Action=action, Principal="*", **more
        )
    return url


@behaviour(LAMBDA, "a streamed answer comes in the parts it was written in", API + "API_InvokeWithResponseStream.html")
def test_streams_answers(aws: Outside, lambda_: Any) -> None:
    name = aws.function(STREAMING, **NODE)
    stream = lambda_.invoke_with_response_stream(FunctionName=name, Payload=b"{}")["EventStream"]
    events = list(stream)
    assert b"".join(each["PayloadChunk"]["Payload"] for each in events if "PayloadChunk" in each) == b"one two"
    assert "InvokeComplete" in events[-1]


@behaviour(
    LAMBDA, "a function URL answers as an HTTP API does, with events of format 2.0", GUIDE + "urls-invocation.html"
)
def test_function_urls(aws: Outside) -> None:
    url = url_of(aws, aws.function(ECHO), "BUFFERED")
    event = Curl(url).json("a?b=1")
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/a", "b=1")


@behaviour(
    LAMBDA, "a streaming function URL sends status and headers first", GUIDE + "configuration-response-streaming.html"
)
def test_streaming_urls(aws: Outside) -> None:
    url = url_of(aws, aws.function(WITH_HEAD, **NODE), "RESPONSE_STREAM")
    status, headers, body = Curl(url)("")
    assert (status, headers["x-own"], body) == (201, ["v"], b"made")


@behaviour(LAMBDA, "a custom runtime asks the Runtime API for events and answers there", GUIDE + "runtimes-custom.html")
def test_custom_runtimes(aws: Outside, lambda_: Any) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, BOOTSTRAP)
    name = aws.name("function")
    lambda_.create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="mine",
        Code={"ZipFile": packed.getvalue()},
        Role=aws.role("lambda", *LOGS),
        Timeout=10,
    )
    assert run(aws, name, {"n": 1})[0] == {"got": {"n": 1}, "handler": "mine"}


@behaviour(
    LAMBDA, "an alias sends a share of its requests to a second version", GUIDE + "configuring-alias-routing.html"
)
def test_weights(aws: Outside, lambda_: Any) -> None:
    name = aws.function("def handler(event, context):\n    return context.function_version\n")
    first = lambda_.publish_version(FunctionName=name)["Version"]
    code = zip_of({"index.py": "def handler(event, context):\n    return context.function_version + ''\n"})
    lambda_.update_function_code(FunctionName=name, ZipFile=code)
    second = lambda_.publish_version(FunctionName=name)["Version"]
    weights = {"AdditionalVersionWeights": {second: 0.5}}
    lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion=first, RoutingConfig=weights)
    assert {run(aws, name, Qualifier="live")[0] for _ in range(40)} == {first, second}


@behaviour(LAMBDA, "a Kinesis stream's records come in order, base64, by shard", GUIDE + "with-kinesis.html")
def test_kinesis(aws: Outside, lambda_: Any) -> None:
    kinesis, stream = aws.client("kinesis"), aws.name("stream")
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    arn = eventually(
        lambda: (
            (told := kinesis.describe_stream(StreamName=stream)["StreamDescription"])["StreamStatus"] == "ACTIVE"
            and told["StreamARN"]
        )
    )
    code = """
import base64
def handler(event, context):
    for record in event["Records"]:
        print("saw", base64.b64decode(record["kinesis"]["data"]).decode())
"""
    rights = ["kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream", "kinesis:ListShards"]
    rights += ["kinesis:DescribeStreamSummary", "kinesis:ListStreams", "kinesis:SubscribeToShard"]
    name = aws.function(code, allow(rights, str(arn)), allow("kinesis:ListStreams", "*"))
    lambda_.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, StartingPosition="TRIM_HORIZON")
    for each in ("a", "b"):
        kinesis.put_record(StreamName=stream, Data=each.encode(), PartitionKey="k")

    def seen() -> list[str]:
        return [line.strip() for line in logged(aws, name) if line.startswith("saw")]

    eventually(lambda: len(seen()) == 2)
    assert seen() == ["saw a", "saw b"]


@behaviour(
    "EventBridge Pipes",
    "a pipe takes messages from a queue, filters them and starts its target with its own role",
    "eventbridge/latest/userguide/eb-pipes.html",
)
def test_pipes(aws: Outside) -> None:
    sqs, pipes = aws.client("sqs"), aws.client("pipes")
    urls = [sqs.create_queue(QueueName=aws.name("queue"))["QueueUrl"] for _ in range(2)]
    source, target = (
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"] for url in urls
    )
    reads = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], source)
    pattern = json.dumps({"body": {"kind": ["wanted"]}})
    pipes.create_pipe(
        Name=aws.name("pipe"),
        Source=source,
        Target=target,
        RoleArn=aws.role("pipes", reads, allow("sqs:SendMessage", target)),
        SourceParameters={"FilterCriteria": {"Filters": [{"Pattern": pattern}]}},
        TargetParameters={"InputTemplate": '{"kind": <$.body.kind>}'},
    )
    for kind in ("other", "wanted"):
        sqs.send_message(QueueUrl=urls[0], MessageBody=json.dumps({"kind": kind}))
    message = eventually(lambda: sqs.receive_message(QueueUrl=urls[1]).get("Messages"))[0]
    assert json.loads(message["Body"]) == {"kind": "wanted"}
