"""One step that does something, as a state."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk

from constructs_lib.wiring.waiver import Waived
from constructs_lib.workflow_steps.retries import transient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs_lib.workflow_steps.expression import Value
    from constructs_lib.workflow_steps.step import Task


def task_state(
    task: Task, arguments: Value, *, retriers: Sequence[object] | None = None, catchers: Sequence[object] = ()
) -> dict[str, Any]:
    """The state of a task, without where it leads.

    Args:
        task: The task.
        arguments: Its arguments, under the names of its scope.
        retriers: How it is retried. Default: as the task says.
        catchers: Where errors lead.
    """
    state: dict[str, Any] = {"Type": "Task"}
    if isinstance(task.retry, Waived):
        state["Comment"] = f"no retries: {task.retry.reason}"
    state["Resource"] = f"arn:{cdk.Aws.PARTITION}:states:::{task.resource}"
    state["Arguments"] = arguments
    state["TimeoutSeconds"] = timeout_of(task)
    if task.heartbeat is not None:
        state["HeartbeatSeconds"] = seconds_of(task.heartbeat)
    own = [] if isinstance(task.retry, Waived) else [each.retrier() for each in [*task.retry, *transient(task.service)]]
    retry = own if retriers is None else list(retriers)
    if retry:
        state["Retry"] = retry
    if catchers:
        state["Catch"] = list(catchers)
    return state


def timeout_of(task: Task) -> float | None:
    """How long one try may take, in seconds; nothing where it must be stated and is not."""
    return task.usual_seconds if task.timeout is None else seconds_of(task.timeout)


def seconds_of(duration: cdk.Duration) -> float:
    """A duration in whole seconds, as Step Functions wants it; a token stays one."""
    return duration.to_seconds() if duration.is_unresolved() else math.ceil(duration.to_milliseconds() / 1000)
