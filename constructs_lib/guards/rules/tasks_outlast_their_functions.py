"""A workflow waits for a function for as long as the function may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import callers_of
from constructs_lib.assembly.state_machine import STATE_MACHINE, Definition
from constructs_lib.guards.amounts import amount, seconds
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

TIMEOUT = 3  # seconds, when a template says nothing


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The timeout of a task is no shorter than that of the function it calls.

    Why it matters: Step Functions gives up and tries again while the first call still runs, and what the function does
    is done twice at the same time. https://docs.aws.amazon.com/step-functions/latest/dg/sfn-stuck-execution.html

    Refuses: a `TimeoutSeconds` of a Task that is below the `Timeout` of its function.

    Accepts: the same or longer; a Task that waits for a token, as the function has answered long before.
    """
    for callers in callers_of(assembly).values():
        for caller in callers:
            if caller.by.type != STATE_MACHINE:
                continue
            definition = Definition.of(caller.by)
            states = definition.states if isinstance(definition, Definition) else ()
            task = next(state for state in states if state.path == caller.at)
            limit, timeout = task.fields.get("TimeoutSeconds"), amount(caller.function, "Timeout", default=TIMEOUT)
            if not isinstance(limit, int | float) or timeout is None or "waitForTaskToken" in str(task.resource):
                continue
            if limit < timeout:
                yield finding(
                    caller.by,
                    problem=f"task {task} gives up after {seconds(limit)}, and its function {caller.function} may "
                    f"take {seconds(timeout)}: it would be tried again while it still runs",
                    fix=f"set TimeoutSeconds of the task to {seconds(timeout)} or more, or lower that of the function",
                    at=(*task.path, "TimeoutSeconds"),
                    detail=str(task),
                    through=(caller.function,),
                )
