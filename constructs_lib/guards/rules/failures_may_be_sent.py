"""What a function failed on may be sent to where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import FUNCTION
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.role_permissions import permissions_of_role
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

# What the role of the function has to allow for each kind of place, in whose name Lambda sends there.
ACTIONS = {
    "AWS::SQS::Queue": "sqs:SendMessage",
    "AWS::SNS::Topic": "sns:Publish",
    "AWS::Events::EventBus": "events:PutEvents",
    FUNCTION: "lambda:InvokeFunction",
    "AWS::S3::Bucket": "s3:PutObject",
}
# Where each type names such places, and the function.
PLACES = (
    ("AWS::Lambda::EventInvokeConfig", ("DestinationConfig", "OnFailure", "Destination"), "FunctionName"),
    ("AWS::Lambda::EventInvokeConfig", ("DestinationConfig", "OnSuccess", "Destination"), "FunctionName"),
    ("AWS::Lambda::EventSourceMapping", ("DestinationConfig", "OnFailure", "Destination"), "FunctionName"),
    (FUNCTION, ("DeadLetterConfig", "TargetArn"), None),
)


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The role of a function may send to its destinations and to its dead-letter queue.

    Why it matters: Lambda sends in the name of the function's role. Without the permission it refuses the configuration
    when that is deployed, or drops the event that was to be kept.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html

    Refuses: a destination for success or failure, of asynchronous calls or of a stream, or a `DeadLetterConfig`, whose
    queue, topic, bus, bucket or function no policy of the role allows to be sent to.

    Accepts: any policy of the role that allows it, also by a wildcard; functions whose role is not in the templates.
    What a policy outside of the templates allows is said to be unknown.
    """
    for kind, at, named in PLACES:
        for resource in assembly.of_type(kind):
            places = resource.texts(*at)
            if not places:
                continue
            function = resource if named is None else assembly.target(resource.value(named), FUNCTION)
            role = permissions_of_role(assembly, function.value("Role")) if isinstance(function, Resource) else None
            if role is None:
                continue
            for place in places:
                to = _place(assembly, place)
                if to is None or role.may(
                    ACTIONS[to.type].lower(), (place,) if to.type == FUNCTION else assembly.arns(to)
                ):
                    continue
                if role.unknowns:
                    yield unknown(resource, what=f"whether {role.node} may send to {to}", reason=role.unknowns[0])
                    continue
                yield finding(
                    resource,
                    at=at,
                    detail=str(to.logical_id),
                    problem=f"{role.node} may not send to {to} for {function}: it lacks {ACTIONS[to.type]}",
                    fix=f"allow {ACTIONS[to.type]} on {to} in a policy of the role",
                    through=(to,),
                )


def _place(assembly: Assembly, place: Text) -> Resource | None:
    """The queue, topic, bus, bucket or function of the templates that an ARN names."""
    for kind in ACTIONS:
        node = assembly.target(place, kind)
        if isinstance(node, Resource) and node.type == kind:
            return node
    return None
