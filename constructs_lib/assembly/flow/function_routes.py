"""Where a function's invocations go on to without its doing: its destinations, its dead letters, its logs.

Destinations and dead letters are for asynchronous invocations alone: who polls a queue or calls an API waits for the
answer, and a function invoked so leaves nothing there.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.addressed import APIS, node_at
from constructs_lib.assembly.flow.described import event, kept_objects
from constructs_lib.assembly.flow.message import Message, Passage
from constructs_lib.assembly.flow.route import Filter, Route
from constructs_lib.assembly.text_set import Extent
from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.resource import Resource

FUNCTION, LOG_GROUP, API_STAGES = (
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    (
        "AWS::ApiGatewayV2::Stage",
        "AWS::ApiGateway::Stage",
    ),
)
CONFIG, SUBSCRIPTION = "AWS::Lambda::EventInvokeConfig", "AWS::Logs::SubscriptionFilter"
BUCKET, BUS, MACHINE = "AWS::S3::Bucket", "AWS::Events::EventBus", "AWS::StepFunctions::StateMachine"
OUTCOMES = (("OnSuccess", "Success", "each success"), ("OnFailure", "Failure", "each failure"))


def function_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways from functions to their destinations and dead letters."""
    for config in assembly.of_type(CONFIG):
        function = assembly.target(config.value("FunctionName"), FUNCTION)
        for name, outcome, when in OUTCOMES if function is not None else ():
            target = node_at(assembly, config.value("DestinationConfig", name, "Destination"))
            if function is not None and target is not None:
                yield Route(
                    function,
                    target,
                    config,
                    f"reports {when} to",
                    _result(outcome, when, function, target),
                    is_asynchronous=True,
                    only_asynchronous=True,
                )
    for function in assembly.of_type(FUNCTION):
        target = node_at(assembly, function.value("DeadLetterConfig", "TargetArn"))
        if target is not None:
            yield Route(
                function, target, function, "leaves failed events in", _always("each failure"), only_asynchronous=True
            )


def log_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways of log lines: from whoever writes them to the group, and from there to its subscribers.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
    """
    read: dict[Node, None] = {}
    for subscription in assembly.of_type(SUBSCRIPTION):
        group = assembly.target(subscription.value("LogGroupName"), LOG_GROUP)
        target = node_at(assembly, subscription.value("DestinationArn"))
        if group is None or target is None:
            continue
        read[group] = None
        yield Route(group, target, subscription, "passes lines to", _lines(subscription), is_asynchronous=True)
    if not read:
        return
    for writer, group, by in _writers(assembly):
        if group in read:
            yield Route(writer, group, by, "logs to", _always(""))


def _writers(assembly: Assembly) -> Iterator[tuple[Node, Node, Resource]]:
    """Who writes to which group, and what says so."""
    for function in assembly.of_type(FUNCTION):
        told = function.value("LoggingConfig", "LogGroup")
        group = assembly.target(told or Text.of("/aws/lambda/", function.name), LOG_GROUP)
        if group is not None:
            yield function, group, function
    for machine in assembly.of_type(MACHINE):
        at = ("LoggingConfiguration", "Destinations", "*", "CloudWatchLogsLogGroup", "LogGroupArn")
        for arn in machine.values(*at):
            group = assembly.target(arn, LOG_GROUP)
            if group is not None:
                yield machine, group, machine
    for stage in assembly.of_type(*API_STAGES):
        api = assembly.target(stage.value("ApiId") or stage.value("RestApiId"), *APIS)
        for settings in ("AccessLogSettings", "AccessLogSetting"):
            told = stage.value(settings, "DestinationArn")
            group = assembly.target(told, LOG_GROUP) if told is not None else None
            if api is not None and group is not None:
                yield api, group, stage


def _result(outcome: str, when: str, function: Node, target: Node) -> Filter:
    """An invocation's result: on a bus it is an event of its own, in a bucket an object, elsewhere a document."""
    if target.type == BUCKET:
        kept = kept_objects(Text.of("aws/lambda/async/", function.name, "/"))
        return lambda _: Passage(Extent.ALL, when, message=kept)
    if target.type != BUS:
        return _always(when)
    told = event("lambda", f"Lambda Function Invocation Result - {outcome}", target)
    return lambda _: Passage(Extent.ALL, when, message=Message(body=told))


def _always(why: str) -> Filter:
    return lambda _: Passage(Extent.ALL, why)


def _lines(subscription: Resource) -> Filter:
    pattern = subscription.value("FilterPattern")
    if isinstance(pattern, Text) and not (pattern.literal or "").strip() and pattern.literal is not None:
        return _always("every line")
    return lambda _: Passage(Extent.SOME, f"lines that match {pattern}")
