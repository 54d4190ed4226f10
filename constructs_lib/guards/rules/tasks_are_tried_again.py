"""A workflow tries a task again when it fails for a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.state_machine import STATE_MACHINE, Definition
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule
from constructs_lib.guards.waivers import is_waived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """Each task of a state machine has a `Retry`.

    Why it matters: services throttle and fail for a moment, functions too; without a `Retry` one such moment fails the
    whole execution. https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception

    Refuses: a Task without a `Retry`, or one whose entries try nothing again.

    Accepts: a `Retry` of the task, or of a Parallel or Map state it stands in; one that was waived with a reason.
    """
    for machine in assembly.of_type(STATE_MACHINE):
        definition = Definition.of(machine)
        if not isinstance(definition, Definition):
            yield unknown(machine, what="whether its tasks are tried again", reason=definition.reason)
            continue
        for task in definition.tasks():
            is_tried = any(entry.get("MaxAttempts") != 0 for state in (task, *task.parents) for entry in state.retries)
            if not is_tried and not is_waived(machine, f"retry: {task.name}"):
                yield finding(
                    machine,
                    problem=f"task {task} is not tried again: one throttled call fails the execution",
                    fix="give it a Retry for the errors that pass, with a backoff; for a function "
                    "Lambda.TooManyRequestsException, Lambda.ServiceException and Lambda.SdkClientException",
                    at=(*task.path, "Retry"),
                    detail=str(task),
                )
