"""Steps that decide, repeat, wait and end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from constructs_lib.workflow_steps.step import Choice, Each, Fail, On, Parallel, Step, Succeed, Wait, When

if TYPE_CHECKING:
    from constructs_lib.workflow_steps.bucket_items import BucketItems
    from constructs_lib.workflow_steps.expression import Value


def choice(name: str, *ways: When, otherwise: Sequence[Step] = ()) -> Choice:
    """Go the first way whose condition holds; all ways meet again after it.

    Args:
        name: The question.
        *ways: Made by `when`, in the order they are tried.
        otherwise: What happens when no condition holds. Default: nothing, the workflow goes on.

    Example:
        >>> in_stock = choice(
        ...     "In stock?",
        ...     when("{% $states.input.left > 0 %}", then=[wait("Pack", seconds=5)]),
        ...     otherwise=[fail("Sold out", error="SoldOut", cause="nothing left")],
        ... )
    """
    return Choice(name, ways, otherwise)


def when(condition: str, *, then: Sequence[Step] = ()) -> When:
    """One way of a choice.

    Args:
        condition: An expression that is true or false: `{% $stock.left > 0 %}`.
        then: What happens. Default: nothing, the workflow goes on.
    """
    return When(condition, then)


def on(*errors: str, do: Sequence[Step] = (), result: str | None = None) -> On:
    """What happens instead, when a step fails with one of these errors; the workflow then goes on after the step.

    Args:
        *errors: Names of errors; `States.ALL` for any.
        do: What happens. Default: nothing, the error is swallowed.
        result: The variable that holds the error: `{% $problem.Error %}`, `{% $problem.Cause %}`.
    """
    return On(errors, do, result)


def parallel(name: str, *branches: Sequence[Step]) -> Parallel:
    """Do several things at once, and go on when all are done; their results are there afterwards.

    When a branch fails, the others are stopped; where something inside can be undone they run to their ends first,
    since what is stopped halfway could not be undone.

    Args:
        name: What happens.
        *branches: Each a list of steps.
    """
    return Parallel(name, branches)


def each(
    name: str,
    *,
    items: Value | BucketItems,
    do: Sequence[Step],
    result: str | None = None,
    max_concurrency: int = 10,
    distributed: bool = False,
    tolerated_failure_percentage: int = 0,
) -> Each:
    """Do the same for every item; inside, `$states.input` is the item.

    Args:
        name: What happens.
        items: An expression for a list, a list, or with `distributed` what `from_bucket` returns.
        do: What happens to one item.
        result: The variable that holds a list of what each item's steps named with their `result`.
        max_concurrency: Items at once. Ten are polite to what is called; Step Functions itself stops at 40, or 10,000.
        distributed: Run each item as an execution of its own, for more than 40 at once, more than 25,000 events, or
            items in a bucket. The steps then see no variables from outside.
            https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
        tolerated_failure_percentage: With `distributed`: how many items may fail.
    """
    return Each(
        name=name,
        items=items,
        do=do,
        result=result,
        max_concurrency=max_concurrency,
        distributed=distributed,
        tolerated_failure_percentage=tolerated_failure_percentage,
    )


def wait(name: str, *, seconds: int | str | None = None, until: str | None = None) -> Wait:
    """Wait; it costs nothing.

    Args:
        name: What for.
        seconds: How long, a number or an expression.
        until: Or until when: a timestamp like `2026-12-01T06:00:00Z`, or an expression.
    """
    fields: dict[str, Value] = {}
    if seconds is not None:
        fields["Seconds"] = seconds
    if until is not None:
        fields["Timestamp"] = until
    return Wait(name=name, fields=fields)


def succeed(name: str, *, output: Value = None) -> Succeed:
    """End well.

    Args:
        name: What was reached.
        output: The output of the workflow. Default: its input.
    """
    return Succeed(name, output)


def fail(name: str, *, error: str, cause: str) -> Fail:
    """End badly: what was done is undone, latest first, and the execution fails with this error.

    Args:
        name: What went wrong.
        error: The name of the error, or an expression.
        cause: A sentence for whoever looks at it, or an expression.
    """
    return Fail(name, error, cause)
