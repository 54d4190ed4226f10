"""Circles in SAM templates: events and policy templates, as AWS's translator writes them out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.assembly.model import Assembly
from tests.guards.recursion.parts import Json, Resources, allow, att, ref, resource
from tests.guards.recursion.topology import Topology, guarded, loop, risk, silent
from tests.guards.recursion.verdicts import worst_in


def function(event: Json, *policies: Json, name: str = "Writer", **properties: Any) -> Resources:
    told = {"Runtime": "nodejs22.x", "Handler": "index.handler", "InlineCode": "-"}
    events = {"Event": event} if event else {}
    return {name: resource("AWS::Serverless::Function", Events=events, Policies=list(policies), **(told | properties))}


def event(kind: str, **properties: Any) -> Json:
    return {"Type": kind, "Properties": properties}


def uploads(policy: str, **rules: str) -> Resources:
    """A function with an event of a bucket; the bucket has a name, as a policy template asks for one."""
    told = [{"Name": name, "Value": value} for name, value in rules.items()]
    narrowed = {"Filter": {"S3Key": {"Rules": told}}} if rules else {}
    happens = event("S3", Bucket=ref("Bucket"), Events="s3:ObjectCreated:*", **narrowed)
    named = resource("AWS::S3::Bucket", BucketName="shop-uploads")
    return function(happens, {policy: {"BucketName": "shop-uploads"}}) | {"Bucket": named}


def of_queue(sends_to: str) -> Resources:
    policy = {"SQSSendMessagePolicy": {"QueueName": att(sends_to, "QueueName")}}
    queues = {name: resource("AWS::SQS::Queue") for name in ("Queue", "Other")}
    return function(event("SQS", Queue=att("Queue")), policy) | queues


def of_table(policy: str, *names: str) -> Resources:
    patterns = [{"Pattern": json.dumps({"eventName": [name]})} for name in names]
    narrowed = {"FilterCriteria": {"Filters": patterns}} if names else {}
    happens = event("DynamoDB", Stream=att("Table", "StreamArn"), StartingPosition="LATEST", **narrowed)
    table = resource("AWS::DynamoDB::Table", StreamSpecification={"StreamViewType": "NEW_IMAGE"})
    return function(happens, {policy: {"TableName": ref("Table")}}) | {"Table": table}


def of_topic(publishes_to: str) -> Resources:
    policy = {"SNSPublishMessagePolicy": {"TopicName": att(publishes_to, "TopicName")}}
    topics = {name: resource("AWS::SNS::Topic") for name in ("Topic", "Other")}
    return function(event("SNS", Topic=ref("Topic")), policy) | topics


def of_bus(pattern: Json) -> Resources:
    policy = {"EventBridgePutEventsPolicy": {"EventBusName": ref("Bus")}}
    happens = event("EventBridgeRule", EventBusName=ref("Bus"), Pattern=pattern)
    return function(happens, policy) | {"Bus": resource("AWS::Events::EventBus", Name="shop")}


def of_api(kind: str, called: str) -> Resources:
    api = "ServerlessRestApi" if kind == "Api" else "ServerlessHttpApi"
    arn = {"Fn::Sub": f"arn:aws:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{{api}}}/*/{called}"}
    policy = {"Statement": [allow("execute-api:Invoke", arn)]}
    return function(event(kind, Path="/orders", Method="post"), policy)


def workflow(starts: str) -> Resources:
    """A workflow whose task is the function that starts it, or another."""
    task = {"Type": "Task", "Resource": "${Do}", "End": True}
    told = resource(
        "AWS::Serverless::StateMachine",
        Definition={"StartAt": "Do", "States": {"Do": task}},
        DefinitionSubstitutions={"Do": att("Writer")},
        Policies=[{"LambdaInvokePolicy": {"FunctionName": ref("Writer")}}],
    )
    policy = {"StepFunctionsExecutionPolicy": {"StateMachineName": att(starts, "Name")}}
    return {"Machine": told, "Other": told} | function({}, policy)


def connected(to: str) -> Resources:
    """A connector writes the policy."""
    told = {"Source": {"Id": "Writer"}, "Destination": {"Id": to}, "Permissions": ["Write"]}
    queues = {name: resource("AWS::SQS::Queue") for name in ("Queue", "Other")}
    return function(event("SQS", Queue=att("Queue"))) | queues | {"To": resource("AWS::Serverless::Connector", **told)}


def reports(to: str) -> Resources:
    """Two functions, the second of which reports its successes."""
    config = {"DestinationConfig": {"OnSuccess": {"Type": "Lambda", "Destination": att(to)}}}
    policy = {"LambdaInvokePolicy": {"FunctionName": ref("Last")}}
    return function({}, policy) | function({}, name="Last", EventInvokeConfig=config) | function({}, name="Other")


BOTH = ("Machine", "Writer")
TOPOLOGIES = (
    loop("an upload and every write", uploads("S3CrudPolicy")),
    risk("an upload of a prefix, and every write", uploads("S3WritePolicy", prefix="in/")),
    silent("an upload, and reading", uploads("S3ReadPolicy")),
    loop("a queue", of_queue("Queue")),
    silent("two queues", of_queue("Other")),
    loop("a table", of_table("DynamoDBCrudPolicy")),
    loop("removals of a table", of_table("DynamoDBCrudPolicy", "REMOVE")),
    risk("removals of a table, by who may put, and put or remove many", of_table("DynamoDBWritePolicy", "REMOVE")),
    silent("a table, and reading", of_table("DynamoDBReadPolicy")),
    loop("a topic", of_topic("Topic")),
    silent("two topics", of_topic("Other")),
    risk("a bus, of which one source", of_bus({"source": ["orders"]})),
    guarded("a bus, of which what AWS says", of_bus({"source": ["aws.s3"]})),
    loop("an HTTP API", of_api("HttpApi", "POST/orders")),
    guarded("an HTTP API, by another method", of_api("HttpApi", "GET/orders")),
    loop("a REST API", of_api("Api", "POST/orders")),
    guarded("a REST API, by another path", of_api("Api", "POST/carts")),
    loop("a workflow", workflow("Machine"), BOTH),
    loop("a connector", connected("Queue")),
    silent("a connector to another queue", connected("Other")),
    loop("a destination", reports("Writer"), ("Last", "Writer")),
    silent("another destination", reports("Other")),
    silent(
        "a schedule",
        function(event("Schedule", Schedule="rate(1 hour)"), {"LambdaInvokePolicy": {"FunctionName": ref("Other")}})
        | function({}, name="Other"),
    ),
)


@pytest.mark.parametrize("topology", [pytest.param(each, id=each.name) for each in TOPOLOGIES])
def test_says_of_a_sam_template_what_aws_does(topology: Topology, tmp_path: Path) -> None:
    [(name, template)] = topology.stacks.items()
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps({"Transform": "AWS::Serverless-2016-10-31", **template}))
    assert worst_in(Assembly.read(path)) == topology.expected
