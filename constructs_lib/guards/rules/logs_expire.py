"""Logs are kept for as long as somebody chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import own_functions
from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

GROUP, RETENTION = "AWS::Logs::LogGroup", "RetentionInDays"
PREFIX = "/aws/lambda/"


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A log group says for how long it keeps logs, and a function has a log group of its own.

    Why it matters: logs are kept for ever unless somebody says otherwise; they cost every month, and hold what users
    wrote. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html

    Refuses: a log group without `RetentionInDays`; as an information, a function whose log group no stack has, which
    Lambda then makes without a retention.

    Accepts: any retention; the older `Custom::LogRetention` of the CDK.
    """
    for group in assembly.of_type(GROUP):
        if group.lacks(RETENTION):
            yield finding(
                group,
                problem="the log group keeps logs for ever",
                fix=f"set {RETENTION}, to 30 perhaps",
                at=(RETENTION,),
            )
    named = {group.name for group in assembly.of_type(GROUP)}
    named |= {text for each in assembly.of_type("Custom::LogRetention") for text in each.texts("LogGroupName")}
    for function in own_functions(assembly):
        if Text.of(PREFIX, function.name) not in named and function.lacks("LoggingConfig", "LogGroup"):
            yield finding(
                function,
                problem="the function has no log group in its stacks: Lambda makes one that keeps logs for ever",
                fix=f"add an {GROUP} with {RETENTION}, and name it in LoggingConfig.LogGroup",
                at=("LoggingConfig", "LogGroup"),
                severity=Severity.INFO,
            )
