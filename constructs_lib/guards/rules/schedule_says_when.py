"""A schedule has an expression that AWS understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.schedule_expressions import wrong_with
from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

RULE, SCHEDULE, AT = "AWS::Events::Rule", "AWS::Scheduler::Schedule", "ScheduleExpression"


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A schedule says when in a form that EventBridge understands.

    Why it matters: `cron` here has six fields and counts days from Sunday as 1, unlike that of Unix; a wrong one is
    refused while it is deployed. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html

    Refuses: `rate(1 minutes)`, `rate(5 minute)`, a rate of 0 or of another unit; a `cron` of five fields, one that
    names both a day of the month and a day of the week or neither, or one with a number out of range.

    Accepts: what EventBridge takes; for EventBridge Scheduler also `at(...)`, and either of `minute` and `minutes`.
    """
    for each in assembly.of_type(RULE, SCHEDULE):
        if each.lacks(AT):
            continue
        told = each.value(AT)
        expression = told.literal if isinstance(told, Text) else None
        if expression is None:
            yield unknown(each, what="whether AWS understands its schedule", reason="it is known at deploy only")
            continue
        wrong = wrong_with(expression, of_scheduler=each.type == SCHEDULE)
        if expression and wrong is not None:
            yield finding(each, problem=wrong[0], fix=wrong[1], at=(AT,))
