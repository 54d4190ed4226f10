"""A workflow says what happens when a task fails for good."""

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
    """Each task of a state machine has a `Catch`.

    Why it matters: what was done before the failure stays done: the card is charged and nothing is sent. A `Catch`
    is where a workflow takes things back, or tells somebody.
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html

    Refuses: a Task without a `Catch`.

    Accepts: a `Catch` of the task, or of a Parallel or Map state it stands in; tasks that only a `Catch` leads to;
    where others have a `Catch`, the first task, before which nothing was done; a `Workflow` of this library, which
    undoes what its recipe says can be undone.
    """
    for machine in assembly.of_type(STATE_MACHINE):
        definition = Definition.of(machine)
        if not isinstance(definition, Definition):
            yield unknown(machine, what="whether failures of its tasks are caught", reason=definition.reason)
            continue
        harmless = definition.first_tasks() if any(state.catches for state in definition.states) else ()
        for task in definition.surely_reached():
            is_caught = any(state.catches for state in (task, *task.parents))
            if task.type == "Task" and not (is_caught or task in harmless or is_waived(machine, "catch")):
                yield finding(
                    machine,
                    problem=f"task {task} has no Catch: when it fails, what was done before it stays half done",
                    fix="give it a Catch of States.ALL that leads to what takes things back or tells somebody",
                    at=(*task.path, "Catch"),
                    detail=str(task),
                )
