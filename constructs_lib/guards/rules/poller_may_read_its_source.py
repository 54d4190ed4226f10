"""A function or pipe that is fed from a queue or stream may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.arn import Arn
from constructs_lib.assembly.function_callers import FUNCTION
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.role_permissions import permissions_of_role
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.value import Value
    from constructs_lib.guards.finding import Finding, Unknown
    from constructs_lib.guards.role_permissions import RolePermissions

MAPPING, PIPE = "AWS::Lambda::EventSourceMapping", "AWS::Pipes::Pipe"
# What is done in the name of the role; of those with a bar, any one will do.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
NEEDED = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    "kinesis": (
        "kinesis:DescribeStream|kinesis:DescribeStreamSummary",
        "kinesis:GetRecords|kinesis:SubscribeToShard",
        "kinesis:GetShardIterator|kinesis:SubscribeToShard",
    ),
}
OF_AWS = {
    "AWSLambdaSQSQueueExecutionRole": "sqs",
    "AWSLambdaDynamoDBExecutionRole": "dynamodb",
    "AWSLambdaInvocation-DynamoDB": "dynamodb",
    "AWSLambdaKinesisExecutionRole": "kinesis",
}


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The role of a function or pipe that is fed from a queue or stream may read that.

    Why it matters: Lambda polls in the name of the function's role, a pipe in that of its own; without these actions
    the mapping is refused when it is deployed, or stops with what it has, and nobody reads the queue.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html

    Refuses: a mapping or pipe from SQS, Kinesis or a stream of DynamoDB whose role lacks one of the actions.

    Accepts: the actions on the source, by any policy of the role. What a policy outside of the templates allows is said
    to be unknown.
    """
    for mapping in assembly.of_type(MAPPING):
        function = assembly.target(mapping.value("FunctionName"), FUNCTION)
        if isinstance(function, Resource):
            yield from _poller(assembly, mapping, "EventSourceArn", function)
    for pipe in assembly.of_type(PIPE):
        yield from _poller(assembly, pipe, "Source", pipe)


def _poller(assembly: Assembly, by: Resource, key: str, reader: Resource) -> Iterator[Finding | Unknown]:
    source = by.value(key)
    service = _service(source)
    role = permissions_of_role(assembly, reader.value("RoleArn" if reader is by else "Role"))
    if service is None or not isinstance(source, Text) or role is None:
        return
    if service in {OF_AWS.get(name) for name in role.aws_policies}:
        return
    lacking = [each for each in NEEDED[service] if not _has(role, each, source)]
    if lacking and role.unknowns:
        yield unknown(by, what=f"whether {role.node} may read {source}", reason=role.unknowns[0])
    elif lacking:
        names = ", ".join(each.partition("|")[0] for each in lacking)
        yield finding(
            by,
            problem=f"{role.node} may not read {source} for {reader}: it lacks {names}",
            fix=f"allow {names} on {source} in a policy of the role",
            at=(key,),
            through=(reader,),
        )


def _has(role: RolePermissions, actions: str, source: Text) -> bool:
    return any(role.may(action.lower(), (source,)) for action in actions.split("|"))


def _service(source: Value) -> str | None:
    """The service that is polled, where the ARN of the source tells."""
    arn = Arn.parse(source) if isinstance(source, Text) else None
    service = arn.service.literal if arn is not None else None
    return service if service in NEEDED else None
