"""Faults of APIs, functions, tables, databases, and of what has a limit."""

from __future__ import annotations

from tests.guards.faults.fault import Fault, add, change, drop, forget, remove, together
from tests.guards.faults.parts import att, made, ref, sub

CLOSED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
FAT = "no-function-serves-every-route"
WHO = "api-route-asks-who-calls"
PROXY = "function-reaches-database-by-proxy"
EXECUTE = "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:"


def lets_all(name: str, api: str) -> Fault:
    """A permission lets in all routes of an API."""
    return change("", "", name, "SourceArn", to=sub(f"{EXECUTE}${{{api}}}/*/*"))


def connects(name: str, rule: str, at: str, *, reserved: int, also: tuple[str, ...] = ()) -> Fault:
    """The function knows the database and no proxy."""
    host = att("Reports", "Endpoint.Address")
    return together(
        change(name, rule, "Report", "Environment", to={"Variables": {"DB_HOST": host}}, found_at=at, also=also),
        change("so many at once", "", "Report", "ReservedConcurrentExecutions", to=reserved),
    )


FAULTS = [
    change("30 seconds behind a REST API", "api-function-answers-in-time", "Review", "Timeout", to=30),
    change("30 seconds behind an HTTP API", "api-function-answers-in-time", "Place", "Timeout", to=30),
    change(
        "an integration that waits for 5 seconds",
        "api-function-answers-in-time",
        "Integration",
        "TimeoutInMillis",
        to=5000,
        found_at="Place",
    ),
    change("more than 15 minutes", "function-ends-within-15-minutes", "Report", "Timeout", to=901),
    drop("no timeout", "function-states-its-limits", "Charge", "Timeout"),
    together(
        change("a fat function of an HTTP API", FAT, "Route", "RouteKey", to="ANY /{proxy+}", found_at="Place"),
        lets_all("PlacePermission", "Api"),
    ),
    together(
        change("a default route", FAT, "Route", "RouteKey", to="$default", found_at="Place"),
        lets_all("PlacePermission", "Api"),
    ),
    together(
        change("a fat function of a REST API", FAT, "Reviews", "PathPart", to="{proxy+}", found_at="Review"),
        change("for any method", "", "PostReview", "HttpMethod", to="ANY"),
        lets_all("ReviewPermission", "Rest"),
    ),
    change("an HTTP route for anybody", WHO, "Route", "AuthorizationType", to="NONE"),
    drop("an HTTP route without authorization", WHO, "Route", "AuthorizationType"),
    change("a REST method for anybody", WHO, "PostReview", "AuthorizationType", to="NONE"),
    add(
        "a function URL for anybody",
        WHO,
        "Url",
        Url=made("AWS::Lambda::Url", AuthType="NONE", TargetFunctionArn=ref("Review")),
    ),
    drop("an HTTP stage without throttle", "api-stage-is-throttled", "Stage", "DefaultRouteSettings"),
    drop(
        "an HTTP stage without burst", "api-stage-is-throttled", "Stage", "DefaultRouteSettings", "ThrottlingBurstLimit"
    ),
    drop("a REST stage without throttle", "api-stage-is-throttled", "RestStage", "MethodSettings"),
    change(
        "a validator that lets everything pass",
        "request-validator-validates",
        "Validator",
        "ValidateRequestBody",
        to=False,
    ),
    drop("a REST method without validator", "rest-requests-are-validated", "PostReview", "RequestValidatorId"),
    change("a deprecated runtime", "runtime-is-supported", "Charge", "Runtime", to="nodejs18.x"),
    change("a runtime of the past", "runtime-is-supported", "Charge", "Runtime", to="python2.7"),
    drop("a function without tracing", "work-is-traced", "Charge", "TracingConfig"),
    drop("a workflow without tracing", "work-is-traced", "Fulfil", "TracingConfiguration"),
    change("a stage without tracing", "work-is-traced", "RestStage", "TracingEnabled", to=False),
    drop("logs for ever", "logs-expire", "ChargeLogs", "RetentionInDays"),
    change("loops allowed", "recursion-stop-stays-on", "Charge", "RecursiveLoop", to="Allow"),
    together(
        change(
            "warm environments for nobody",
            "provisioned-concurrency-is-called",
            "Integration",
            "IntegrationUri",
            to=att("Place"),
            found_at="PlaceLive",
        ),
        change("and a permission for it", "", "PlacePermission", "FunctionName", to=ref("Place")),
    ),
    change(
        "a client on every call",
        "clients-are-made-once",
        "Report",
        "Code",
        to={
            "ZipFile": 'const { S3Client } = require("@aws-sdk/client-s3");\n'
            "exports.handler = async () => { const s3 = new S3Client({}); };\n"
        },
    ),
    together(
        change(
            "a client of boto3 on every call",
            "clients-are-made-once",
            "Report",
            "Code",
            to={"ZipFile": "import boto3\n\n\ndef handler(event, context):\n    return boto3.client('s3')\n"},
        ),
        change("in Python", "", "Report", "Runtime", to="python3.14"),
    ),
    add(
        "too many resources",
        "stack-stays-below-the-resource-limit",
        None,
        **{f"Topic{number}": made("AWS::SNS::Topic", KmsMasterKeyId="alias/shop") for number in range(301)},
    ),
    change(
        "a table that can be deleted",
        "table-is-protected-from-deletion",
        "Orders",
        "DeletionProtectionEnabled",
        to=False,
    ),
    drop("a table that cannot be restored", "table-can-be-restored", "Orders", "PointInTimeRecoverySpecification"),
    forget("a table that goes with its stack", "data-outlives-its-stack", "Orders", "DeletionPolicy"),
    forget(
        "users that go with their stack", "data-outlives-its-stack", "Users", "DeletionPolicy", "UpdateReplacePolicy"
    ),
    add(
        "a bucket that is emptied",
        "data-outlives-its-stack",
        "Files",
        Files=made("AWS::S3::Bucket", PublicAccessBlockConfiguration=CLOSED),
        Emptier=made("Custom::S3AutoDeleteObjects", BucketName=ref("Files")),
    ),
    together(
        drop("a function in a VPC of nothing", "vpc-function-has-a-reason-to-be-there", "Report", "Environment"),
        remove("nothing private", "", "Report", "Proxy", "ProxyRole", "Reports", "Login"),
    ),
    connects("a database without a proxy", PROXY, "Report", reserved=50),
    connects("more at once than connections", "concurrency-fits-the-database", "Reports", reserved=113, also=(PROXY,)),
]

# Told as an information: nothing that would hurt.
HINTS = [
    drop("no memory", "function-states-its-limits", "Charge", "MemorySize"),
    drop("logs of nobody", "logs-expire", "Charge", "LoggingConfig"),
]
