"""Faults of what is switched off, and of names and times that AWS does not know."""

from __future__ import annotations

from typing import Any

from tests.guards.faults.fault import Fault, add, change, drop, grant
from tests.guards.faults.hardened import STATES
from tests.guards.faults.parts import allowed, att, made, ref

ENCRYPTED, PUBLIC, TIMES = "data-is-encrypted", "bucket-keeps-the-public-out", "schedule-says-when"
LEADS, EXIST = "states-lead-on", "actions-exist"
TAKES, READS = "function-settings-are-ones-lambda-takes", "stream-mapping-is-one-lambda-takes"
ASKS, USES = "function-may-do-what-lambda-asks", "environment-names-what-may-be-used"
ALARM = "dead-letters-raise-an-alarm"
BLOCK = "PublicAccessBlockConfiguration"


def at_times(name: str, expression: str) -> Fault:
    """A rule that nothing targets has an odd schedule."""
    return add(name, TIMES, "Tick", Tick=made("AWS::Events::Rule", ScheduleExpression=expression))


def scheduled(name: str, expression: str) -> Fault:
    return change(name, TIMES, "Nightly", "ScheduleExpression", to=expression)


def workflow(name: str, start: str = "Pay", /, **states: Any) -> Fault:
    """The workflow has other states beside its own, or instead of them; none is left out."""
    merged = {key: each for key, each in {**STATES, **states}.items() if each is not None}

    def make(template: dict[str, Any]) -> None:
        machine = template["Resources"]["Fulfil"]["Properties"]
        del machine["DefinitionString"]
        machine["Definition"] = {"StartAt": start, "States": merged}

    return Fault(name, LEADS, "Fulfil", make)


def revoked(name: str, rule: str, at: str, action: str) -> Fault:
    """The role of a function lacks one of its statements."""

    def make(template: dict[str, Any]) -> None:
        document = template["Resources"][f"{at}Role"]["Properties"]["Policies"][0]["PolicyDocument"]
        kept = [each for each in document["Statement"] if action not in each["Action"]]
        assert len(kept) < len(document["Statement"])
        document["Statement"] = kept

    return Fault(name, rule, at, make)


def without(state: str, key: str) -> dict[str, Any]:
    return {name: each for name, each in STATES[state].items() if name != key}


