"""Builds the state machine of a recipe, backwards: each state is made when it is known what follows it.

The input of every state is the input of its scope, and results travel in variables. What can fail and has no `Catch` of
its own (a condition, a computed wait, a computed error) stands inside a `Parallel` of one branch, which has one, where
there is something to undo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk

from constructs_lib.wiring.refusals import Refusals
from constructs_lib.workflow_steps.bucket_items import BucketItems
from constructs_lib.workflow_steps.expression import INPUT, Value, body_of, has_expression, is_expression, renamed
from constructs_lib.workflow_steps.retries import ANY_ERROR
from constructs_lib.workflow_steps.step import Choice, Each, Fail, Parallel, Step, Succeed, Task, Wait, all_steps
from constructs_lib.workflow_steps.survey import FAILURE, LEFT, Place, Scope, Survey
from constructs_lib.workflow_steps.task_state import task_state
from constructs_lib.workflow_steps.undoing import LAST, States, UndoChain, last_state

# The first failure of several branches or items, or false.
FIRST_FAILURE = (
    '{% ($failed := $states.result[$type(failure) = "object"]; $exists($failed) ? $failed[0].failure : false) %}'
)


def build(steps: Sequence[Step], *, comment: str | None, refusals: Refusals) -> dict[str, Any]:
    """The definition of a recipe, in the Amazon States Language with JSONata.

    Args:
        steps: The recipe.
        comment: What the workflow is for.
        refusals: Where problems are noted; the definition is of use only if there are none.
    """
    builder = _Builder(steps, refusals)
    definition: dict[str, Any] = {} if comment is None else {"Comment": comment}
    machine = builder.whole()
    _check_undoing(steps, machine, refusals)
    return {**definition, "QueryLanguage": "JSONata", **machine}


def label_of(name: str) -> str:
    """What the executions of a distributed step are told apart by; Step Functions takes 40 plain characters."""
    return "".join(part for part in name.title() if part.isascii() and part.isalnum())[:40]


class _Builder:
    def __init__(self, steps: Sequence[Step], refusals: Refusals) -> None:
        self._steps = steps
        self._refusals = refusals
        self._survey = Survey(steps, refusals)
        refusals.stop_if_any()
        workflow = self._survey.workflow
        self._chain = UndoChain(self._survey, workflow, workflow.undoables, last=LAST, refusals=refusals)
        self._ways = 0

    def whole(self) -> dict[str, Any]:
        workflow = self._survey.workflow
        start, states = self._sequence(self._steps, None)
        start, states = self._begin(workflow, start, states)
        if workflow.undoables:
            states = {**states, **self._chain.states, LAST: last_state(workflow)}
        return {"StartAt": start, "States": states}

    def _sequence(self, steps: Sequence[Step], after: str | None) -> tuple[str, States]:
        """Build steps in a row; return the first of their states, and all."""
        entry, states = after, States()
        for step in reversed(steps):
            entry, built = self._step(step, entry)
            states = {**built, **states}
        if entry is None:  # an empty branch in the very end; its parent has made sure of a state
            raise AssertionError("a branch that leads nowhere")
        return entry, states

    def _step(self, step: Step, after: str | None) -> tuple[str, States]:
        place = self._survey.places[step.name]
        match step:
            case Task():
                return self._task(step, place, after)
            case Choice():
                return self._choice(step, place, after)
            case Parallel():
                return step.name, self._parallel(step, place, after)
            case Each():
                return step.name, self._each(step, place, after)
            case Wait():
                return self._wait(step, place, after)
            case Succeed():
                return self._succeed(step, place)
            case Fail():
                return self._fail(step, place)
        raise TypeError(f"{step!r} is no step")

    # What leads on, and what leads away.

    def _leave(self, place: Place, after: str | None) -> dict[str, Any]:
        if after is not None:
            return {"Output": INPUT, "Next": after}
        return {"Output": {} if place.scope.number else INPUT, "End": True}

    def _failing(self, place: Place) -> list[dict[str, Any]]:
        """Where an error leads that nothing else catches."""
        scope = place.scope
        if scope.careful:
            return [
                {
                    "ErrorEquals": [ANY_ERROR],
                    "Assign": {scope.variable(FAILURE): "{% $states.errorOutput %}"},
                    "Output": INPUT,
                    "Next": _end_of(scope),
                }
            ]
        if place.position == 0:
            return []
        return [
            {
                "ErrorEquals": [ANY_ERROR],
                "Assign": {FAILURE: "{% $states.errorOutput %}", LEFT: ""},
                "Output": INPUT,
                "Next": self._chain.entries[place.position],
            }
        ]

    def _guarded(self, name: str, place: Place, inside: States, **rest: Any) -> States:
        """Put one state, which has no `Catch`, into a `Parallel`, which has."""
        return {
            name: {
                "Type": "Parallel",
                "Branches": [{"StartAt": next(iter(inside)), "States": inside}],
                "Catch": self._failing(place),
                **rest,
            }
        }

    # The kinds of steps.

    def _task(self, step: Task, place: Place, after: str | None) -> tuple[str, States]:
        names, handlers, states = _names(place), list[dict[str, Any]](), States()
        around = self._meeting_point(step.name, place, after) if any(not each.do for each in step.catch) else {}
        for handler in step.catch:
            target, built = self._sequence(handler.do, after if after is not None else next(iter(around), None))
            states |= built
            caught: dict[str, Any] = {"ErrorEquals": list(handler.errors)}
            if handler.result is not None:
                caught["Assign"] = {place.scope.variable(handler.result): "{% $states.errorOutput %}"}
            handlers.append({**caught, "Output": INPUT, "Next": target})
        if not any(ANY_ERROR in each.errors for each in step.catch):
            handlers += self._failing(place)
        state = task_state(step, renamed(step.arguments, names), catchers=handlers)
        assign: dict[str, Value] = {}
        undoable = place.undoable
        if step.result is not None or undoable is not None:
            holds = step.result if undoable is None else undoable.holds
            assign[place.scope.variable(str(holds))] = f"{{% {step.answer} %}}"
        if undoable is not None and undoable.done is not None:
            assign[place.scope.variable(undoable.done)] = True
        if assign:
            state["Assign"] = assign
        return step.name, {step.name: {**state, **self._leave(place, after)}, **states, **around}

    def _choice(self, step: Choice, place: Place, after: str | None) -> tuple[str, States]:
        around = self._meeting_point(step.name, place, after) if after is None else {}
        onward = after if after is not None else next(iter(around))
        states, targets = States(), list[str]()
        for branch in [*(way.then for way in step.ways), step.otherwise]:
            target, built = self._sequence(branch, after if branch else onward)
            targets.append(target)
            states |= built
        if onward not in targets:
            around = {}
        names = _names(place)
        conditions = [str(renamed(way.condition, names)) for way in step.ways]
        decided: States = {}
        if place.careful:
            self._ways += 1
            variable = place.scope.variable(f"undo_way_{self._ways}")
            decided = self._guarded(
                f"{step.name}: decide",
                place,
                {f"{step.name}: evaluate": {"Type": "Pass", "Output": _first_true(step.name, conditions), "End": True}},
                Assign={variable: "{% $states.result[0] %}"},
                Output=INPUT,
                Next=step.name,
            )
            conditions = [f"{{% ${variable} = {number} %}}" for number in range(len(conditions))]
        decision: dict[str, Any] = {
            "Type": "Choice",
            "Choices": [
                {"Condition": condition, "Next": target} for condition, target in zip(conditions, targets, strict=False)
            ],
            "Default": targets[-1],
        }
        return next(iter(decided), step.name), {**decided, step.name: decision, **states, **around}

    def _parallel(self, step: Parallel, place: Place, after: str | None) -> States:
        branches = []
        assign: dict[str, Value] = {}
        for number, (branch, inner) in enumerate(zip(step.branches, place.inner, strict=True)):
            branches.append(self._inside(branch, inner))
            for result in inner.results:
                assign[place.scope.variable(result)] = f"{{% $states.result[{number}].results.{result} %}}"
            for base in (base for each in inner.undoables for base in each.variables):
                assign[place.scope.variable(base)] = f"{{% $states.result[{number}].undo.{base} %}}"
        state: dict[str, Any] = {"Type": "Parallel", "Branches": branches}
        careful = any(inner.careful for inner in place.inner)
        return self._joined(step.name, state, place, assign, after, careful=careful)

    def _each(self, step: Each, place: Place, after: str | None) -> States:
        [inner] = place.inner
        state: dict[str, Any] = {"Type": "Map"}
        if isinstance(step.items, BucketItems):
            state["ItemReader"] = step.items.reader(cdk.Aws.PARTITION)
        else:
            items = renamed(step.items, _names(place))
            state["Items"] = items
        state["MaxConcurrency"] = step.max_concurrency
        processor = self._inside(step.do, inner)
        if step.distributed:
            state["Label"] = label_of(step.name)
            state["ToleratedFailurePercentage"] = step.tolerated_failure_percentage
            processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **processor}
        state["ItemProcessor"] = processor
        assign: dict[str, Value] = {}
        if step.result is not None:
            assign[place.scope.variable(step.result)] = "{% [$states.result.results] %}"
        if place.undoable is not None:
            assign[place.scope.variable(place.undoable.holds)] = "{% $states.result %}"
        return self._joined(step.name, state, place, assign, after, careful=inner.careful)

    def _joined(
        self,
        name: str,
        state: dict[str, Any],
        place: Place,
        assign: dict[str, Value],
        after: str | None,
        *,
        careful: bool,
    ) -> States:
        """What follows several scopes: if any of them failed and said so, the way to what undoes them all."""
        catchers = self._failing(place)
        if catchers:
            state["Catch"] = catchers
        if not careful:
            return {name: {**state, **({"Assign": assign} if assign else {}), **self._leave(place, after)}}
        scope, question = place.scope, f"{name}: all done?"
        around = self._meeting_point(name, place, after) if after is None else {}
        failure = scope.variable(FAILURE)
        assign[failure] = FIRST_FAILURE
        if not scope.careful:
            assign[LEFT] = ""
        away = _end_of(scope) if scope.careful else self._chain.entries[place.after]
        return {
            name: {**state, "Assign": assign, "Output": INPUT, "Next": question},
            question: {
                "Type": "Choice",
                "Choices": [{"Condition": f'{{% $type(${failure}) = "object" %}}', "Next": away}],
                "Default": after if after is not None else next(iter(around)),
            },
            **around,
        }

    def _wait(self, step: Wait, place: Place, after: str | None) -> tuple[str, States]:
        fields = renamed(dict(step.fields), _names(place))
        if not isinstance(fields, Mapping):  # pragma: no cover - a mapping stays one
            raise TypeError(fields)
        state = {"Type": "Wait", **fields}
        if place.careful and has_expression(fields):
            name = f"{step.name}: guarded"
            return name, self._guarded(
                name, place, {step.name: {**state, "Output": {}, "End": True}}, **self._leave(place, after)
            )
        return step.name, {step.name: {**state, **self._leave(place, after)}}

    def _succeed(self, step: Succeed, place: Place) -> tuple[str, States]:
        if step.output is None:
            return step.name, {step.name: {"Type": "Succeed"}}
        output = renamed(step.output, _names(place))
        if place.careful and has_expression(output):
            name = f"{step.name}: guarded"
            inside: States = {f"{step.name}: output": {"Type": "Pass", "Output": output, "End": True}}
            guarded = self._guarded(name, place, inside, Output="{% $states.result[0] %}", Next=step.name)
            return name, {**guarded, step.name: {"Type": "Succeed"}}
        return step.name, {step.name: {"Type": "Succeed", "Output": output}}

    def _fail(self, step: Fail, place: Place) -> tuple[str, States]:
        names = _names(place)
        error, cause = str(renamed(step.error, names)), str(renamed(step.cause, names))
        state: dict[str, Any] = {"Type": "Fail", "Error": error, "Cause": cause}
        if not place.careful:
            return step.name, {step.name: state}
        if is_expression(error) or is_expression(cause):
            name = f"{step.name}: guarded"
            [away] = self._failing(place)
            return name, self._guarded(name, place, {step.name: state}, Output=INPUT, Next=away["Next"])
        [away] = self._failing(place)
        assign = {**away["Assign"], place.scope.variable(FAILURE): {"Error": error, "Cause": cause}}
        return step.name, {step.name: {"Type": "Pass", "Assign": assign, "Output": INPUT, "Next": away["Next"]}}

    # Scopes.

    def _inside(self, steps: Sequence[Step], scope: Scope) -> dict[str, Any]:
        """The states of one branch or item, and what comes out of it."""
        end, states = _end_of(scope), States()
        output: dict[str, Value] = {}
        if scope.results:
            output["results"] = {result: f"{{% ${scope.variable(result)} %}}" for result in scope.results}
        if scope.careful:
            told = [base for each in scope.undoables for base in each.variables]
            output["undo"] = {base: f"{{% ${scope.variable(base)} %}}" for base in told}
            output["failure"] = f"{{% ${scope.variable(FAILURE)} %}}"
            output["item"] = INPUT
        if output:
            states[end] = {"Type": "Pass", "Output": output, "End": True}
        start, built = self._sequence(steps, end if output else None)
        start, built = self._begin(scope, start, built)
        return {"StartAt": start, "States": {**built, **states}}

    def _begin(self, scope: Scope, start: str, states: States) -> tuple[str, States]:
        """Variables that not every way sets begin as nothing, since reading one that was never set is an error."""
        if not scope.initial:
            return start, states
        name = f"{scope.label}: begin" if scope.label else "Begin"
        return name, {name: {"Type": "Pass", "Assign": scope.initial, "Output": INPUT, "Next": start}, **states}

    def _meeting_point(self, name: str, place: Place, after: str | None) -> States:
        """A state to end in, for ways that have none of their own."""
        if after is not None:
            return {}
        state: dict[str, Any] = {"Type": "Succeed"}
        if place.scope.number:
            state["Output"] = {}
        return {f"{name}: done": state}


def _check_undoing(steps: Sequence[Step], machine: Mapping[str, Any], refusals: Refusals) -> None:
    """Note an `undo` that never comes to pass: a state nobody reaches, and a permission for nothing."""
    reached, ahead = set[str](), [machine["StartAt"]]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            state = machine["States"][name]
            ahead += [state[way] for way in ("Next", "Default") if way in state]
            ahead += [rule["Next"] for rule in [*state.get("Choices", []), *state.get("Catch", [])]]
    unreached = set(machine["States"]) - reached
    for step in all_steps(steps):
        if isinstance(step, Task) and step.undo is not None and step.undo.name in unreached:
            refusals.refuse(
                f"{step.undo.name!r} is never reached: nothing after {step.name!r} can fail",
                fix=f"leave undo out of {step.name!r}",
            )


def _end_of(scope: Scope) -> str:
    return f"{scope.label}: done"


def _names(place: Place) -> dict[str, str]:
    return {name: actual for name, (_, actual) in place.known.items()}


def _first_true(name: str, conditions: Sequence[str]) -> str:
    """Which condition holds, by its number; as strict as Step Functions: each must be true or false.

    No result can be called like the name that is bound here.
    """
    strict = (
        f"function($v) {{ $type($v) = 'boolean' ? $v : $error('a condition of {_plain(name)} is not true or false') }}"
    )
    tried = "".join(f"$undo_strict(({body_of(each)})) ? {number} : " for number, each in enumerate(conditions))
    return f"{{% ($undo_strict := {strict}; {tried}{len(conditions)}) %}}"


def _plain(text: str) -> str:
    return "".join(each for each in text if each not in "'\\")
