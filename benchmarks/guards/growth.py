"""What the guards cost: an app of 100 resources, then large ones, reading and judging apart, and the dearest rules."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import run
from constructs_lib.guards.rules import rule_ids, rule_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from constructs_lib.guards.finding import Finding, Unknown
    from constructs_lib.guards.rule import Rule

RESOURCES_OF_A_UNIT, UNITS_OF_A_STACK = 10, 40


@dataclass(frozen=True, slots=True)
class Cost:
    """What one check took, in seconds of this process alone, however busy the machine is.

    Args:
        resources: How many there are.
        reading: Reading the templates and resolving what they refer to.
        judging: All rules.
        dearest: The rules that took longest.
    """

    resources: int
    reading: float
    judging: float
    dearest: list[tuple[str, float]]


def cost_of(paths: list[Path]) -> Cost:
    """Check files of templates as one app."""
    began = time.process_time()
    assembly = Assembly.read(*paths)
    read = time.process_time()
    each: dict[str, float] = {}
    rules = [rule_of(rule_id) for rule_id in rule_ids()]
    started = time.process_time()
    timed = [replace(rule, check=_timed(rule, each)) for rule in rules]
    run(timed, assembly)
    done = time.process_time()
    dearest = sorted(each.items(), key=lambda told: -told[1])[:5]
    return Cost(len(assembly.resources), read - began, done - started, dearest)


def _timed(rule: Rule, times: dict[str, float]) -> Callable[[Assembly], list[Finding | Unknown]]:
    def timed(assembly: Assembly) -> list[Finding | Unknown]:
        began = time.process_time()
        found = list(rule.check(assembly))
        times[rule.id] = time.process_time() - began
        return found

    return timed


def write_app(folder: Path, resources: int) -> list[Path]:
    """Write an app of so many resources: stacks of 400, in each a chain of workers that ends."""
    folder.mkdir()
    units, files = resources // RESOURCES_OF_A_UNIT, []
    for number, first in enumerate(range(0, units, UNITS_OF_A_STACK)):
        count = min(UNITS_OF_A_STACK, units - first)
        file = folder / f"Stack{number:04}.template.json"
        parts = [_unit(each, is_last=each == count - 1) for each in range(count)]
        file.write_text(json.dumps({"Resources": {name: made for part in parts for name, made in part.items()}}))
        files.append(file)
    return files


def _unit(number: int, *, is_last: bool) -> dict[str, Any]:
    """A queue, its worker, and the bucket and table the worker has."""

    def name(kind: str, at: int = number) -> str:
        return f"{kind}{at}"

    def arn(kind: str, at: int = number) -> dict[str, Any]:
        return {"Fn::GetAtt": [name(kind, at), "Arn"]}

    poll = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    out = {"Fn::Join": ["", [arn("Bucket"), "/out/*"]]}
    statements = [_allow(poll, arn("Queue")), _allow("s3:PutObject", out), _allow("dynamodb:PutItem", arn("Table"))]
    if not is_last:
        statements.append(_allow("sqs:SendMessage", arn("Queue", number + 1)))
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    told = {"Event": "s3:ObjectCreated:*", "Function": arn("Worker")}
    narrowed = {"Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}]}}}
    redrive = {"deadLetterTargetArn": arn("Dead"), "maxReceiveCount": 5}
    worker = {
        "Code": {"S3Bucket": "assets", "S3Key": f"{number}.zip"},
        "Environment": {"Variables": {"STAGE": "prod", "TABLE": {"Ref": name("Table")}}},
        "Handler": "index.handler",
        "MemorySize": 256,
        "Role": arn("Role"),
        "Runtime": "python3.13",
        "Timeout": 30,
    }
    mapping = {"EventSourceArn": arn("Queue"), "FunctionName": {"Ref": name("Worker")}}
    calls = {"Action": "lambda:InvokeFunction", "FunctionName": {"Ref": name("Worker")}, "SourceArn": arn("Bucket")}
    calls |= {"Principal": "s3.amazonaws.com", "SourceAccount": {"Ref": "AWS::AccountId"}}
    properties = {
        "Queue": ("AWS::SQS::Queue", {"VisibilityTimeout": 180, "RedrivePolicy": redrive}),
        "Dead": ("AWS::SQS::Queue", {"MessageRetentionPeriod": 1_209_600}),
        "Role": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Statement": [trusted]}}),
        "Policy": (
            "AWS::IAM::Policy",
            {
                "PolicyDocument": {"Statement": statements},
                "PolicyName": "grants",
                "Roles": [{"Ref": name("Role")}],
            },
        ),
        "Worker": ("AWS::Lambda::Function", worker),
        "Mapping": (
            "AWS::Lambda::EventSourceMapping",
            {**mapping, "FunctionResponseTypes": ["ReportBatchItemFailures"]},
        ),
        "Bucket": ("AWS::S3::Bucket", {"NotificationConfiguration": {"LambdaConfigurations": [told | narrowed]}}),
        "Logs": (
            "AWS::Logs::LogGroup",
            {"LogGroupName": {"Fn::Sub": f"/aws/lambda/${{{name('Worker')}}}"}, "RetentionInDays": 30},
        ),
        "Table": ("AWS::DynamoDB::Table", {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}),
        "Calls": ("AWS::Lambda::Permission", calls),
    }
    return {name(kind): {"Type": made, "Properties": values} for kind, (made, values) in properties.items()}


def _allow(actions: str | list[str], resource: dict[str, Any]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}
