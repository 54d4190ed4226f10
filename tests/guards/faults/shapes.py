"""Faults of what AWS refuses or never does: patterns, notifications, authorizers, deployments and trust."""

from __future__ import annotations

from typing import Any

from tests.guards.faults.fault import Fault, change, drop, forget
from tests.guards.faults.parts import Template, att

MATCHES, OVERLAP = "event-pattern-can-match", "notifications-do-not-overlap"
WAITS, CHECKS, TRUSTS = "deployment-waits-for-its-methods", "route-names-its-authorizer", "role-trusts-its-service"
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
]
