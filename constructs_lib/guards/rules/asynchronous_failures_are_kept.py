"""An event that a function could not handle is kept when nobody waits for the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import FUNCTION, Way, callers_of, own_functions
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule
from constructs_lib.guards.waivers import is_waived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

LATEST = "$LATEST"
ON_FAILURE = ("DestinationConfig", "OnFailure", "Destination")
SHOWN = 3  # callers in a message


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function that is called asynchronously keeps the events it failed on.

    Why it matters: S3, SNS, EventBridge and Scheduler hand an event over and forget it. Lambda tries three times, and
    then the event is gone without a word. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html

    Refuses: a function that is called asynchronously, without a failure destination for the version or alias that is
    called, and without a dead-letter queue of its own.

    Accepts: `DestinationConfig.OnFailure` of an `AWS::Lambda::EventInvokeConfig`; `DeadLetterConfig` of the function;
    a function that only gets what others failed on; the functions the CDK brings along; one waived with a reason.
    """
    kept: dict[str, set[str | None]] = {}
    for config in assembly.of_type("AWS::Lambda::EventInvokeConfig"):
        function = assembly.target(config.value("FunctionName"), FUNCTION)
        if isinstance(function, Resource) and not config.lacks(*ON_FAILURE):
            told = config.value("Qualifier")
            kept.setdefault(function.id, set()).add(told.literal if isinstance(told, Text) else None)
    for function in own_functions(assembly):
        qualifiers = kept.get(function.id, set())
        lost = [
            caller
            for caller in callers_of(assembly).get(function.id, ())
            if caller.way is Way.ASYNCHRONOUS
            and "OnFailure" not in caller.at
            and not {LATEST if caller.qualifier is None else caller.qualifier.literal, None} & qualifiers
        ]
        if lost and function.lacks("DeadLetterConfig", "TargetArn") and not is_waived(function, "on_failure"):
            names = [str(caller) for caller in lost]
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield finding(
                function,
                problem=f"an event of {', '.join(names[:SHOWN])}{more} is tried three times and then lost",
                fix="add an AWS::Lambda::EventInvokeConfig with DestinationConfig.OnFailure for what is called "
                f"({_called(lost[0].qualifier)}), and let the function's role send to it",
                evidence=[f"called asynchronously by {name}" for name in names],
                through={caller.by: None for caller in lost},
            )


def _called(qualifier: Text | None) -> str:
    return f"Qualifier {LATEST if qualifier is None else qualifier}"
