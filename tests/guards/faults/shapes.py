"""Faults of what AWS refuses or never does: patterns, notifications, authorizers, deployments and trust."""

from __future__ import annotations

from typing import Any

from tests.guards.faults.fault import Fault, add, change, drop, forget, together
from tests.guards.faults.parts import Template, att, made, ref

MATCHES, OVERLAP = "event-pattern-can-match", "notifications-do-not-overlap"
WAITS, CHECKS, TRUSTS = "deployment-waits-for-its-methods", "route-names-its-authorizer", "role-trusts-its-service"
CIRCLE, VERSIONS = "resources-wait-in-no-circle", "versions-are-called"
PLACED: dict[str, Any] = {"source": ["shop.orders"], "detail-type": ["OrderPlaced"]}


def asks(name: str, **fields: Any) -> Fault:
    """The rule on placed orders asks for something more, or for something else."""
    return change(name, MATCHES, "Placed", "EventPattern", to={**PLACED, **fields})


def told(event: str, **rules: str) -> Template:
    """What the bucket of photos tells a function; each rule is a prefix or a suffix."""
    filtered = [{"Name": name, "Value": value} for name, value in rules.items()]
    return {"Event": event, "Filter": {"S3Key": {"Rules": filtered}}, "Function": att("Resize")}


def tells(name: str, *notifications: Template) -> Fault:
    """The bucket of photos has other notifications."""
    return change(
        name, OVERLAP, "Photos", "NotificationConfiguration", to={"LambdaConfigurations": list(notifications)}
    )


def trusts(name: str, role: str, service: str) -> Fault:
    """A role lets in another service than the one it is given to."""
    at = ("AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service")
    return change(name, TRUSTS, role, *at, to=f"{service}.amazonaws.com")


def waits_for(name: str, other: str) -> Fault:
    """The deployment of the REST API depends on something else than its method."""

    def make(template: Template) -> None:
        template["Resources"]["Deployment"]["DependsOn"] = other

    return Fault(name, WAITS, "Deployment", make)


def waits(name: str, at: str, other: str) -> Fault:
    """A resource depends on another that waits for it."""

    def make(template: Template) -> None:
        template["Resources"][at]["DependsOn"] = other

    return Fault(name, CIRCLE, at, make)


def acknowledged(name: str, at: str, **told: str) -> Fault:
    """Somebody acknowledges what nobody says."""

    def make(template: Template) -> None:
        template["Resources"][at]["Metadata"] = {"constructs-lib": {"acknowledge": [told]}}

    return Fault(name, "acknowledgement-is-needed", at, make)


MOVED = {"CodeDeployLambdaAliasUpdate": {"ApplicationName": "shop", "DeploymentGroupName": "notify"}}
LIVE = made(
    "AWS::Lambda::Alias", FunctionName=ref("Notify"), FunctionVersion=att("NotifyVersion", "Version"), Name="live"
)

FAULTS = [
    asks("a source with a capital letter", Source=["shop.orders"]),
    asks("a field of one's own beside detail", orderId=["1"]),
    asks("one of two fields that no event has", **{"$or": [{"region": ["eu-west-1"]}, {"status": ["placed"]}]}),
    asks("a type written with an underscore", detail_type=["OrderPlaced"]),
    tells("two notifications of one prefix", *(told("s3:ObjectCreated:*", prefix="incoming/") for _ in range(2))),
    tells(
        "a prefix inside another",
        told("s3:ObjectCreated:*", prefix="incoming/"),
        told("s3:ObjectCreated:Put", prefix="incoming/large/"),
    ),
    tells(
        "suffixes of which one ends the other",
        told("s3:ObjectRemoved:Delete", suffix=".tar.gz"),
        told("s3:ObjectRemoved:*", suffix=".gz"),
    ),
    tells("an event that is only half written", told("s3:ObjectCreated", prefix="incoming/")),
    tells("an event that S3 does not have", told("s3:ObjectChanged:*", prefix="incoming/")),
    drop("a token that nobody checks", CHECKS, "Route", "AuthorizerId"),
    drop("a user pool that nobody names", CHECKS, "PostReview", "AuthorizerId"),
    forget("a deployment that waits for nothing", WAITS, "Deployment", "DependsOn"),
    waits_for("a deployment that waits for something else", "Validator"),
    trusts("a role of a function that EC2 takes on", "ChargeRole", "ec2"),
    trusts("a role of a workflow that Lambda takes on", "FulfilRole", "lambda"),
    trusts("a role of a schedule that EventBridge takes on", "NightlyRole", "events"),
    change("a bucket and the permission it waits for", CIRCLE, "ResizePermission", "SourceArn", to=att("Photos")),
    change(
        "a bucket and the policy of the function it tells",
        CIRCLE,
        "ResizeRole",
        *("Policies", 0, "PolicyDocument", "Statement", 2, "Resource"),
        to=[att("Photos")],
    ),
    waits("a role that waits for its function", "ChargeRole", "Charge"),
    add(
        "new code at once beside an alias that is moved",
        VERSIONS,
        "NotifyLive",
        (),
        NotifyVersion=made("AWS::Lambda::Version", FunctionName=ref("Notify")),
        NotifyLive={**LIVE, "UpdatePolicy": MOVED},
    ),
    together(
        change(
            "snapshots that no route starts from", VERSIONS, "Review", "SnapStart", to={"ApplyOn": "PublishedVersions"}
        ),
        change("of Python", "", "Review", "Runtime", to="python3.14"),
    ),
    acknowledged("a word for what is not there", "Jobs", id="queue-keeps-failed-messages", reason="nobody misses them"),
]
