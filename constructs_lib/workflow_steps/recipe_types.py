"""Whether a recipe is made of what recipes are made of: steps in lists, durations, text, JSON; said before all else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import aws_cdk as cdk

from constructs_lib.wiring.waiver import Waived
from constructs_lib.workflow_steps.bucket_items import BucketItems
from constructs_lib.workflow_steps.json_value import misfits, shown
from constructs_lib.workflow_steps.retries import Retry
from constructs_lib.workflow_steps.step import Choice, Each, Fail, On, Parallel, Step, Succeed, Task, When

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals
    from constructs_lib.workflow_steps.expression import Value

# What the arguments of Step Functions are called in the steps of this library.
USERS_WORDS: Mapping[str, str] = {
    "Payload": "payload",
    "Input": "input",
    "MessageBody": "message",
    "Message": "message",
    "MessageGroupId": "group",
    "MessageDeduplicationId": "deduplication_id",
    "MessageAttributes": "attributes",
    "Item": "item",
    "Key": "key",
    "UpdateExpression": "update",
    "ConditionExpression": "condition",
    "ExpressionAttributeNames": "names",
    "ExpressionAttributeValues": "values",
}
# How many branches and items may stand in one another: what writes them goes into each, and comes to an end.
DEEPEST = 20
TEXTS = frozenset({"MessageGroupId", "MessageDeduplicationId", "UpdateExpression", "ConditionExpression"})

Kind = TypeVar("Kind")


def check_types(steps: object, refusals: Refusals) -> bool:
    """Note everything in a recipe that is of another type than it can be built from; tell whether all of it fits."""
    types = _Types(refusals)
    types.row("steps", steps)
    return types.fit


class _Types:
    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self.fit = True
        self._depth = 0

    def row(self, place: str, row: object) -> None:
        """Steps in a row."""
        for each in self._all(place, row, Step, "steps", "[step(...), ...]"):
            self._step(each)

    def _all(self, place: str, values: object, kind: type[Kind], plural: str, example: str) -> list[Kind]:
        """Those of a list that are of their kind, the others being refused, and what is no list too."""
        if isinstance(values, kind):
            self._refuse(
                f"{place} is a single {type(values).__name__.lower()}, wanted a list of {plural}",
                fix=f"write {example}",
            )
            return []
        if not isinstance(values, Sequence) or isinstance(values, str | bytes):
            self._refuse(f"{place} is {shown(values)}, wanted a list of {plural}", fix=f"write {example}")
            return []
        for each in values:
            if not isinstance(each, kind):
                self._refuse(f"{place} holds {shown(each)}, wanted {plural} alone", fix=f"write {example}")
        return [each for each in values if isinstance(each, kind)]

    def _refuse(self, what: str, *, fix: str) -> None:
        self.fit = False
        self._refusals.refuse(what, fix=fix)

    def _step(self, step: Step) -> None:
        name = step.name
        if not self._text("the name of a step", name):
            return
        match step:
            case Task():
                self._task(step)
            case Choice():
                self._choice(step)
            case Parallel() | Each() if self._depth == DEEPEST:
                self._refuse(
                    f"{name!r} stands in {DEEPEST} steps, one in another, and could not be written",
                    fix="let an inner part be a workflow of its own: run(...)",
                )
            case Parallel():
                self._depth += 1
                for number, branch in enumerate(step.branches, 1):
                    self.row(f"branch {number} of {name!r}", branch)
                self._depth -= 1
            case Each():
                self._depth += 1
                self._each(step)
                self._depth -= 1
            case Succeed():
                self._value(name, step.output, "output")
            case Fail():
                self._text(f"the error of {name!r}", step.error)
                self._text(f"the cause of {name!r}", step.cause)

    def _task(self, step: Task) -> None:
        name = step.name
        for what, value in (("timeout", step.timeout), ("heartbeat", step.heartbeat)):
            if value is not None and not isinstance(value, cdk.Duration):
                self._refuse(
                    f"the {what} of {name!r} is {shown(value)}, wanted a Duration",
                    fix=f"write {what}=cdk.Duration.seconds(30)",
                )
        self._result(name, step.result)
        if not isinstance(step.retry, Waived):
            example = '[Retry("Busy", retries=2)]'
            for retry in self._all(f"the retry of {name!r}", step.retry, Retry, "Retry(...)", example):
                self._errors(f"Retry(...) of {name!r}", retry.errors)
        example = '[on("CardDeclined", do=[...])]'
        for handler in self._all(f"the catch of {name!r}", step.catch, On, "on(...)", example):
            self._errors(f"on(...) of {name!r}", handler.errors)
            self._result(name, handler.result)
            self.row(f"do of on(...) of {name!r}", handler.do)
        if step.undo is not None:
            self._step(step.undo)
        self._arguments(step)

    def _arguments(self, step: Task) -> None:
        arguments = step.arguments
        if not isinstance(arguments, Mapping):
            self._refuse(
                f"the arguments of {step.name!r} are {shown(arguments)}, wanted a dictionary",
                fix='write what the API takes: {"Bucket": "..."}',
            )
            return
        for key, value in arguments.items():
            if not step.service:  # a call, whose arguments have the names of its API
                self._value(step.name, {key: value}, "arguments")
            elif key in TEXTS:
                self._text(f"the {USERS_WORDS[key]} of {step.name!r}", value)
            else:
                self._argument(step.name, key, value)

    def _argument(self, name: str, key: str, value: Value) -> None:
        match value:
            case [{"Source": source, "DetailType": kind, "Detail": detail}]:  # of an event
                self._text(f"the source of {name!r}", source)
                self._text(f"the detail_type of {name!r}", kind)
                self._value(name, detail, "detail")
            case _:
                self._value(name, value, USERS_WORDS.get(key, key))

    def _choice(self, step: Choice) -> None:
        example = '"{% ... %}", then=[...]'
        for way in self._all(
            f"the ways of {step.name!r}", step.ways, When, "when(...)", f"choice(..., when({example}))"
        ):
            self._text(f"a condition of {step.name!r}", way.condition)
            self.row(f"then of when(...) of {step.name!r}", way.then)
        self.row(f"otherwise of {step.name!r}", step.otherwise)

    def _each(self, step: Each) -> None:
        name = step.name
        self.row(f"do of {name!r}", step.do)
        self._result(name, step.result)
        if not isinstance(step.distributed, bool):
            self._refuse(
                f"distributed of {name!r} is {shown(step.distributed)}, wanted True or False",
                fix="write distributed=True",
            )
        if not isinstance(step.items, BucketItems):
            self._value(name, step.items, "items")

    def _errors(self, place: str, errors: Sequence[object]) -> None:
        fix = 'write its name: "CardDeclined"'
        for error in errors:
            if self._text(f"an error of {place}", error, fix) and "{%" in str(error):
                self._refuse(f"an error of {place} is {shown(error)}, and names of errors are not evaluated", fix=fix)

    def _result(self, name: str, result: object) -> None:
        if result is not None:
            self._text(f"the result of {name!r}", result, 'name a variable: result="payment"')

    def _text(self, place: str, value: object, fix: str = "write it in quotes") -> bool:
        if isinstance(value, str):
            return True
        self._refuse(f"{place} is {shown(value)}, wanted text", fix=fix)
        return False

    def _value(self, name: str, value: Value, word: str) -> None:
        for what, fix in misfits(value, word):
            self._refuse(f"{name!r}: {what}", fix=fix)
