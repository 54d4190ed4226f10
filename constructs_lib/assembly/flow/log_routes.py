"""Where log lines go: from whoever writes them to a group, and from there to its subscribers.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions-recursion-prevention.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.addressed import APIS, node_at
from constructs_lib.assembly.flow.message import Passage
from constructs_lib.assembly.flow.route import Filter, Route
from constructs_lib.assembly.json_text import read_json
from constructs_lib.assembly.text_set import Extent
from constructs_lib.assembly.value import Text, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.flow.message import Message
    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.resource import Resource

FUNCTION, MACHINE, LOG_GROUP = "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine", "AWS::Logs::LogGroup"
API_STAGES = ("AWS::ApiGatewayV2::Stage", "AWS::ApiGateway::Stage")
SUBSCRIPTION, ACCOUNT_POLICY = "AWS::Logs::SubscriptionFilter", "AWS::Logs::AccountPolicy"
OF_SUBSCRIPTIONS = "SUBSCRIPTION_FILTER_POLICY"
LEAVES_OUT = "LogGroupName NOT IN "


@dataclass(frozen=True, slots=True)
class _ForAll:
    """A policy that passes on the lines of every group of an account.

    Args:
        policy: The resource.
        target: Where to.
        passes: Which lines.
        but: The groups it leaves out; none when nobody can tell which.
    """

    policy: Resource
    target: Node
    passes: Filter
    but: frozenset[Node] | None


def log_routes(assembly: Assembly) -> Iterator[Route]:
    """Yield the ways of log lines."""
    read: dict[Node, None] = {}
    for subscription in assembly.of_type(SUBSCRIPTION):
        group = assembly.target(subscription.value("LogGroupName"), LOG_GROUP)
        target = node_at(assembly, subscription.value("DestinationArn"))
        if group is None or target is None:
            continue
        read[group] = None
        passes = _lines(subscription.value("FilterPattern"))
        yield Route(group, target, subscription, "passes lines to", passes, is_asynchronous=True)
    policies = tuple(_for_all(assembly))
    if not (read or policies):
        return
    groups: dict[Node, None] = dict.fromkeys(assembly.of_type(LOG_GROUP) if policies else ())
    for writer, group, by in _writers(assembly):
        if policies or group in read:
            groups[group] = None
            yield Route(writer, group, by, "logs to", lambda _: Passage(Extent.ALL))
    for each in policies:
        yield from _of_all(each, groups)


def _for_all(assembly: Assembly) -> Iterator[_ForAll]:
    for policy in assembly.of_type(ACCOUNT_POLICY):
        told = policy.value("PolicyDocument")
        if policy.text("PolicyType") != OF_SUBSCRIPTIONS or not isinstance(told, Text):
            continue
        document = read_json(told, "the policy")
        target = node_at(assembly, document.get("DestinationArn")) if isinstance(document, dict) else None
        if target is not None and isinstance(document, dict):
            passes = _lines(document.get("FilterPattern", Text.of("")))
            yield _ForAll(policy, target, passes, _left_out(assembly, policy))


def _left_out(assembly: Assembly, policy: Resource) -> frozenset[Node] | None:
    if policy.lacks("SelectionCriteria"):
        return frozenset()
    told = policy.value("SelectionCriteria")
    names = read_json(told.split("NOT IN", 1)[-1], "the list") if isinstance(told, Text) else None
    if not isinstance(told, Text) or not told.startswith(LEAVES_OUT) or not isinstance(names, list):
        return None
    found = (assembly.target(each, LOG_GROUP) for each in names)
    return frozenset(each for each in found if each is not None)


def _of_all(each: _ForAll, groups: dict[Node, None]) -> Iterator[Route]:
    passes = each.passes if each.but is not None else _nobody_can_tell
    for group in groups:
        if each.but is None or group not in each.but:
            yield Route(group, each.target, each.policy, "passes lines to", passes, is_asynchronous=True)


def _nobody_can_tell(_message: Message) -> Passage:
    return Passage(Extent.SOME, "which groups it selects cannot be told")


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


def _lines(pattern: Value) -> Filter:
    if isinstance(pattern, Text) and not (pattern.literal or "").strip() and pattern.literal is not None:
        return lambda _: Passage(Extent.ALL, "every line")
    return lambda _: Passage(Extent.SOME, f"lines that match {pattern}")
