"""What can be wrong with a recipe before anything is built from it; all of it is said at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk

from constructs_lib.wiring.waiver import Waived
from constructs_lib.workflow_steps.bucket_items import BucketItems
from constructs_lib.workflow_steps.expression import is_expression
from constructs_lib.workflow_steps.retries import ANY_ERROR, Retry
from constructs_lib.workflow_steps.states import label_of
from constructs_lib.workflow_steps.step import (
    Choice,
    Each,
    Parallel,
    Step,
    Task,
    Wait,
    all_steps,
    has_undo,
)
from constructs_lib.workflow_steps.task_state import seconds_of, timeout_of
from constructs_lib.workflow_steps.undoing import LAST

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals

# A state's name has 80 characters at most; the states this library adds need some.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
LONGEST_NAME = 60
EXPRESS_SECONDS = 300
INLINE_CONCURRENCY, DISTRIBUTED_CONCURRENCY = 40, 10_000
OWN_NAMES = frozenset({"Begin", LAST})
OWN_ENDINGS = re.compile(
    r".*: (\d+: |item: )?(all done\?|begin|decide|done|done\?|evaluate|guarded|item to undo|item undone|output)"
)


def check_recipe(steps: Sequence[Step], *, express: bool, refusals: Refusals) -> None:
    """Note everything that does not depend on the order of the steps."""
    if not steps:
        refusals.refuse("steps is empty: there is nothing to do", fix='write one: steps=[step("Charge", charge)]')
    found = all_steps(steps)
    _check_names(found, refusals)
    for each in found:
        _check_step(each, refusals)
        if express:
            _check_express(each, refusals)
    if express and has_undo(steps):
        refusals.refuse(
            "an express workflow with undo is stopped after five minutes with nothing undone",
            fix="leave out express=True: a standard workflow runs to its end",
        )


def _check_names(steps: Sequence[Step], refusals: Refusals) -> None:
    names = [each.name for each in steps]
    names += [f"Undo {each.name}" for each in steps if isinstance(each, Each) and has_undo(each.do)]
    for name, times in Counter(names).items():
        if times > 1:
            refusals.refuse(f"{times} steps are called {name!r}", fix="give each step a name of its own")
        if not name.strip() or len(name) > LONGEST_NAME + len("Undo "):
            refusals.refuse(
                f"the name {name!r} has {len(name)} characters, wanted 1 to {LONGEST_NAME}", fix="say it shorter"
            )
        if name in OWN_NAMES or OWN_ENDINGS.fullmatch(name):
            refusals.refuse(f"{name!r} is what a state of this library may be called", fix="choose another name")
    labels = Counter(label_of(each.name) for each in steps if isinstance(each, Each) and each.distributed)
    for label, times in labels.items():
        if times > 1 or not label:
            refusals.refuse(
                f"{times} distributed steps have the label {label!r}",
                fix="tell their names apart by plain letters and digits, within the first 40",
            )


def _check_step(step: Step, refusals: Refusals) -> None:
    match step:
        case Task():
            _check_task(step, refusals)
        case Choice():
            if not step.ways:
                refusals.refuse(f"{step.name!r} has no way to go", fix='add one: when("{% ... %}", then=[...])')
            for way in (each for each in step.ways if not is_expression(each.condition)):
                refusals.refuse(
                    f"{step.name!r} has the condition {way.condition!r}, which is no expression",
                    fix='write one that is true or false: "{% $states.input.count > 0 %}"',
                )
        case Parallel():
            if not step.branches:
                refusals.refuse(f"{step.name!r} has no branches", fix="add lists of steps, or remove it")
            for number, branch in enumerate(step.branches, 1):
                if not branch:
                    refusals.refuse(f"branch {number} of {step.name!r} leads nowhere", fix="add a step, or remove it")
        case Each():
            _check_each(step, refusals)
        case Wait():
            _check_wait(step, refusals)


def _check_wait(step: Wait, refusals: Refusals) -> None:
    if len(step.fields) != 1:
        refusals.refuse(f"{step.name!r} needs either seconds or until", fix=f'wait("{step.name}", seconds=30)')
    seconds = step.fields.get("Seconds")
    if isinstance(seconds, int) and not cdk.Token.is_unresolved(seconds) and seconds < 0:
        refusals.refuse(f"{step.name!r} waits {seconds} s", fix="wait 0 seconds or more")


def _check_task(step: Task, refusals: Refusals) -> None:
    for what, fix in step.problems:
        refusals.refuse(what, fix=fix)
    limit = timeout_of(step)
    if limit is None:
        refusals.refuse(
            f"{step.name!r} waits for somebody else, for as long as a year",
            fix="say how long that may take: timeout=Duration.hours(1)",
        )
    if step.timeout is not None and not step.timeout.is_unresolved() and step.timeout.to_milliseconds() < 1:
        refusals.refuse(f"{step.name!r} has a timeout of 0 s", fix="leave timeout out, or allow a second")
    if step.heartbeat is not None and not step.waits_for_token:
        refusals.refuse(f"{step.name!r} has a heartbeat, and nobody to send one", fix="leave heartbeat out")
    if step.heartbeat is not None and limit is not None and _is_longer(seconds_of(step.heartbeat), limit - 1):
        refusals.refuse(
            f"{step.name!r} has a heartbeat of {seconds_of(step.heartbeat):g} s and a timeout of {limit:g} s",
            fix="make the heartbeat shorter",
        )
    for retry in [] if isinstance(step.retry, Waived) else step.retry:
        _check_retry(step.name, retry, refusals)
    for handler in step.catch:
        if not handler.errors or (ANY_ERROR in handler.errors and len(handler.errors) > 1):
            refusals.refuse(
                f"{step.name!r} handles {handler.errors!r}",
                fix='name errors, or "States.ALL" alone: on("CardDeclined")',
            )
    if any(ANY_ERROR in each.errors for each in step.catch[:-1]):
        refusals.refuse(f"{step.name!r} handles States.ALL first", fix='put on("States.ALL", ...) last')
    undo = step.undo
    if undo is not None and (undo.result or undo.retry or undo.catch or undo.undo or undo.waits_for_token):
        refusals.refuse(
            f"{undo.name!r} undoes {step.name!r}, and cannot have result, retry, catch, undo or callback itself",
            fix="leave them out: it is retried on every error, and what cannot be undone is named in the end",
        )


def _check_retry(name: str, retry: Retry, refusals: Refusals) -> None:
    if not retry.errors or ANY_ERROR in retry.errors:
        refusals.refuse(
            f"{name!r} retries {'any error' if retry.errors else 'no error'}",
            fix="name the errors that pass by themselves: a declined card does not",
        )
    if retry.retries < 1 or retry.first_wait_seconds < 1 or retry.backoff < 1:
        refusals.refuse(
            f"{name!r} retries {retry.retries} times after {retry.first_wait_seconds} s, growing by {retry.backoff:g}",
            fix="use 1 or more of each",
        )
    if retry.longest_wait_seconds <= retry.first_wait_seconds:
        refusals.refuse(
            f"{name!r} waits {retry.first_wait_seconds} s first and {retry.longest_wait_seconds} s at the longest",
            fix="make the longest wait longer than the first",
        )


def _check_each(step: Each, refusals: Refusals) -> None:
    if not step.do:
        refusals.refuse(f"{step.name!r} does nothing with its items", fix="add a step: do=[...]")
    most = DISTRIBUTED_CONCURRENCY if step.distributed else INLINE_CONCURRENCY
    if not 1 <= step.max_concurrency <= most:
        refusals.refuse(
            f"{step.name!r} has max_concurrency {step.max_concurrency}, wanted 1 to {most}",
            fix="leave max_concurrency out for 10" if step.distributed else "use distributed=True for more than 40",
        )
    if isinstance(step.items, str) and not is_expression(step.items):
        refusals.refuse(
            f"{step.name!r} has the items {step.items!r}, which is no list",
            fix='write an expression: items="{% $states.input.items %}"',
        )
    if step.distributed:
        if has_undo(step.do):
            refusals.refuse(
                f"{step.name!r} is distributed: its items could not be undone from here",
                fix="let each item run a workflow that undoes itself: do=[run(...)]; or leave distributed out",
            )
        if not 0 <= step.tolerated_failure_percentage <= 100:  # noqa: PLR2004 - a percentage
            refusals.refuse(
                f"{step.name!r} tolerates {step.tolerated_failure_percentage} % failures", fix="use 0 to 100"
            )
        return
    if isinstance(step.items, BucketItems):
        refusals.refuse(f"{step.name!r} takes items from a bucket", fix="add distributed=True")
    if step.tolerated_failure_percentage:
        refusals.refuse(
            f"{step.name!r} tolerates failures, and is not distributed",
            fix="catch them in the step that fails, or add distributed=True",
        )


def _check_express(step: Step, refusals: Refusals) -> None:
    """What express workflows cannot do, or have no time for.

    https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
    """
    what = ""
    if isinstance(step, Task):
        timeout = timeout_of(step)
        if step.waits_for_token or step.waits_for_workflow:
            what = "waits for somebody else"
        elif step.timeout is not None and timeout is not None and _is_longer(timeout, EXPRESS_SECONDS):
            what = f"may take {timeout:g} s"
    elif isinstance(step, Each) and step.distributed:
        what = "is distributed"
    elif isinstance(step, Wait):
        seconds = step.fields.get("Seconds")
        if isinstance(seconds, int) and not cdk.Token.is_unresolved(seconds) and seconds > EXPRESS_SECONDS:
            what = f"waits {seconds} s"
    if what:
        refusals.refuse(
            f"{step.name!r} {what}, and an express workflow lives five minutes and waits for nobody",
            fix="leave out express=True",
        )


def _is_longer(seconds: float, limit: float) -> bool:
    """Whether a time is longer than another, where both are known."""
    return not cdk.Token.is_unresolved(seconds) and not cdk.Token.is_unresolved(limit) and seconds > limit


def distributed_in(steps: Sequence[Step]) -> Iterator[Each]:
    """The distributed steps of a recipe."""
    return (each for each in all_steps(steps) if isinstance(each, Each) and each.distributed)
