"""Takes back what was done, latest first, and then fails with the error that caused it.

Every scope that can be undone has one chain: the states that undo its steps, in reverse, then the end. A failure enters
the chain at the last step before it; a step that may or may not have been completed has a question before its undoing.
What cannot be undone, after all retries, is left, named in the cause, and the rest is still undone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from constructs_lib.workflow_steps.expression import INPUT, renamed, strings_of, variables_of
from constructs_lib.workflow_steps.retries import ANY_ERROR, HARD
from constructs_lib.workflow_steps.step import Task
from constructs_lib.workflow_steps.survey import FAILURE, LEFT, Scope, Survey, Undoable
from constructs_lib.workflow_steps.task_state import task_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs_lib.wiring.refusals import Refusals

States = dict[str, dict[str, Any]]

LAST = "Fail with the first error"
LONGEST_CAUSE = 30_000  # characters; Step Functions takes 32,768


class UndoChain:
    """The undoing of one scope.

    Args:
        survey: Where new scopes come from.
        scope: The scope the chain runs in.
        undoables: What can be undone in it, in the order it is done.
        last: The state the chain ends with.
        refusals: Where problems are noted.
    """

    def __init__(
        self, survey: Survey, scope: Scope, undoables: Sequence[Undoable], *, last: str, refusals: Refusals
    ) -> None:
        self._survey = survey
        self._scope = scope
        self._refusals = refusals
        self.entries = [last]  # where a failure enters, by how many undoables come before it
        links: list[States] = []
        for undoable in undoables:
            states = self._link(undoable, self.entries[-1])
            links.append(states)
            self.entries.append(next(iter(states)))
        self.states: States = {name: state for states in reversed(links) for name, state in states.items()}

    def _link(self, undoable: Undoable, after: str) -> States:
        if undoable.items is not None:
            return self._items(undoable, undoable.items, after)
        undo = undoable.step.undo if isinstance(undoable.step, Task) else None
        if undo is None:  # pragma: no cover - only what can be undone is in a chain
            raise AssertionError(undoable.step.name)
        state = task_state(
            undo,
            renamed(undo.arguments, self._names(undoable, undo)),
            retriers=[HARD.retrier()],
            catchers=[self._left(undoable.step.name, after)],
        )
        states: States = {undo.name: {**state, "Output": INPUT, "Next": after}}
        if undoable.done is None:
            return states
        question: dict[str, Any] = {
            "Type": "Choice",
            "Choices": [{"Condition": f"{{% ${self._scope.variable(undoable.done)} %}}", "Next": undo.name}],
            "Default": after,
        }
        return {f"{undoable.step.name}: done?": question, **states}

    def _items(self, undoable: Undoable, items: Scope, after: str) -> States:
        """Undo every item, the last one first."""
        name, inner = undoable.step.name, self._survey.new_scope("", self._scope)
        begin, end = f"{name}: item to undo", f"{name}: item undone"
        chain = UndoChain(self._survey, inner, items.undoables, last=end, refusals=self._refusals)
        told = [base for each in items.undoables for base in each.variables]
        left = self._scope.variable(LEFT)
        return {
            f"Undo {name}": {
                "Type": "Map",
                "Items": f"{{% $reverse(${self._scope.variable(undoable.holds)}) %}}",
                "MaxConcurrency": getattr(undoable.step, "max_concurrency", 1),
                "ItemProcessor": {
                    "StartAt": begin,
                    "States": {
                        begin: {
                            "Type": "Pass",
                            "Assign": {
                                **{inner.variable(base): f"{{% $states.input.undo.{base} %}}" for base in told},
                                inner.variable(LEFT): "",
                            },
                            "Output": "{% $states.input.item %}",
                            "Next": chain.entries[-1],
                        },
                        **chain.states,
                        end: {"Type": "Pass", "Output": f"{{% ${inner.variable(LEFT)} %}}", "End": True},
                    },
                },
                "Assign": {left: f"{{% ${left} & $join($states.result) %}}"},
                "Catch": [self._left(name, after)],
                "Output": INPUT,
                "Next": after,
            }
        }

    def _left(self, name: str, after: str) -> dict[str, Any]:
        """Note what could not be undone, and undo the rest."""
        left = self._scope.variable(LEFT)
        text = json.dumps(f", {name}", ensure_ascii=False)
        return {
            "ErrorEquals": [ANY_ERROR],
            "Assign": {left: f"{{% ${left} & {text} %}}"},
            "Output": INPUT,
            "Next": after,
        }

    def _names(self, undoable: Undoable, undo: Task) -> Mapping[str, str]:
        """What the variables of a recipe are called where a step is undone."""
        holds = self._scope.variable(undoable.holds)
        names = {name: actual for name, (scope, actual) in undoable.known.items() if self._scope.sees(scope)}
        names |= {undoable.holds: holds, "result": holds}
        gone = {name for text in strings_of(undo.arguments) for name in variables_of(text)} - set(names)
        for variable in sorted(gone & set(undoable.known)):
            self._refusals.refuse(
                f"{undo.name!r} reads ${variable}, which is gone when {undoable.step.name!r} is undone",
                fix="read $result, what the undone step answered, or let that step answer all that undoing it takes",
            )
        return names


def last_state(scope: Scope) -> dict[str, Any]:
    """The end of a workflow that has undone what it did: the error is the one that caused it."""
    left, cause = scope.variable(LEFT), f"${scope.variable(FAILURE)}.Cause"
    shortened = f'$substring("" & {cause}, 0, {LONGEST_CAUSE})'
    return {
        "Type": "Fail",
        "Error": f"{{% ${scope.variable(FAILURE)}.Error %}}",
        "Cause": f'{{% {shortened} & (${left} = "" ? "" : " (not undone: " & $substring(${left}, 2) & ")") %}}',
    }
