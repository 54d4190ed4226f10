"""What is wrong with the expressions of a step: they cannot be read, or read what is not there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from constructs_lib.wiring.refusals import did_you_mean
from constructs_lib.workflow_steps.expression import (
    FUNCTIONS,
    Value,
    body_of,
    fault_of,
    is_expression,
    is_malformed,
    strings_of,
    variables_of,
)
from constructs_lib.workflow_steps.jsonata import read

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals

# What of `$states` a recipe can read; what a step answered has the name of its result.
# https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#reserved-states-variable
STATES_FIELDS = ("context", "input")
WHERE = "https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html"


def check_expressions(name: str, value: Value, known: Iterable[str], refusals: Refusals) -> None:
    """Note everything wrong with the expressions of a step.

    Args:
        name: The step.
        value: What it sends, at any depth.
        known: The variables it can see.
        refusals: Where problems are noted.
    """
    seen = sorted(known)
    for text in strings_of(value):
        if is_malformed(text):
            refusals.refuse(
                f"{name!r} holds {text!r}, which Step Functions would not evaluate",
                fix="make the whole string an expression: \"{% 'Order ' & $states.input.id %}\"",
            )
        fault = fault_of(text)
        if fault is not None:
            refusals.refuse(
                f"{name!r} holds {text!r}, which is no JSONata: {fault}",
                fix="mend it, try it on https://try.jsonata.org",
            )
        elif is_expression(text):
            _check_reading(name, text, seen, refusals)


def _check_reading(name: str, text: str, known: list[str], refusals: Refusals) -> None:
    expression = read(body_of(text))
    for field in sorted(expression.states_fields - set(STATES_FIELDS)):
        refusals.refuse(
            f"{name!r} reads $states.{field}, and there is {' and '.join(f'$states.{each}' for each in STATES_FIELDS)}"
            f"{did_you_mean(field, STATES_FIELDS)}",
            fix='what a step answered has the name of its result: step(..., result="payment"), then $payment',
        )
    for variable in sorted(variables_of(text) - set(known)):
        if variable == "$":
            refusals.refuse(
                f"{name!r} reads $$, and nothing is there: data is in $states", fix='write "{% $states.input %}"'
            )
        elif variable in expression.called:
            refusals.refuse(
                f"{name!r} calls ${variable}, which Step Functions does not have{did_you_mean(variable, FUNCTIONS)}",
                fix=f"see {WHERE}",
            )
        else:
            listed = ", ".join(f"${each}" for each in known) or "none"
            refusals.refuse(
                f"{name!r} reads ${variable}, which no step before it sets, there is {listed}"
                f"{did_you_mean(variable, known)}",
                fix=f'name a result: step(..., result="{variable}")',
            )