FAULTS = [
    change("a queue whose encryption is off", ENCRYPTED, "Jobs", "SqsManagedSseEnabled", to=False),
    drop("a stream without encryption", ENCRYPTED, "Clicks", "StreamEncryption"),
    change("a stream whose encryption is none", ENCRYPTED, "Clicks", "StreamEncryption", "EncryptionType", to="NONE"),
    drop("a topic without a key", ENCRYPTED, "News", "KmsMasterKeyId"),
    change("a table under the key of AWS", ENCRYPTED, "Orders", "SSESpecification", "SSEEnabled", to=False),
    add("a file system in the clear", ENCRYPTED, "Disk", Disk=made("AWS::EFS::FileSystem", kept=True)),
    change("a bucket that a policy may open", PUBLIC, "Photos", BLOCK, "BlockPublicPolicy", to=False),
    drop("a bucket without one of the switches", PUBLIC, "Photos", BLOCK, "RestrictPublicBuckets"),
    change("a bucket that everybody reads", PUBLIC, "Photos", "AccessControl", to="PublicRead"),
    change("a bucket that everybody writes", PUBLIC, "Photos", "AccessControl", to="PublicReadWrite"),
    add(
        "a key that stays the same",
        "key-is-rotated",
        "Key",
        Key=made(
            "AWS::KMS::Key",
            KeyPolicy={"Statement": [{**allowed("kms:Encrypt", "*"), "Principal": {"AWS": att("ChargeRole")}}]},
        ),
    ),
    change("a function that may not run", "function-may-run", "Review", "ReservedConcurrentExecutions", to=0),
    change(
        "an API that lets nothing in",
        "api-stage-is-throttled",
        "Stage",
        "DefaultRouteSettings",
        "ThrottlingRateLimit",
        to=0,
    ),
    change(
        "a route that lets nothing in",
        "api-stage-is-throttled",
        "Stage",
        "RouteSettings",
        to={"POST /orders": {"ThrottlingBurstLimit": 0, "ThrottlingRateLimit": 10}},
    ),
    change(
        "methods that let nothing in",
        "api-stage-is-throttled",
        "RestStage",
        "MethodSettings",
        0,
        "ThrottlingBurstLimit",
        to=0,
    ),
    at_times("several minutes that are one", "rate(1 minutes)"),
    at_times("one minute that is five", "rate(5 minute)"),
    at_times("a cron of five fields", "cron(0 12 * * ?)"),
    at_times("a cron of two days", "cron(0 12 1 * MON *)"),
    at_times("a cron of no day", "cron(0 12 ? * ? *)"),
    at_times("a cron of a Sunday that is 0", "cron(0 12 ? * 0 *)"),
    scheduled("every 0 hours", "rate(0 hours)"),
    scheduled("the 25th hour", "cron(0 25 * * ? *)"),
    scheduled("every fortnight", "rate(1 fortnight)"),
    scheduled("a day that never was", "at(2030-02-30T08:00:00)"),
    workflow("a workflow that starts nowhere", "Begin"),
    workflow("a state that leads nowhere", Pay={**STATES["Pay"], "Next": "Shipp"}),
    workflow("a failure that leads nowhere", Refund={**STATES["Refund"], "Next": "Lost"}),
    workflow("a state that does not say it ends", Ship=without("Ship", "End")),
    workflow("a state that goes on and ends", Pay={**STATES["Pay"], "End": True}),
    workflow("a state nobody goes to", Lonely={"Type": "Succeed"}),
    workflow(
        "a choice that leads nowhere",
        "Check",
        Check={"Type": "Choice", "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "Pay"}], "Default": "No"},
    ),
    grant("an action of several items", EXIST, "Place", allowed("dynamodb:PutItems", att("Orders"))),
    grant("a call that is no action", EXIST, "Place", allowed("sqs:SendMessageBatch", ref("Jobs"))),
    grant("an action of another name", EXIST, "Place", allowed("lambda:Invoke", att("Review"))),
    grant("a service of another name", EXIST, "Place", allowed("dynamo:GetItem", att("Orders"))),
    grant("an action of no service", EXIST, "Place", allowed("GetItem", att("Orders"))),
    change("more memory than there is", TAKES, "Charge", "MemorySize", to=10_241),
    change("more room than there is", TAKES, "Charge", "EphemeralStorage", to={"Size": 10_241}),
    change("a variable of Lambda's own", TAKES, "Charge", "Environment", "Variables", "AWS_REGION", to="eu-west-1"),
    change("warm environments of $LATEST", TAKES, "PlaceLive", "FunctionVersion", to="$LATEST"),
    change("more warm than reserved", TAKES, "Place", "ReservedConcurrentExecutions", to=1, found_at="PlaceLive"),
    drop("a stream read from nowhere", READS, "FollowMapping", "StartingPosition"),
    drop("a table without the stream that is read", READS, "Orders", "StreamSpecification"),
    revoked("a function that may not log", ASKS, "Charge", "logs:PutLogEvents"),
    revoked("a function that may not trace", ASKS, "Charge", "xray:PutTraceSegments"),
    revoked("a function that may not join its VPC", ASKS, "Report", "ec2:CreateNetworkInterface"),
    revoked("a function that may not use its table", USES, "Place", "dynamodb:PutItem"),
    revoked("a function that may not send to its queue", USES, "Place", "sqs:SendMessage"),
    revoked("a function that may not read its secret", USES, "Charge", "secretsmanager:GetSecretValue"),
    change("an alarm that is switched off", ALARM, "DeadJobsAlarm", "ActionsEnabled", to=False, found_at="DeadJobs"),
    change(
        "an alarm when there is nothing",
        ALARM,
        "DeadJobsAlarm",
        "ComparisonOperator",
        to="LessThanOrEqualToThreshold",
        found_at="DeadJobs",
    ),
]

# Told as an information: AWS's own default is no harm, or nothing is known to go wrong by it.
HINTS = [
    drop("a bucket of which nothing is said", PUBLIC, "Photos", BLOCK),
    drop("a topic of alarms without a key", ENCRYPTED, "OnCall", "KmsMasterKeyId"),
    drop("an HTTP stage without a log", "api-requests-are-logged", "Stage", "AccessLogSettings"),
    drop("a REST stage without a log", "api-requests-are-logged", "RestStage", "AccessLogSetting"),
    change("a queue that takes anything", "requests-come-over-tls", "JobsPolicy", "Queues", to=[], found_at="Jobs"),
    change(
        "a bucket that takes anything", "requests-come-over-tls", "PhotosPolicy", "Bucket", to="x", found_at="Photos"
    ),
    change("a topic that takes anything", "requests-come-over-tls", "NewsPolicy", "Topics", to=[], found_at="News"),
]
