"""The parts of the hardened app: CloudFormation as one writes it who has read the guides."""

from __future__ import annotations

from typing import Any

Template = dict[str, Any]
DAY = 86_400


def att(name: str, attribute: str = "Arn") -> Template:
    return {"Fn::GetAtt": [name, attribute]}


def ref(name: str) -> Template:
    return {"Ref": name}


def sub(text: str) -> Template:
    return {"Fn::Sub": text}


def made(kind: str, /, *, kept: bool = False, needs: str | None = None, **properties: Any) -> Template:
    """A resource; `kept` when it is deleted or replaced."""
    policy = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"} if kept else {}
    return {"Type": kind, "Properties": properties, **policy, **({} if needs is None else {"DependsOn": needs})}


def allowed(actions: str | list[str], resource: Any) -> Template:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def role(service: str, *statements: Template) -> Template:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    policies = [{"PolicyName": "grants", "PolicyDocument": document}] if statements else []
    return made(
        "AWS::IAM::Role", AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]}, Policies=policies
    )


def function(name: str, *statements: Template, **more: Any) -> dict[str, Template]:
    """A function with a role and logs of its own."""
    logs = allowed(["logs:CreateLogStream", "logs:PutLogEvents"], att(f"{name}Logs"))
    traces = allowed(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*")
    told = {
        "Architectures": ["arm64"],
        "Code": {"S3Bucket": "assets", "S3Key": f"{name}.zip"},
        "Handler": "index.handler",
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": ref(f"{name}Logs")},
        "MemorySize": 512,
        "RecursiveLoop": "Terminate",
        "Role": att(f"{name}Role"),
        "Runtime": "nodejs24.x",
        "Timeout": 10,
        "TracingConfig": {"Mode": "Active"},
    }
    return {
        name: made("AWS::Lambda::Function", **{**told, **more}),
        f"{name}Logs": made("AWS::Logs::LogGroup", RetentionInDays=30),
        f"{name}Role": role("lambda", logs, traces, *statements),
    }


def over_tls(actions: str, *resources: Any) -> Template:
    """Nobody comes in without TLS."""
    told = {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": list(resources)}
    return {**told, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}


def queue(name: str, **more: Any) -> dict[str, Template]:
    """A queue that takes requests over TLS alone."""
    statements = [over_tls("sqs:*", att(name))]
    return {
        name: made("AWS::SQS::Queue", SqsManagedSseEnabled=True, **more),
        f"{name}Policy": made("AWS::SQS::QueuePolicy", Queues=[ref(name)], PolicyDocument={"Statement": statements}),
    }


def topic(name: str, key: str, *statements: Template) -> dict[str, Template]:
    """A topic that takes requests over TLS alone."""
    document = {"Statement": [over_tls("sns:Publish", ref(name)), *statements]}
    return {
        name: made("AWS::SNS::Topic", KmsMasterKeyId=key),
        f"{name}Policy": made("AWS::SNS::TopicPolicy", PolicyDocument=document, Topics=[ref(name)]),
    }


def dead_letters(name: str) -> dict[str, Template]:
    """A queue for what failed, with an alarm that tells somebody."""
    dimension = {"Name": "QueueName", "Value": att(name, "QueueName")}
    alarm = made(
        "AWS::CloudWatch::Alarm",
        AlarmActions=[ref("OnCall")],
        ComparisonOperator="GreaterThanThreshold",
        Dimensions=[dimension],
        EvaluationPeriods=1,
        MetricName="ApproximateNumberOfMessagesVisible",
        Namespace="AWS/SQS",
        Period=60,
        Statistic="Maximum",
        Threshold=0,
        TreatMissingData="notBreaching",
    )
    return {**queue(name, MessageRetentionPeriod=14 * DAY), f"{name}Alarm": alarm}


def let_in(resources: dict[str, Template], name: str, service: str, source: Any) -> None:
    """Add to a queue's policy that one resource of one service may send to it."""
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sqs:SendMessage"}
    statement |= {"Resource": att(name), "Condition": {"ArnEquals": {"aws:SourceArn": source}}}
    resources[f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"].append(statement)


def may_send(name: str) -> Template:
    return allowed("sqs:SendMessage", att(name))


def table(**more: Any) -> Template:
    return made(
        "AWS::DynamoDB::Table",
        kept=True,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        SSESpecification={"SSEEnabled": True},
        **more,
    )


def permission(function_name: Any, service: str, source: Any, **more: Any) -> Template:
    principal = f"{service}.amazonaws.com"
    told = {"FunctionName": function_name, "Principal": principal, "SourceArn": source, **more}
    return made("AWS::Lambda::Permission", Action="lambda:InvokeFunction", **told)


def failures_of(name: str, to: str) -> Template:
    """What a function that is called asynchronously failed on goes to a queue."""
    return made(
        "AWS::Lambda::EventInvokeConfig",
        DestinationConfig={"OnFailure": {"Destination": att(to)}},
        FunctionName=ref(name),
        Qualifier="$LATEST",
    )
