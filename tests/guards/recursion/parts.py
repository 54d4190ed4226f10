"""The parts that topologies are put together from: CloudFormation, as short as it can be written.

A function `Writer` has a role `WriterRole` of its own; every part is a dictionary of resources, joined by `|`.
"""

from __future__ import annotations

import json
from typing import Any

Resources = dict[str, Any]
Json = dict[str, Any]


def resource(kind: str, /, **properties: Any) -> Json:
    return {"Type": kind, "Properties": properties}


def ref(logical_id: str) -> Json:
    return {"Ref": logical_id}


def att(logical_id: str, attribute: str = "Arn") -> Json:
    return {"Fn::GetAtt": [logical_id, attribute]}


def sub(text: str) -> Json:
    return {"Fn::Sub": text}


def objects(keys: str = "*", bucket: str = "Bucket") -> Json:
    """The ARN of objects of a bucket."""
    return {"Fn::Join": ["", [att(bucket), f"/{keys}"]]}


# Permissions


def allow(actions: str | list[str], resources: Any, /, **condition: Any) -> Json:
    told: Json = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return told | ({"Condition": condition} if condition else {})


def deny(actions: str | list[str], resources: Any, /, **condition: Any) -> Json:
    return allow(actions, resources, **condition) | {"Effect": "Deny"}


def document(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(service: str = "lambda") -> Json:
    principal = {"Service": f"{service}.amazonaws.com"}
    return document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})


def role(*statements: Json, service: str = "lambda", **properties: Any) -> Json:
    inline = [{"PolicyName": "Inline", "PolicyDocument": document(*statements)}] if statements else []
    told: Json = {"AssumeRolePolicyDocument": trust(service)} | ({"Policies": inline} if inline else {})
    return resource("AWS::IAM::Role", **(told | properties))


def function(name: str, *statements: Json, role_of: Json | None = None, **properties: Any) -> Resources:
    """A function, and a role of its own that allows this."""
    told = {"Role": att(f"{name}Role"), "Runtime": "nodejs22.x", "Handler": "index.handler", "Code": {"ZipFile": "-"}}
    made = resource("AWS::Lambda::Function", **(told | properties))
    return {name: made, f"{name}Role": role(*statements) if role_of is None else role_of}


def writer(*statements: Json, **properties: Any) -> Resources:
    return function("Writer", *statements, **properties)


# Places


def bucket(name: str = "Bucket", /, **properties: Any) -> Resources:
    return {name: resource("AWS::S3::Bucket", **properties)}


def queue(name: str = "Queue", /, **properties: Any) -> Resources:
    return {name: resource("AWS::SQS::Queue", **properties)}


def topic(name: str = "Topic", /, **properties: Any) -> Resources:
    return {name: resource("AWS::SNS::Topic", **properties)}


def bus(name: str = "Bus", /, **properties: Any) -> Resources:
    return {name: resource("AWS::Events::EventBus", Name=name.lower(), **properties)}


def table(name: str = "Table", /, **properties: Any) -> Resources:
    stream = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    return {name: resource("AWS::DynamoDB::Table", KeySchema=keys, StreamSpecification=stream, **properties)}


def stream(name: str = "Stream", /, **properties: Any) -> Resources:
    return {name: resource("AWS::Kinesis::Stream", ShardCount=1, **properties)}


# Ways


def notifying(kind: str, target: Json, event: str = "s3:ObjectCreated:*", **keys: str) -> Json:
    """The property of a bucket that notifies a `Lambda`, a `Queue` or a `Topic`; `prefix=` and `suffix=` narrow it."""
    name = {"Lambda": "Function"}.get(kind, kind)
    rules = [{"Name": key, "Value": value} for key, value in keys.items()]
    told = {"Event": event, name: target} | ({"Filter": {"S3Key": {"Rules": rules}}} if rules else {})
    return {f"{kind}Configurations": [told]}


def mapping(source: Any, function_name: str = "Writer", /, *patterns: Json, **properties: Any) -> Resources:
    """A function reads a queue or stream, of which only what fits one of the patterns."""
    criteria = {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(each)} for each in patterns]}} if patterns else {}
    told = {"EventSourceArn": source, "FunctionName": ref(function_name)} | criteria | properties
    return {f"{function_name}Mapping": resource("AWS::Lambda::EventSourceMapping", **told)}


def subscribed(protocol: str, endpoint: Json, name: str = "Subscription", /, **properties: Any) -> Resources:
    told = {"TopicArn": ref("Topic"), "Protocol": protocol, "Endpoint": endpoint} | properties
    return {name: resource("AWS::SNS::Subscription", **told)}


def rule(target: Json, pattern: Any, name: str = "Rule", /, *, on: Any = None, **properties: Any) -> Resources:
    """A rule of a bus; `on` is the bus, of which nothing said is the default one."""
    told = {"EventPattern": pattern} | ({} if on is None else {"EventBusName": on}) | properties
    return {name: resource("AWS::Events::Rule", Targets=[{"Id": "T", "Arn": target}], **told)}


def machine(definition: Json, *statements: Json, name: str = "Machine", **properties: Any) -> Resources:
    """A workflow, and a role of its own that allows this."""
    told = {"DefinitionString": {"Fn::Sub": json.dumps(definition)}, "RoleArn": att(f"{name}Role")} | properties
    made = resource("AWS::StepFunctions::StateMachine", **told)
    return {name: made, f"{name}Role": role(*statements, service="states")}


def task(resource_arn: str, /, **fields: Any) -> Json:
    """A definition of one task; in its texts, `${...}` is what `Fn::Sub` makes of it."""
    return {"StartAt": "Do", "States": {"Do": {"Type": "Task", "Resource": resource_arn, "End": True} | fields}}
