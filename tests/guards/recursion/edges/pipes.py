"""Pipes: their filter, enrichment and target.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes.html
"""

import json
from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    bus,
    function,
    machine,
    mapping,
    queue,
    ref,
    resource,
    role,
    rule,
    stream,
    table,
    task,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

SEND = "sqs:SendMessage"


def pipe(source: Any, target: Any, *patterns: Json, **properties: Any) -> Resources:
    filters = {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(each)} for each in patterns]}} if patterns else {}
    told = {"Source": source, "Target": target, "RoleArn": att("PipeRole"), "SourceParameters": filters} | properties
    return {"Pipe": resource("AWS::Pipes::Pipe", **told), "PipeRole": role(service="pipes")}


def queue_to(target: Any, *patterns: Json, to: str = "Queue", **properties: Any) -> Resources:
    return writer(allow(SEND, att(to))) | queue() | queue("Other") | pipe(att("Queue"), target, *patterns, **properties)


def queue_to_queue(*wanted: Json, **properties: Any) -> Resources:
    return (
        writer(allow(SEND, att("Queue")))
        | queue()
        | queue("Next")
        | pipe(att("Queue"), att("Next"), **properties)
        | mapping(att("Next"), "Writer", *wanted)
    )


def table_to(*patterns: Json, may: str = "dynamodb:PutItem") -> Resources:
    return writer(allow(may, att("Table"))) | table() | pipe(att("Table", "StreamArn"), att("Writer"), *patterns)


def to_bus(pattern: Json, **properties: Any) -> Resources:
    return (
        writer(allow(SEND, att("Queue")))
        | queue()
        | bus()
        | pipe(att("Queue"), att("Bus"), **properties)
        | rule(att("Writer"), pattern, on=ref("Bus"))
    )


def to_machine(invoked: str) -> Resources:
    return (
        function("Writer", allow("kinesis:PutRecord", att("Stream")))
        | function("Other")
        | stream()
        | machine(task(f"${{{invoked}.Arn}}"))
        | pipe(att("Stream"), ref("Machine"))
    )


def failed(to: str) -> Resources:
    kept = {"KinesisStreamParameters": {"StartingPosition": "LATEST", "DeadLetterConfig": {"Arn": att(to)}}}
    return (
        writer(allow("kinesis:PutRecord", att("Stream")))
        | stream()
        | queue()
        | queue("Other")
        | function("Reader")
        | pipe(att("Stream"), att("Reader"), SourceParameters=kept)
        | mapping(att("Queue"))
    )


AS_OWN = {"EventBridgeEventBusParameters": {"Source": "orders", "DetailType": "Placed"}}


def several_regions() -> Resources:
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    told = resource("AWS::DynamoDB::GlobalTable", KeySchema=keys, StreamSpecification={"StreamViewType": "NEW_IMAGE"})
    return (
        writer(allow("dynamodb:PutItem", att("Table")))
        | {"Table": told}
        | pipe(att("Table", "StreamArn"), att("Writer"))
    )


def reporting(kind: str) -> Resources:
    """A function whose successes go to a queue, from where a pipe runs it."""
    destination = {"OnSuccess": {"Destination": att("Queue")}}
    told = {"FunctionName": ref("Writer"), "Qualifier": "$LATEST", "DestinationConfig": destination}
    parameters = {"LambdaFunctionParameters": {"InvocationType": kind}}
    return (
        writer()
        | queue()
        | {"Invoke": resource("AWS::Lambda::EventInvokeConfig", **told)}
        | pipe(att("Queue"), att("Writer"), TargetParameters=parameters)
    )


TOPOLOGIES = (
    loop("a queue it sends to", queue_to(att("Writer"))),
    silent("a queue it does not send to", queue_to(att("Writer"), to="Other")),
    silent("a pipe that is stopped", queue_to(att("Writer"), DesiredState="STOPPED")),
    risk("some messages of the queue", queue_to(att("Writer"), {"body": {"kind": ["again"]}})),
    loop(
        "it enriches what it sends", queue_to("arn:aws:sns:eu-west-1:111111111111:elsewhere", Enrichment=att("Writer"))
    ),
    risk(
        "it enriches some of what it sends",
        queue_to(
            "arn:aws:sns:eu-west-1:111111111111:elsewhere", {"body": {"kind": ["again"]}}, Enrichment=att("Writer")
        ),
    ),
    loop("its table", table_to()),
    guarded("the removals of its table", table_to({"eventName": ["REMOVE"]})),
    loop(
        "the removals of its table, which it deletes from",
        table_to({"eventName": ["REMOVE"]}, may="dynamodb:DeleteItem"),
    ),
    loop("a queue that is piped on to its own", queue_to_queue()),
    risk(
        "a queue that is piped on to its own, of which it reads some",
        queue_to_queue({"body": {"body": {"kind": ["again"]}}}),
    ),
    risk(
        "a queue that is piped on as something else, of which it reads some",
        queue_to_queue({"body": {"kind": ["again"]}}, TargetParameters={"InputTemplate": '{"kind": <$.body.kind>}'}),
    ),
    loop("a bus, in the name of the pipe", to_bus({"source": [{"prefix": "Pipe "}]})),
    guarded("a bus, where it wants another name", to_bus({"source": ["orders"]})),
    loop(
        "a bus, in the name that is given",
        to_bus({"source": ["orders"], "detail-type": ["Placed"]}, TargetParameters=AS_OWN),
    ),
    guarded("a bus, where it wants another type", to_bus({"detail-type": ["Paid"]}, TargetParameters=AS_OWN)),
    loop("a workflow that invokes it", to_machine("Writer"), ("Machine", "Writer")),
    silent("a workflow that invokes another", to_machine("Other")),
    loop("what failed, in a queue that it reads", failed("Queue")),
    silent("what failed, in a queue that nobody reads", failed("Other")),
    loop("its table of several regions", several_regions()),
    loop("it reports its successes to where a pipe takes them, and does not wait", reporting("FIRE_AND_FORGET")),
    guarded("it reports its successes to where a pipe takes them, and waits", reporting("REQUEST_RESPONSE")),
)
