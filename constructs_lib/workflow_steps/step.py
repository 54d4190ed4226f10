"""What a workflow is written in: one small record per kind of step. The functions that make them are the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypedDict

from constructs_lib.wiring.waiver import Waived
from constructs_lib.workflow_steps.expression import Value
from constructs_lib.workflow_steps.retries import Retry

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import aws_iam as iam
    from constructs import Construct

    from constructs_lib.wiring.receiver import HasStateMachine
    from constructs_lib.workflow_steps.bucket_items import BucketItems


class HasFunctionArn(Protocol):
    """A function: `SecureFunction`, or any of CDK's."""

    @property
    def function_arn(self) -> str:
        """The ARN that is called."""


class TaskOptions(TypedDict, total=False):
    """What every step that does something takes.

    `result` names the variable that holds what it answered, `{% $payment %}` in later steps. `retry` adds to the retry
    on transient errors, and `Waived(reason)` leaves out both. `catch` handles errors, see `on`. `undo` is what takes
    the step back when the workflow fails later: a function, or another step of this kind. `timeout` is how long one try
    may take.
    """

    result: str | None
    retry: Sequence[Retry] | Waived
    catch: Sequence[On]
    undo: Task | HasFunctionArn | None
    timeout: cdk.Duration | None


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a workflow: what `step`, `choice`, `parallel` and the others make.

    Args:
        name: What happens; the name of its state.

    Example:
        >>> def charged(order: str) -> list[Step]:
        ...     return [step("Charge", greet, payload=order), wait("Settle", seconds=5)]
    """

    name: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Task(Step):
    """Something is done: a function called, an item written, a message sent."""

    resource: str  # what follows `arn:aws:states:::`
    arguments: Mapping[str, Value]
    service: str  # the name its errors begin with
    answer: str  # JSONata: what of the service's response is the result
    statements: Callable[[Construct], Sequence[iam.PolicyStatement]]
    usual_seconds: int | None  # the timeout, unless one is stated; none where only the user can know
    problems: Sequence[tuple[str, str]] = ()  # what is wrong with it already, and the fix
    result: str | None = None
    retry: Sequence[Retry] | Waived = ()
    catch: Sequence[On] = ()
    undo: Task | None = None
    timeout: cdk.Duration | None = None
    heartbeat: cdk.Duration | None = None
    function: HasFunctionArn | None = None  # what it calls, if it calls a function
    workflow: HasStateMachine | None = None  # what it starts, if it starts a workflow
    target: object = None  # what it acts on, as CDK knows it

    @property
    def waits_for_token(self) -> bool:
        """Whether somebody outside ends it."""
        return self.resource.endswith(".waitForTaskToken")

    @property
    def waits_for_workflow(self) -> bool:
        """Whether a job or another workflow ends it."""
        return self.resource.endswith((".sync", ".sync:2"))


@dataclass(frozen=True, eq=False)
class When:
    """One way a choice can go."""

    condition: str
    then: Sequence[Step]


@dataclass(frozen=True, eq=False)
class On:
    """What happens instead when a step fails."""

    errors: tuple[str, ...]
    do: Sequence[Step]
    result: str | None


@dataclass(frozen=True, eq=False)
class Choice(Step):
    """The first condition that holds decides."""

    ways: Sequence[When]
    otherwise: Sequence[Step]


@dataclass(frozen=True, eq=False)
class Parallel(Step):
    """Several things at once; it goes on when all are done."""

    branches: Sequence[Sequence[Step]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Each(Step):
    """The same for every item."""

    items: Value | BucketItems
    do: Sequence[Step]
    result: str | None
    max_concurrency: int
    distributed: bool
    tolerated_failure_percentage: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Wait(Step):
    """Nothing, for a while."""

    fields: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Succeed(Step):
    """The end, and what comes out."""

    output: Value | None


@dataclass(frozen=True, eq=False)
class Fail(Step):
    """The end, and why."""

    error: str
    cause: str


def branches_of(step: Step) -> list[Sequence[Step]]:
    """The sequences of steps inside a step."""
    match step:
        case Task():
            return [each.do for each in step.catch]
        case Choice():
            return [*(way.then for way in step.ways), step.otherwise]
        case Parallel():
            return list(step.branches)
        case Each():
            return [step.do]
        case _:
            return []


def all_steps(steps: Sequence[Step]) -> list[Step]:
    """Every step, however deep, in the order it is written; what undoes a step follows it."""
    found: list[Step] = []
    for step in steps:
        found.append(step)
        if isinstance(step, Task) and step.undo is not None:
            found.append(step.undo)
        for branch in branches_of(step):
            found.extend(all_steps(branch))
    return found


def has_undo(steps: Sequence[Step]) -> bool:
    """Whether anything in it may have to be taken back."""
    return any(isinstance(step, Task) and step.undo is not None for step in all_steps(steps))
