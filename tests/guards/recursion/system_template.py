"""A random system as CloudFormation, and what the rule says of it."""

from __future__ import annotations

import json
from typing import Any

from constructs_lib.assembly.model import Assembly
from tests.guards.recursion.random_system import (
    ACCOUNT,
    ARNS,
    BUCKETS,
    BUSES,
    FUNCTIONS,
    QUEUES,
    REGION,
    TOPICS,
    Json,
    Mapping,
    Notification,
    Rule,
    Statement,
    Subscription,
    System,
)
from tests.guards.recursion.verdicts import found_in

WORST_FIRST = ("LOOP", "RISK", "GUARDED")
KINDS = {"Lambda": "Function", "Queue": "Queue", "Topic": "Topic"}


def said_of(system: System) -> dict[str, str]:
    """Return the worst that the rule says of each function."""
    worst: dict[str, str] = {}
    for verdict, runs in found_in(Assembly.of({"Random": template_of(system)})):
        for each in runs & set(FUNCTIONS):
            worst[each] = min(verdict.value, worst.get(each, "GUARDED"), key=WORST_FIRST.index)
    return worst


def template_of(system: System) -> Json:
    """Write a system as CloudFormation."""
    resources: Json = {name: _bucket(system, name) for name in BUCKETS}
    resources |= {name: _resource("AWS::SQS::Queue", QueueName=name) for name in QUEUES}
    resources |= {name: _resource("AWS::SNS::Topic", TopicName=name) for name in TOPICS}
    resources |= {name: _resource("AWS::Events::EventBus", Name=name) for name in BUSES if name != "default"}
    for name in FUNCTIONS:
        statements = [_statement(each) for each in system.statements if each.function == name]
        policies = [{"PolicyName": "P", "PolicyDocument": {"Statement": statements}}] if statements else []
        resources[name] = _resource("AWS::Lambda::Function", Role=_arn(f"{name}Role"))
        resources[f"{name}Role"] = _resource("AWS::IAM::Role", Policies=policies)
    for at, way in enumerate(system.ways):
        if not isinstance(way, Notification):
            resources[f"Way{at}"] = _way(way)
    return {"Resources": resources}


def _resource(kind: str, **properties: Any) -> Json:
    return {"Type": kind, "Properties": properties}


def _arn(name: str) -> Json | str:
    if name in BUSES:
        return ARNS[name]
    return {"Ref": name} if name in TOPICS else {"Fn::GetAtt": [name, "Arn"]}


def _statement(told: Statement) -> Json:
    resource = told.resource.replace(REGION, "${AWS::Region}").replace(ACCOUNT, "${AWS::AccountId}")
    effect = "Allow" if told.allows else "Deny"
    statement: Json = {"Effect": effect, "Action": told.action, "Resource": {"Fn::Sub": resource}}
    if told.sources is not None:
        operator, values = told.sources
        statement["Condition"] = {operator: {"events:source": list(values)}}
    return statement


def _bucket(system: System, name: str) -> Json:
    told: Json = {}
    for way in system.ways:
        if isinstance(way, Notification) and way.bucket == name:
            kind = "Lambda" if way.target in FUNCTIONS else "Queue" if way.target in QUEUES else "Topic"
            pairs = (("prefix", way.prefix), ("suffix", way.suffix))
            rules = [{"Name": key, "Value": value} for key, value in pairs if value]
            one: Json = {"Event": way.event, KINDS[kind]: _arn(way.target)}
            if rules:
                one["Filter"] = {"S3Key": {"Rules": rules}}
            told.setdefault(f"{kind}Configurations", []).append(one)
    if name in system.telling:
        told["EventBridgeConfiguration"] = {"EventBridgeEnabled": True}
    return _resource("AWS::S3::Bucket", BucketName=name, **({"NotificationConfiguration": told} if told else {}))


def _way(way: Mapping | Subscription | Rule) -> Json:
    match way:
        case Mapping():
            filters = [{"Pattern": each} for each in way.patterns]
            criteria = {"FilterCriteria": {"Filters": filters}} if filters else {}
            told = {"EventSourceArn": _arn(way.queue), "FunctionName": {"Ref": way.function}}
            return _resource("AWS::Lambda::EventSourceMapping", **told, **criteria)
        case Subscription():
            policy = {} if way.policy is None else {"FilterPolicy": json.loads(way.policy)}
            if way.policy is not None and way.of_body:
                policy["FilterPolicyScope"] = "MessageBody"
            protocol = "lambda" if way.target in FUNCTIONS else "sqs"
            told = {"TopicArn": {"Ref": way.topic}, "Protocol": protocol, "Endpoint": _arn(way.target)}
            return _resource("AWS::SNS::Subscription", **told, **policy, RawMessageDelivery=way.is_raw)
    targets = [{"Id": "T", "Arn": _arn(way.target)}]
    return _resource("AWS::Events::Rule", EventBusName=way.bus, EventPattern=json.loads(way.pattern), Targets=targets)
