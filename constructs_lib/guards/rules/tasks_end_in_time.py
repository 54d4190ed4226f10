"""A workflow does not wait for a task for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.state_machine import STATE_MACHINE, Definition
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

LIMITS = ("TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath")


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """Each task of a state machine has a timeout, or the state machine has one.

    Why it matters: without one an execution waits up to a year for an answer that got lost, and nobody learns.
    https://docs.aws.amazon.com/step-functions/latest/dg/sfn-stuck-execution.html

    Refuses: a Task without `TimeoutSeconds` or `HeartbeatSeconds` in a standard workflow that has no `TimeoutSeconds`.

    Accepts: either on the task, or a `TimeoutSeconds` of the whole; express workflows, which end after 5 minutes.
    """
    for machine in assembly.of_type(STATE_MACHINE):
        definition = Definition.of(machine)
        if machine.text("StateMachineType") == "EXPRESS":
            continue
        if not isinstance(definition, Definition):
            yield unknown(machine, what="whether its tasks end in time", reason=definition.reason)
            continue
        for task in definition.tasks() if "TimeoutSeconds" not in definition.fields else ():
            if not any(limit in task.fields for limit in LIMITS):
                yield finding(
                    machine,
                    problem=f"task {task} has no timeout: an execution whose answer gets lost waits for up to a year",
                    fix="set TimeoutSeconds of the task to a little more than it may take",
                    at=(*task.path, "TimeoutSeconds"),
                    detail=str(task),
                )
