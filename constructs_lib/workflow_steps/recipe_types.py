"""Whether a recipe is made of what recipes are made of: steps in lists, durations, text, JSON; said before all else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

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
TEXTS = (
    *("MessageGroupId", "MessageDeduplicationId"),
    *("UpdateExpression", "ConditionExpression"),
)


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

    def _all(self, place: str, values: object, kind: type, plural: str, example: str) -> Iterable[object]:
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

    def _step(self, step: object) -> None:
        if not isinstance(step, Step):  # pragma: no cover - the list was asked already
            raise TypeError(step)
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
                self._errors(f"Retry(...) of {name!r}", getattr(retry, "errors", ()))
        example = '[on("CardDeclined", do=[...])]'
        for handler in self._all(f"the catch of {name!r}", step.catch, On, "on(...)", example):
            if isinstance(handler, On):
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
            if key in TEXTS and step.service:
                self._text(f"the {USERS_WORDS[key]} of {step.name!r}", value)
            elif not isinstance(key, str) or not step.service:
                self._value(step.name, {key: value}, "arguments")
            elif key == "Entries":
                [entry] = value if isinstance(value, Sequence) else []
                for part, word in (("Source", "source"), ("DetailType", "detail_type")):
                    self._text(f"the {word} of {step.name!r}", entry[part])
                self._value(step.name, entry["Detail"], "detail")
            else:
                self._value(step.name, value, USERS_WORDS.get(key, key))

    def _choice(self, step: Choice) -> None:
        example = '"{% ... %}", then=[...]'
        for way in self._all(
            f"the ways of {step.name!r}", step.ways, When, "when(...)", f"choice(..., when({example}))"
        ):
            if isinstance(way, When):
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
