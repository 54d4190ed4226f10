"""How long something may take, wait or stay: whole units, within what AWS takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import aws_cdk as cdk

if TYPE_CHECKING:
    from constructs_lib.wiring.refusals import Refusals

Unit = Literal["s", "min", "days"]

AMOUNTS: Mapping[Unit, Callable[[cdk.Duration], float]] = {
    "s": lambda value: float(value.to_seconds(integral=False)),
    "min": lambda value: float(value.to_minutes(integral=False)),
    "days": lambda value: float(value.to_days(integral=False)),
}


def check_duration(
    name: str, value: object, allowed: range, refusals: Refusals, *, unit: Unit = "s", wanted: str, fix: str
) -> None:
    """Note a duration that is none, or that is not a whole number of units within what is allowed.

    Args:
        name: The argument.
        value: What was passed; nothing is said of None, nor of what is known at deploy only.
        allowed: The whole numbers of units that AWS takes.
        refusals: Where problems are noted.
        unit: In what AWS counts.
        wanted: How the sentence ends: `is not one Lambda waits (0 to 300 whole seconds)`.
        fix: What to do about it.
    """
    if value is None:
        return
    if not isinstance(value, cdk.Duration):
        refusals.refuse(f"{name} is {value!r}, wanted a Duration", fix="write cdk.Duration.seconds(30)")
    elif not value.is_unresolved() and AMOUNTS[unit](value) not in allowed:
        refusals.refuse(f"{name} ({AMOUNTS[unit](value):g} {unit}) {wanted}", fix=fix)
