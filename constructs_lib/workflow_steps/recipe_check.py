"""What can be wrong with a recipe before anything is built from it; all of it is said at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk

from constructs_lib.wiring.waiver import Waived
from constructs_lib.workflow_steps.bucket_items import BucketItems
from constructs_lib.workflow_steps.expression import is_expression, is_malformed
from constructs_lib.workflow_steps.json_value import is_token, shown
from constructs_lib.workflow_steps.recipe_numbers import check_each_numbers, check_retry, check_task_times, check_wait
from constructs_lib.workflow_steps.recipe_types import check_types
from constructs_lib.workflow_steps.retries import ANY_ERROR
from constructs_lib.workflow_steps.states import label_of
from constructs_lib.workflow_steps.step import (
    Choice,
    Each,
    Fail,
    Parallel,
    Step,
    Task,
    Wait,
    all_steps,
    has_undo,
)
from constructs_lib.workflow_steps.survey import branch_label, item_label
from constructs_lib.workflow_steps.task_state import seconds_of, timeout_of
from constructs_lib.workflow_steps.undoing import LAST

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals

# A state's name has 80 characters at most; the states this library adds need some.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
LONGEST_NAME = 60
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_ExecutionFailedEventDetails.html
LONGEST_ERROR, LONGEST_CAUSE = 256, 32_768
EXPRESS_SECONDS = 300
OWN_NAMES = frozenset({"Begin", LAST})
OWN_ENDINGS = re.compile(
    r".*: (\d+: |item: )?(all done\?|begin|decide|done|done\?|evaluate|guarded|item to undo|item undone|output)"
)


def check_recipe(steps: Sequence[Step], *, express: bool, refusals: Refusals) -> None:
    """Note everything that does not depend on the order of the steps; only types, if they are wrong."""
    if not check_types(steps, refusals):
        return
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
        if name.strip() and not name.isprintable():
            refusals.refuse(f"the name {name!r} has characters that nobody can see", fix="write it in one line of text")
        if is_token(name):
            refusals.refuse(f"the name {name!r} is known to the deployment alone", fix="write it out")
        if name in OWN_NAMES or OWN_ENDINGS.fullmatch(name):
            refusals.refuse(f"{name!r} is what a state of this library may be called", fix="choose another name")
    _check_inner_names(steps, set(names), refusals)
    labels = Counter(label_of(each.name) for each in steps if isinstance(each, Each) and each.distributed)
    for label, times in labels.items():
        if times > 1 or not label:
            refusals.refuse(
                f"{times} distributed steps have the label {label!r}",
                fix="tell their names apart by plain letters and digits, within the first 40",
            )


def _check_inner_names(steps: Sequence[Step], names: set[str], refusals: Refusals) -> None:
    """Note a step called like a branch or an item of another: the states added for both would have one name."""
    for step in steps:
        inner = []
        if isinstance(step, Parallel):
            inner = [
                (branch_label(step.name, number), f"branch {number}") for number in range(1, len(step.branches) + 1)
            ]
        elif isinstance(step, Each):
            inner = [(item_label(step.name), "each item")]
        for label, which in inner:
            if label in names:
                refusals.refuse(
                    f"a step is called {label!r}, and so is {which} of {step.name!r}", fix="choose another name for one"
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
            check_wait(step, refusals)
        case Fail():
            _check_fail(step, refusals)


def _check_fail(step: Fail, refusals: Refusals) -> None:
    for what, text, longest in (("error", step.error, LONGEST_ERROR), ("cause", step.cause, LONGEST_CAUSE)):
        if not is_expression(text) and not is_token(text) and not 1 <= len(text) <= longest:
            refusals.refuse(
                f"the {what} of {step.name!r} has {len(text)} characters, wanted 1 to {longest}",
                fix="say it shorter" if text else "say what went wrong",
            )


def _check_task(step: Task, refusals: Refusals) -> None:
    for what, fix in step.problems:
        refusals.refuse(what, fix=fix)
    limit = timeout_of(step)
    check_task_times(step, limit, refusals)
    if step.heartbeat is not None and not step.waits_for_token:
        refusals.refuse(f"{step.name!r} has a heartbeat, and nobody to send one", fix="leave heartbeat out")
    if step.heartbeat is not None and limit is not None and _is_longer(seconds_of(step.heartbeat), limit - 1):
        refusals.refuse(
            f"{step.name!r} has a heartbeat of {seconds_of(step.heartbeat):g} s and a timeout of {limit:g} s",
            fix="make the heartbeat shorter",
        )
    for retry in [] if isinstance(step.retry, Waived) else step.retry:
        check_retry(step.name, retry, refusals)
    for handler in step.catch:
        if not all(handler.errors) or not handler.errors or (ANY_ERROR in handler.errors and len(handler.errors) > 1):
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


def _check_each(step: Each, refusals: Refusals) -> None:
    if not step.do:
        refusals.refuse(f"{step.name!r} does nothing with its items", fix="add a step: do=[...]")
    check_each_numbers(step, refusals)
    if not _is_list(step.items):
        refusals.refuse(
            f"{step.name!r} has the items {shown(step.items)}, which is no list",
            fix='write an expression: items="{% $states.input.items %}"',
        )
    if step.distributed:
        if has_undo(step.do):
            refusals.refuse(
                f"{step.name!r} is distributed: its items could not be undone from here",
                fix="let each item run a workflow that undoes itself: do=[run(...)]; or leave distributed out",
            )
    elif isinstance(step.items, BucketItems):
        refusals.refuse(f"{step.name!r} takes items from a bucket", fix="add distributed=True")


def _is_list(items: object) -> bool:
    """Whether there may be items in it."""
    if isinstance(items, str):
        return is_expression(items) or is_malformed(items)  # the latter is said with all that look like expressions
    return isinstance(items, Sequence | BucketItems) or (is_token(items) and not isinstance(items, float))


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
