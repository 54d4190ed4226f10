"""Calls that write nothing themselves, of which AWS tells a bus, or which have something replayed or rotated.

https://docs.aws.amazon.com/eventbridge/latest/ref/welcome.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    bucket,
    bus,
    deny,
    function,
    objects,
    ref,
    resource,
    rule,
    sub,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

PARAMETER = sub("arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/shop/price")
TAGS = ("ec2.amazonaws.com", "CreateTags")
GLUE: Json = {"source": ["aws.glue"], "detail-type": ["Glue Job State Change"]}


def of_parameters(may: str = "ssm:PutParameter", on: Any = PARAMETER, **detail: Any) -> Resources:
    pattern = {"source": ["aws.ssm"], "detail-type": ["Parameter Store Change"]}
    return writer(allow(may, on)) | rule(att("Writer"), pattern | ({"detail": detail} if detail else {}))


def of_instances(may: str, *states: str) -> Resources:
    pattern = {"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]}
    return writer(allow(may, "*")) | rule(att("Writer"), pattern | {"detail": {"state": list(states)}})


def recorded(service: str, name: str, **parameters: Any) -> Resources:
    """A rule on a call that CloudTrail records."""
    detail: Json = {"eventSource": [service], "eventName": [name]}
    detail |= {"requestParameters": parameters} if parameters else {}
    return rule(att("Writer"), {"detail-type": ["AWS API Call via CloudTrail"], "detail": detail})


def of_jobs(*statements: Json, pattern: Json = GLUE, **properties: Any) -> Resources:
    return writer(*statements) | rule(att("Writer"), pattern, **properties)


def replays(archived: str, on: Any = "*") -> Resources:
    told = {"Archive": resource("AWS::Events::Archive", SourceArn=att(archived))}
    read = rule(att("Writer"), {"source": ["orders"]}, on=ref("Bus"))
    return writer(allow("events:StartReplay", on)) | bus() | bus("Other") | told | read


def rotates(rotated: str, may: str = "secretsmanager:RotateSecret") -> Resources:
    schedule = {"SecretId": ref("Secret"), "RotationLambdaARN": att("Writer")}
    return (
        function("Writer", allow(may, ref(rotated)))
        | {each: resource("AWS::SecretsManager::Secret") for each in ("Secret", "Other")}
        | {"Rotation": resource("AWS::SecretsManager::RotationSchedule", **schedule)}
    )


START = allow("glue:StartJobRun", "*")

TOPOLOGIES = (
    loop("it changes a parameter, and is told of changes", of_parameters()),
    loop("it changes a parameter, and is told of that one", of_parameters(name=["/shop/price"])),
    guarded("it changes a parameter, and is told of another", of_parameters(name=["/shop/name"])),
    guarded("it changes a parameter, and is told of removals", of_parameters(operation=["Delete"])),
    risk("it changes a parameter, and is told of new ones", of_parameters(operation=["Create"])),
    loop("it removes a parameter, and is told of removals", of_parameters("ssm:DeleteParameter", operation=["Delete"])),
    risk("it changes all parameters, and is told of one", of_parameters(on="*", name=["/shop/price"])),
    silent("it reads a parameter, and is told of changes", of_parameters("ssm:GetParameter")),
    loop(
        "it stops instances, and is told of those that stop", of_instances("ec2:StopInstances", "stopping", "stopped")
    ),
    risk("it stops instances, and is told of those that stopped", of_instances("ec2:StopInstances", "stopped")),
    guarded("it stops instances, and is told of those that run", of_instances("ec2:StopInstances", "running")),
    loop("it runs a job, and is told of jobs", of_jobs(START)),
    risk(
        "it runs a job, and is told of those that fail",
        of_jobs(START, pattern=GLUE | {"detail": {"state": ["FAILED"]}}),
    ),
    silent("it runs a job, and is told of none", of_jobs(START, State="DISABLED")),
    silent(
        "it runs a job, and is told of crawlers", of_jobs(START, pattern={"detail-type": ["Glue Crawler State Change"]})
    ),
    silent("it is denied to run jobs", of_jobs(START, deny("glue:*", "*"))),
    silent("it is told of jobs on a bus of its own", of_jobs(START, on=ref("Bus")) | bus()),
    risk(
        "it runs a job under a condition",
        of_jobs(allow("glue:StartJobRun", "*", StringEquals={"aws:RequestTag/a": "b"})),
    ),
    risk("it tags, and is told by CloudTrail who tags", writer(allow("ec2:CreateTags", "*")) | recorded(*TAGS)),
    silent(
        "it tags, and is told by CloudTrail who starts",
        writer(allow("ec2:CreateTags", "*")) | recorded(TAGS[0], "RunInstances"),
    ),
    risk(
        "it changes functions, which CloudTrail calls by a version",
        writer(allow("lambda:CreateFunction", "*")) | recorded("lambda.amazonaws.com", "CreateFunction20150331"),
    ),
    risk(
        "it puts objects, and is told by CloudTrail of its bucket",
        writer(allow("s3:PutObject", objects()))
        | bucket()
        | recorded("s3.amazonaws.com", "CompleteMultipartUpload", bucketName=[ref("Bucket")]),
    ),
    guarded(
        "it puts objects, and is told by CloudTrail of other keys",
        writer(allow("s3:PutObject", objects("out/*")))
        | bucket()
        | recorded("s3.amazonaws.com", "PutObject", bucketName=[ref("Bucket")], key=[{"prefix": "in/"}]),
    ),
    guarded(
        "it puts objects, and is told by CloudTrail of another bucket",
        writer(allow("s3:PutObject", objects()))
        | bucket()
        | bucket("Other")
        | recorded("s3.amazonaws.com", "PutObject", bucketName=[ref("Other")]),
    ),
    risk("it has events of its bus replayed", replays("Bus")),
    risk("it has events of its bus replayed from that archive", replays("Bus", att("Archive"))),
    silent("it has events of another bus replayed", replays("Other")),
    loop("it has a secret rotated that it rotates", rotates("Secret")),
    silent("it has a secret rotated that it does not rotate", rotates("Other")),
    silent("it writes the secret that it rotates", rotates("Secret", "secretsmanager:PutSecretValue")),
)
