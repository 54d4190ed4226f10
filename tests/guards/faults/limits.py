"""Faults of APIs, functions, tables, databases, and of what has a limit."""

from __future__ import annotations

from tests.guards.faults.fault import Fault, add, change, drop, forget, remove, together
from tests.guards.faults.hardened import att, made, ref

FAT = "no-function-serves-every-route"
WHO = "api-route-asks-who-calls"


def connects(name: str, rule: str, at: str, *, reserved: int) -> Fault:
    """The function knows the database and no proxy."""
    host = att("Reports", "Endpoint.Address")
    return together(
        change(name, rule, "Report", "Environment", to={"Variables": {"DB_HOST": host}}, found_at=at),
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
    change("more than 15 minutes", "function-ends-within-15-minutes", "Work", "Timeout", to=901),
    drop("no timeout", "function-states-its-limits", "Charge", "Timeout"),
    drop("no memory", "function-states-its-limits", "Charge", "MemorySize"),
    change("a fat function of an HTTP API", FAT, "Route", "RouteKey", to="ANY /{proxy+}", found_at="Place"),
    change("a default route", FAT, "Route", "RouteKey", to="$default", found_at="Place"),
    together(
        change("a fat function of a REST API", FAT, "Reviews", "PathPart", to="{proxy+}", found_at="Review"),
        change("for any method", "", "PostReview", "HttpMethod", to="ANY"),
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
    drop("a REST method without validator", "rest-requests-are-validated", "PostReview", "RequestValidatorId"),
    change("a deprecated runtime", "runtime-is-supported", "Charge", "Runtime", to="nodejs18.x"),
    change("a runtime of the past", "runtime-is-supported", "Charge", "Runtime", to="python2.7"),
    change("x86", "function-runs-on-arm", "Charge", "Architectures", to=["x86_64"]),
    drop("a function without tracing", "work-is-traced", "Charge", "TracingConfig"),
    drop("a workflow without tracing", "work-is-traced", "Fulfil", "TracingConfiguration"),
    change("a stage without tracing", "work-is-traced", "RestStage", "TracingEnabled", to=False),
    drop("logs for ever", "logs-expire", "ChargeLogs", "RetentionInDays"),
    drop("logs of nobody", "logs-expire", "Charge", "LoggingConfig"),
    change("loops allowed", "recursion-stop-stays-on", "Charge", "RecursiveLoop", to="Allow"),
    change(
        "warm environments for nobody",
        "provisioned-concurrency-is-called",
        "Integration",
        "IntegrationUri",
        to=att("Place"),
        found_at="PlaceLive",
    ),
    add(
        "too many resources",
        "stack-stays-below-the-resource-limit",
        None,
        **{f"Topic{number}": made("AWS::SNS::Topic", KmsMasterKeyId="alias/shop") for number in range(322)},
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
        Files=made("AWS::S3::Bucket", PublicAccessBlockConfiguration={"BlockPublicAcls": True}),
        Emptier=made("Custom::S3AutoDeleteObjects", BucketName=ref("Files")),
    ),
    together(
        drop("a function in a VPC of nothing", "vpc-function-has-a-reason-to-be-there", "Report", "Environment"),
        remove("nothing private", "", "Report", "Proxy", "ProxyRole", "Reports", "Login"),
    ),
    connects("a database without a proxy", "function-reaches-database-by-proxy", "Report", reserved=50),
    connects("more at once than connections", "concurrency-fits-the-database", "Reports", reserved=113),
]
