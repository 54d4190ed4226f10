"""Who calls a function: every resource of an assembly that names one to be run, and whether it waits for the answer."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING

from constructs_lib.assembly.api_routes import routes_of
from constructs_lib.assembly.arn import Arn
from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.remembered import remembered
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.state_machine import STATE_MACHINE, Definition
from constructs_lib.assembly.value import Text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.value import Value

FUNCTION, URL = "AWS::Lambda::Function", "AWS::Lambda::Url"
LATEST = "$LATEST"  # what a function runs when nobody names a version or an alias
INVOKE = ":states:::lambda:invoke"  # what a Task names to call a function that its arguments tell
# Functions that the CDK brings along for its own custom resources; nobody who uses the CDK wrote them.
PROVIDER = re.compile(
    r"CustomResourceProvider(Handler)?[0-9A-F]{8}$|^Custom.*CustomResourceProvider|AWS679f53fac002430cb0da5b7982bd2287|BucketNotificationsHandler050a0587"
    r"|LogRetentionaae0aa3c|CustomCDKBucketDeployment8693BB64|framework(onEvent|onTimeout|isComplete)"
)


class Way(Enum):
    """How a function is called."""

    AWAITED = "awaited"  # the caller waits for the answer
    ASYNCHRONOUS = "asynchronous"  # Lambda takes the event, and retries it alone
    POLLED = "polled"  # Lambda fetches batches, and they stay where they were until they succeed


# What of each type names functions, and how it calls them.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
CALLS: Mapping[str, tuple[tuple[tuple[str, ...], Way], ...]] = {
    "AWS::AppSync::DataSource": ((("LambdaConfig", "LambdaFunctionArn"), Way.AWAITED),),
    "AWS::CloudFront::Distribution": (
        (
            ("DistributionConfig", "DefaultCacheBehavior", "LambdaFunctionAssociations", "*", "LambdaFunctionARN"),
            Way.AWAITED,
        ),
        (
            ("DistributionConfig", "CacheBehaviors", "*", "LambdaFunctionAssociations", "*", "LambdaFunctionARN"),
            Way.AWAITED,
        ),
    ),
    "AWS::CloudWatch::Alarm": (
        (("AlarmActions", "*"), Way.ASYNCHRONOUS),
        (("OKActions", "*"), Way.ASYNCHRONOUS),
        (("InsufficientDataActions", "*"), Way.ASYNCHRONOUS),
    ),
    "AWS::CodeCommit::Repository": ((("Triggers", "*", "DestinationArn"), Way.ASYNCHRONOUS),),
    "AWS::Cognito::UserPool": (
        (("LambdaConfig", "*"), Way.AWAITED),
        (("LambdaConfig", "*", "LambdaArn"), Way.AWAITED),
    ),
    "AWS::Config::ConfigRule": ((("Source", "SourceIdentifier"), Way.ASYNCHRONOUS),),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ((("Targets", "*", "Id"), Way.AWAITED),),
    "AWS::Events::Rule": ((("Targets", "*", "Arn"), Way.ASYNCHRONOUS),),
    "AWS::IoT::TopicRule": (
        (("TopicRulePayload", "Actions", "*", "Lambda", "FunctionArn"), Way.ASYNCHRONOUS),
        (("TopicRulePayload", "ErrorAction", "Lambda", "FunctionArn"), Way.ASYNCHRONOUS),
    ),
    "AWS::Lambda::EventInvokeConfig": (
        (("DestinationConfig", "OnSuccess", "Destination"), Way.ASYNCHRONOUS),
        (("DestinationConfig", "OnFailure", "Destination"), Way.ASYNCHRONOUS),
    ),
    "AWS::Lambda::EventSourceMapping": ((("FunctionName",), Way.POLLED),),
    URL: ((("TargetFunctionArn",), Way.AWAITED),),
    "AWS::Logs::SubscriptionFilter": ((("DestinationArn",), Way.ASYNCHRONOUS),),
    "AWS::Pipes::Pipe": ((("Target",), Way.AWAITED), (("Enrichment",), Way.AWAITED)),
    "AWS::S3::Bucket": ((("NotificationConfiguration", "LambdaConfigurations", "*", "Function"), Way.ASYNCHRONOUS),),
    "AWS::SES::ReceiptRule": ((("Rule", "Actions", "*", "LambdaAction", "FunctionArn"), Way.ASYNCHRONOUS),),
    "AWS::SNS::Subscription": ((("Endpoint",), Way.ASYNCHRONOUS),),
    "AWS::SNS::Topic": ((("Subscription", "*", "Endpoint"), Way.ASYNCHRONOUS),),
    "AWS::Scheduler::Schedule": ((("Target", "Arn"), Way.ASYNCHRONOUS),),
    # https://docs.aws.amazon.com/lambda/latest/dg/with-secrets-manager.html
    "AWS::SecretsManager::RotationSchedule": ((("RotationLambdaARN",), Way.AWAITED),),
    "Custom::S3BucketNotifications": (
        (
            ("NotificationConfiguration", "LambdaFunctionConfigurations", "*", "LambdaFunctionArn"),
            Way.ASYNCHRONOUS,
        ),
    ),
}


@frozen
class Caller:
    """One resource that calls a function.

    Args:
        function: The function.
        by: The resource that names it: a rule, a subscription, a route.
        way: Whether it waits for the answer.
        at: Where among the properties of that resource.
        text: The function as that resource names it: a name or an ARN, perhaps with a version or an alias.
    """

    function: Resource
    by: Resource
    way: Way
    at: tuple[str, ...]
    text: Text = field(repr=False)

    def __str__(self) -> str:
        """Name the resource that calls, as a user does."""
        return f"{self.by.path} ({self.by.type})"

    @property
    def qualifier(self) -> Text | None:
        """The version or alias it calls; none when it calls what was deployed last."""
        arn = Arn.parse(self.text)
        name = self.text.split(":") if arn is None else arn.resource.split(":")[1:]
        return None if len(name) <= 1 or name[1].literal in {"", LATEST} else name[1]


@remembered
def callers_of(assembly: Assembly) -> Mapping[str, tuple[Caller, ...]]:
    """Return who calls each function of an assembly, by the function's id; a function that nobody calls is not in it.

    Example:
        >>> [str(caller) for caller in callers_of(assembly)[function.id]]
        ['Orders/Placed (AWS::Events::Rule)']
    """
    found: dict[str, list[Caller]] = defaultdict(list)
    for caller in _callers(assembly):
        if caller not in found[caller.function.id]:
            found[caller.function.id].append(caller)
    return {key: tuple(callers) for key, callers in found.items()}


def own_functions(assembly: Assembly) -> tuple[Resource, ...]:
    """Return the functions of an assembly that its authors wrote: not those the CDK brings for custom resources."""
    return tuple(each for each in assembly.of_type(FUNCTION) if not PROVIDER.search(each.logical_id))


def _callers(assembly: Assembly) -> Iterator[Caller]:
    for kind, calls in CALLS.items():
        for resource in assembly.of_type(kind):
            for at, way in calls:
                for text in resource.texts(*at):
                    qualifier = resource.value("Qualifier") if kind == URL else None
                    yield from _caller(assembly, _qualified(text, qualifier), resource, at, way)
    for route in routes_of(assembly):
        if route.function is not None:
            way = Way.ASYNCHRONOUS if route.is_asynchronous else Way.AWAITED
            yield from _caller(assembly, route.function, route.resource, route.at, way)
    for machine in assembly.of_type(STATE_MACHINE):
        definition = Definition.of(machine)
        for task in definition.tasks() if isinstance(definition, Definition) else ():
            if task.resource is not None and INVOKE in str(task.resource):
                way = Way.ASYNCHRONOUS if str(task.argument("InvocationType")) == "Event" else Way.AWAITED
                for text in texts([task.argument("FunctionName")]):
                    yield from _caller(assembly, _qualified(text, task.argument("Qualifier")), machine, task.path, way)
            elif task.resource is not None:
                yield from _caller(assembly, task.resource, machine, task.path, Way.AWAITED)


def _qualified(text: Text, qualifier: Value) -> Text:
    return Text.of(text, ":", qualifier) if isinstance(qualifier, Text) and qualifier.parts else text


def _caller(assembly: Assembly, text: Text, by: Resource, at: tuple[str, ...], way: Way) -> Iterator[Caller]:
    name = text if Arn.parse(text) is not None else text.split(":", 1)[0]  # a name may have a qualifier behind it
    function = assembly.target(name, FUNCTION)
    if isinstance(function, Resource) and function.type == FUNCTION:
        yield Caller(function, by, way, at, text)
