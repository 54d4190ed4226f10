"""Where the time went, and where a request failed, can be seen afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import own_functions
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule
from constructs_lib.guards.waivers import is_waived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.resource import Resource
    from constructs_lib.guards.finding import Finding, Unknown


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function, a workflow and a stage of a REST API are traced with X-Ray.

    Why it matters: a request that crosses five services leaves five logs; only a trace says which of them was slow, or
    failed first. https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html

    Refuses: a function whose `TracingConfig.Mode` is not Active, a state machine whose `TracingConfiguration` is not
    enabled, a stage without `TracingEnabled`.

    Accepts: tracing; `tracing=Waived("why")` of the constructs; functions the CDK brings along.
    """
    for function in own_functions(assembly):
        mode = function.value("TracingConfig", "Mode")
        if (mode is None or function.text("TracingConfig", "Mode") == "PassThrough") and not is_waived(
            function, "tracing"
        ):
            yield _untraced(function, ("TracingConfig", "Mode"), "Active")
    for machine in assembly.of_type("AWS::StepFunctions::StateMachine"):
        at = ("TracingConfiguration", "Enabled")
        if (machine.lacks(*at) or machine.value(*at) is False) and not is_waived(machine, "tracing"):
            yield _untraced(machine, at, "true")
    for stage in assembly.of_type("AWS::ApiGateway::Stage"):
        if stage.lacks("TracingEnabled") or stage.value("TracingEnabled") is False:
            yield _untraced(stage, ("TracingEnabled",), "true")


def _untraced(resource: Resource, at: tuple[str, ...], wanted: str) -> Finding:
    return finding(
        resource,
        problem=f"{'.'.join(at)} is not {wanted}: nobody can see afterwards where a request went and what was slow",
        fix=f"set it to {wanted}, and let the role call xray:PutTraceSegments and xray:PutTelemetryRecords"
        if len(at) > 1
        else f"set it to {wanted}",
        at=at,
    )
