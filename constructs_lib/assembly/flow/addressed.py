"""What an ARN or URL leads to, of whichever type: the target of a rule, a schedule, a subscription or a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.arn import Arn
from constructs_lib.assembly.value import Symbol, Text, Value, options

if TYPE_CHECKING:
    from constructs_lib.assembly.model import Assembly, Node

# The service of an ARN, how its resource begins, and the type that is.
TYPES = (
    ("lambda", "function:", "AWS::Lambda::Function"),
    ("sqs", "", "AWS::SQS::Queue"),
    ("sns", "", "AWS::SNS::Topic"),
    ("states", "stateMachine:", "AWS::StepFunctions::StateMachine"),
    ("events", "event-bus/", "AWS::Events::EventBus"),
    ("kinesis", "stream/", "AWS::Kinesis::Stream"),
    ("firehose", "deliverystream/", "AWS::KinesisFirehose::DeliveryStream"),
    ("dynamodb", "table/", "AWS::DynamoDB::Table"),
    ("logs", "log-group:", "AWS::Logs::LogGroup"),
    ("s3", "", "AWS::S3::Bucket"),
)
TABLES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
APIS = ("AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi")
# What only stands for something else, and the property that names that.
STANDS_FOR = {
    "AWS::Events::ApiDestination": "InvocationEndpoint",
    "AWS::Kinesis::StreamConsumer": "StreamARN",
    "AWS::Logs::Destination": "TargetArn",
}
INVOCATION = "/functions/"  # in the URI of an integration, before the ARN of a function
INVOKED = "/invocations"
SCHEMES = ("https://", "http://")


def node_at(assembly: Assembly, told: Value) -> Node | None:
    """Return what an ARN or URL leads to; none when that cannot be told."""
    for each in options(told):
        if isinstance(each, Text) and each.parts:
            return _at_text(assembly, each)
    return None


def _at_text(assembly: Assembly, text: Text) -> Node | None:
    if any(text.startswith(scheme) for scheme in SCHEMES):
        return api_at(assembly, text)
    arn = Arn.parse(text)
    if arn is None:
        first = text.parts[0]
        owner = assembly.find(first.of) if isinstance(first, Symbol) and first.kind in {"attribute", "name"} else None
        if owner is not None and owner.type in STANDS_FOR:
            return node_at(assembly, owner.value(STANDS_FOR[owner.type]))
        return owner if owner is not None else assembly.target(text)
    if arn.service.literal == "execute-api":
        return assembly.target(arn.resource.split("/", 1)[0], *APIS)
    if arn.service.literal == "apigateway":
        return function_of_integration(assembly, text)
    for service, start, kind in TYPES:
        if arn.service.literal == service and arn.resource.startswith(start):
            return assembly.target(text, *(TABLES if kind in TABLES else (kind,)))
    return assembly.target(text)


def function_of_integration(assembly: Assembly, uri: Text) -> Node | None:
    """Return the function that the URI of an integration invokes: the function itself, or the path that leads to it."""
    literal_at = next((at for at, part in enumerate(uri.parts) if isinstance(part, str) and INVOCATION in part), None)
    if literal_at is None:
        return None
    part = uri.parts[literal_at]
    before = str(part).partition(INVOCATION)[2]
    rest = Text.of(before, *uri.parts[literal_at + 1 :])
    return assembly.target(rest.split(INVOKED, 1)[0], "AWS::Lambda::Function")


def api_at(assembly: Assembly, url: Text) -> Node | None:
    """Return the API of the assembly that an address leads to; none for any other."""
    for each in url.symbols:
        owner = assembly.find(each.of)
        if owner is not None and owner.type in APIS:
            return owner
        if owner is not None and owner.type == "AWS::Lambda::Url":
            return assembly.target(owner.value("TargetFunctionArn"), "AWS::Lambda::Function")
    return None
