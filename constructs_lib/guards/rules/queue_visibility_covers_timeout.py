"""A message stays hidden while it is worked on, and while its batch is retried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

QUEUE, FUNCTION, MAPPING = "AWS::SQS::Queue", "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"
TIMES = 6  # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY, TIMEOUT, WINDOW = 30.0, 3.0, 0.0  # what AWS takes where nothing is said, in seconds


@rule(severity=Severity.ERROR)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A message stays hidden for six times as long as its handler may take.

    Why it matters: a message that comes back while its handler still works is handled twice, and one that comes back
    while its batch is throttled uses up its tries and lands in the dead-letter queue unread.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html

    Refuses: a queue whose visibility timeout is shorter than six times the timeout of a function that is triggered by
    it, plus the batching window of the mapping. What is left out counts as AWS counts it: 30, 3 and 0 seconds.

    Accepts: a longer one; a queue without a function.
    """
    for mapping in assembly.of_type(MAPPING):
        queue = assembly.target(mapping.value("EventSourceArn"), QUEUE)
        function = assembly.target(mapping.value("FunctionName"), FUNCTION)
        if not isinstance(queue, Resource) or not isinstance(function, Resource):
            continue
        hidden = _seconds(queue, "VisibilityTimeout", VISIBILITY)
        timeout = _seconds(function, "Timeout", TIMEOUT)
        window = _seconds(mapping, "MaximumBatchingWindowInSeconds", WINDOW)
        if hidden is None or timeout is None or window is None:
            lost = "VisibilityTimeout" if hidden is None else "Timeout" if timeout is None else "batching window"
            what = f"whether a message stays hidden while {function} works on it"
            yield unknown(queue, what=what, reason=f"the {lost} is only known when it is deployed")
        elif hidden < TIMES * timeout + window:
            wanted = f"{TIMES} x {timeout:g} s" + (f" + {window:g} s" if window else "")
            yield finding(
                queue,
                problem=f"visibility timeout ({hidden:g} s) is shorter than six times the timeout of {function} "
                f"({wanted} = {TIMES * timeout + window:g} s): messages would be delivered twice",
                fix=f"raise VisibilityTimeout to {TIMES * timeout + window:g} s, or lower the timeout of the function",
                at=("VisibilityTimeout",),
                through=(function, mapping),
            )


def _seconds(resource: Resource, key: str, default: float) -> float | None:
    return default if resource.lacks(key) else resource.number(key)
